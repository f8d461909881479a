from __future__ import annotations

import msgspec
import pytest

from alerts.notification import announce
from alerts.sinks.base import Dead, Delivered, Retry, retry_after
from alerts.sinks.pagerduty import dedup_key, event, outcome
from alerts.verdict import Quadrant
from tests.unit.alerts.samples import make_notification, make_opened, make_resolved

KEY = "0123456789abcdef0123456789abcdef"


def test_a_trigger_carries_summary_severity_details_and_links() -> None:
    sent = event(make_notification(), KEY, "quadrift")
    payload = sent["payload"]
    assert (sent["event_action"], sent["dedup_key"]) == ("trigger", "quadrift/support-bot/all")
    assert payload["summary"].startswith("[FIRING] support-bot: system_changed")
    assert (payload["severity"], payload["source"]) == ("error", "support-bot")
    assert payload["timestamp"] == "2026-10-16T11:40:00+00:00"
    assert payload["custom_details"]["dimensions"][0]["dimension"] == "output.response_category"
    assert "First step" in payload["custom_details"]
    assert sent["links"][0] == {
        "href": "https://drift.example.com/playbooks/system_changed",
        "text": "Playbook",
    }


@pytest.mark.parametrize(
    ("quadrant", "severity"),
    [
        (Quadrant.WORLD_CHANGED, "warning"),
        (Quadrant.SYSTEM_CHANGED, "error"),
        (Quadrant.BOTH_MOVED, "error"),
        (None, "error"),  # the outputs moved
    ],
)
def test_severity_follows_the_quadrant(quadrant: Quadrant | None, severity: str) -> None:
    assert severity == event(make_notification(quadrant=quadrant), KEY, "quadrift")["payload"]["severity"]


def test_a_resolve_has_the_trigger_s_key_and_nothing_else() -> None:
    state, opened = make_opened()
    trigger = event(announce(opened, base_url=None, playbooks={}), KEY, "quadrift")
    resolve = event(announce(make_resolved(state), base_url=None, playbooks={}), KEY, "quadrift")
    expected = {"routing_key": KEY, "dedup_key": trigger["dedup_key"], "event_action": "resolve"}
    assert expected == resolve


def test_keys_differ_by_installation_agent_and_segment_and_stay_within_255() -> None:
    keys = {
        dedup_key(installation, agent, segment)
        for installation in ("prod", "staging")
        for agent in ("a" * 300 + "1", "a" * 300 + "2", "b")
        for segment in ("all", "plan=pro")
    }
    assert len(keys) == 12
    assert max(map(len, keys)) <= 255


def test_a_long_summary_is_cut_and_the_event_stays_small() -> None:
    sent = event(make_notification(agent="x" * 5000, segment="y" * 5000), KEY, "quadrift")
    assert len(sent["payload"]["summary"]) <= 1024
    assert len(msgspec.json.encode(sent)) < 20_000


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (202, {}, Delivered()),
        (400, {}, Dead("status 400")),
        (403, {}, Dead("status 403")),
        (302, {}, Dead("status 302: redirects are not followed")),
        (408, {}, Retry("status 408")),
        (429, {"retry-after": "7"}, Retry("status 429", 7.0)),
        (500, {}, Retry("status 500")),
        (200, {}, Dead("status 200")),
    ],
)
def test_202_is_accepted_and_the_rest_sorted(status: int, headers: dict[str, str], expected: object) -> None:
    assert expected == outcome(status, b"", headers, 0.0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("30", 30.0),
        (" 0 ", 1.0),
        ("999999999999", 3600.0),
        ("-5", None),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 120.0),
        ("Thu, 01 Jan 1970 00:02:00", 120.0),
        ("Wed, 31 Dec 1969 00:00:00 GMT", 1.0),
        ("Thu, 01 Jan 2099 00:00:00 GMT", 3600.0),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_an_hour(value: str | None, expected: float | None) -> None:
    assert expected == retry_after(value, 0.0)
