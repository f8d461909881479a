"""What a verdict says of a deploy: other tools and another index are named, fields that are new are not."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_replay import replayed
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOOLS = ["search_kb", "lookup_order", "issue_refund"]


def played() -> Scenario:
    """A day to learn from, and answers that change twice, in the same way."""
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=1, shift_h=3, shifts=(Shift.MODEL, Shift.MODEL))
    return replace(shape, begin=latest_begin(1_790_000_000, shape.end // 3600 + 1))


def provenance(number: int, *, deployed: bool) -> dict[str, Any]:
    """The deploy takes a tool away and brings a new index; the order of the tools means nothing."""
    tools = [*TOOLS[number % 3 :], *TOOLS[: number % 3]]
    if deployed:
        tools.remove("issue_refund")
    return {"tools": tools, "retrieval": {"index_version": "2026-02" if deployed else "2026-01"}}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Tools and index are carried from the first change on, as after an upgrade; the second deploys."""
    scenario, path = played(), tmp_path / "history.jsonl.gz"
    first, second = (span.start for span in scenario.spans() if span.shift)
    with gzip.open(path, "wb", compresslevel=1) as lines:
        for number, sent in enumerate(generate(scenario)):
            if sent.at >= first:
                sent.turn.update(provenance(number, deployed=sent.at >= second))
            lines.write(sent.record() + b"\n")
    return path


def test_a_deploy_is_named_as_an_own_change_and_a_field_that_was_not_counted_before_is_none(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = replayed(capsys, str(history), "--learn", "24h")
    upstream, own = ([v for v in said if v["episode"] == name] for name in episodes(said))

    assert {"system_changed"} == {verdict["quadrant"] for verdict in (upstream[0], own[0])}
    assert ["silent_upstream", "own_change"] == [upstream[0]["cause"], own[0]["cause"]]
    assert [] == [change for verdict in upstream for change in verdict["changes"]]
    assert own[0]["ruled_out"] == ["model", "prompt_version", "service_version"]
    assert {change["field"]: (change["from"], change["to"]) for change in own[0]["changes"]} == {
        "index_version": ("2026-01", "2026-02"),
        "tools": ("issue_refund+lookup_order+search_kb", "lookup_order+search_kb"),
    }
    assert own[0]["last_steady"]["tools"] == "issue_refund+lookup_order+search_kb"


def episodes(verdicts: Sequence[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(verdict["episode"] for verdict in verdicts if verdict["episode"] is not None))
