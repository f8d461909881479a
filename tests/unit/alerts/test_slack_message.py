from __future__ import annotations

from typing import Any

import msgspec
import pytest

from alerts.notification import announce
from alerts.sinks.base import Dead, Delivered, Retry
from alerts.sinks.slack import message, outcome, plain
from alerts.sinks.slack_blocks import escaped, matrix
from alerts.verdict import Change, Driver, Quadrant, Sample
from tests.unit.alerts.samples import REFUSALS, make_notification, make_opened, make_resolved

NASTY = "<!channel> ```*_~ \u202e" + "&" * 300


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in texts(value)]
    return [text for item in node for text in texts(item)] if isinstance(node, list) else []


def of_type(payload: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [block for block in payload["blocks"] if block["type"] == kind]


@pytest.fixture
def worst_case() -> dict[str, Any]:
    """Every name as long and as hostile as a trace can make it, in every place that takes one."""
    bad = Driver(NASTY, 0.03, 0.18, 0.2, NASTY)
    dimensions = tuple(
        msgspec.structs.replace(REFUSALS, name=f"{i}{NASTY}", drivers=(bad,) * 5) for i in range(9)
    )
    return message(
        make_notification(
            agent=NASTY,
            segment=NASTY,
            dimensions=dimensions,
            changes=(Change(NASTY, NASTY, NASTY, 0, 1.0),) * 9,
            ruled_out=(NASTY,) * 9,
            last_steady={f"{i}{NASTY}": NASTY for i in range(9)},
            samples=(Sample(NASTY, NASTY, 1, 1),) * 9,
        )
    )


def test_the_message_has_header_matrix_dimensions_drivers_and_the_playbook() -> None:
    payload = message(make_notification())
    everything = "\n".join(texts(payload))
    assert payload["text"].startswith("[FIRING] support-bot: system_changed")
    assert "FIRING support-bot: system changed" in of_type(payload, "header")[0]["text"]["text"]
    assert "● SYSTEM_CHANGED" in everything
    assert "! output.response_category" in everything
    assert "refused 3 % -&gt; 18 %" in everything
    assert "traces-3@18233" in everything
    buttons = of_type(payload, "actions")[0]["elements"]
    assert buttons[0]["url"] == "https://drift.example.com/playbooks/system_changed"
    assert (payload["unfurl_links"], payload["unfurl_media"]) == (False, False)


def test_a_resolve_is_short_and_without_the_matrix() -> None:
    state, _ = make_opened()
    payload = message(announce(make_resolved(state), base_url=None, playbooks={}))
    assert "RESOLVED" in payload["blocks"][0]["text"]["text"]
    assert [block["type"] for block in payload["blocks"]] == ["header", "section", "section"]


def test_without_a_link_there_are_no_buttons() -> None:
    payload = message(announce(make_opened()[1], base_url=None, playbooks={}))
    assert of_type(payload, "actions") == []


def test_the_worst_message_keeps_every_limit(worst_case: dict[str, Any]) -> None:
    assert len(worst_case["blocks"]) <= 50
    assert all(len(block["text"]["text"]) <= 150 for block in of_type(worst_case, "header"))
    assert all(0 < len(block["text"]["text"]) <= 3000 for block in of_type(worst_case, "section"))
    assert sum(map(len, texts(worst_case))) < 10_000
    assert len(msgspec.json.encode(worst_case).decode()) < 11_000


def test_no_name_can_mention_a_channel_or_close_a_code_span(worst_case: dict[str, Any]) -> None:
    marked = [block["text"]["text"] for block in of_type(worst_case, "section")] + [worst_case["text"]]
    for text in marked:
        inner = text.removeprefix("```").removesuffix("```")
        assert "<" not in inner
        assert "`" not in inner
        assert "\u202e" not in inner


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("a<b>&c", 100, "a&lt;b&gt;&amp;c"),
        ("a<b>", 7, "a&lt;b…"),
        ("&&&", 8, "&amp;…"),
        ("abc", 4, "abc"),
        ("&&", 10, "&amp;&amp;"),
    ],
)
def test_text_is_never_cut_inside_an_entity(text: str, limit: int, expected: str) -> None:
    assert expected == escaped(text, limit)
    assert len(escaped(text, limit)) <= limit


@pytest.mark.parametrize("quadrant", [*Quadrant, None])
def test_the_matrix_marks_one_field_or_none(quadrant: Quadrant | None) -> None:
    assert matrix(quadrant).count("●") == (quadrant is not None)


def test_the_plain_form_still_says_everything() -> None:
    text = plain(make_notification())["text"]
    assert "system_changed" in text
    assert "First step" in text
    assert "Playbook: https://drift.example.com/playbooks/system_changed" in text


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (200, b"ok", {}, Delivered()),
        (200, b"no_service", {}, Dead("no_service")),
        (200, b"<html>a proxy's page", {}, Dead("an answer that is not ok")),
        (200, b"", {}, Dead("an answer that is not ok")),
        (302, b"", {"location": "https://x"}, Dead("status 302: redirects are not followed")),
        (400, b"invalid_blocks", {}, Dead("invalid_blocks")),
        (404, b"no_service", {}, Dead("no_service")),
        (403, b"Forbidden, my dear", {}, Dead("status 403")),
        (429, b"", {"retry-after": "30"}, Retry("status 429", 30.0)),
        (500, b"oops", {}, Retry("status 500")),
        (503, b"", {"retry-after": "Fri, 16 Oct 2026 12:01:00 GMT"}, Retry("status 503", 60.0)),
    ],
)
def test_only_200_with_ok_is_delivered(
    status: int, body: bytes, headers: dict[str, str], expected: object
) -> None:
    assert expected == outcome(status, body, headers, 1_792_152_000)
