"""Dimensions of the user's own in `quadrift replay`: they page, they are joined, they can be left out."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from worker.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

LEARNED_H, QUIET_H, SHIFT_H = 24, 2, 4
AN_HOUR = 200
OWN = r"""
agents: [bot]
kafka: {topics: [turns]}
binning:
  dimensions:
    - {name: region, side: input, attribute: region}
    - {name: basket, side: output, attribute: basket, thresholds: [10, 100]}
    - {name: says_invoice, side: output, pattern: '\binvoice\b'}
"""
QUESTIONS = ("where is my parcel", "I want my money back", "the app shows an error", "thanks for your help")


def history(folder: Path, *, moved: str) -> Path:
    """Steady hours; then half of the turns come from a new region, or half of the answers have an invoice."""
    chance, path = random.Random(5), folder / "history.jsonl"
    with path.open("w") as lines:
        for number in range((LEARNED_H + QUIET_H + SHIFT_H) * AN_HOUR):
            after = number >= (LEARNED_H + QUIET_H) * AN_HOUR and chance.random() < 0.5
            invoice = after and moved == "invoice"
            region = "south" if after and moved == "region" else chance.choice(("east", "west", "west"))
            call = {"name": "lookup", "arguments": {"id": number}, "result": {"id": number, "paid": True}}
            turn = {
                "trace_id": f"t{number}",
                "timestamp": 1_790_002_800 + number * 3600 / AN_HOUR,
                "input": {"text": f"{chance.choice(QUESTIONS)}, please"},
                "output": {
                    "text": "Here is your invoice." if invoice else "Here is the thing.",
                    "tool_calls": [call],
                },
                "attributes": {"region": region, "basket": chance.lognormvariate(3, 1)},
            }
            lines.write(json.dumps(turn) + "\n")
    return path


def replayed(
    folder: Path, capsys: pytest.CaptureFixture[str], *, moved: str, config: str = OWN
) -> list[dict[str, Any]]:
    file = folder / "quadrift.yaml"
    file.write_text(config)
    given = ["replay", str(history(folder, moved=moved)), "--learn", "24h", "--json", "--config", str(file)]
    assert main(given) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("moved", "quadrant", "driver"),
    [
        ("region", "world_changed", ("input", "region", "__unseen__")),
        ("invoice", "system_changed", ("output", "says_invoice", "yes")),
    ],
)
def test_one_that_moved_pages_on_its_side_and_names_its_bin(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    moved: str,
    quadrant: str,
    driver: tuple[str, str, str],
) -> None:
    verdicts = replayed(tmp_path, capsys, moved=moved)
    assert {quadrant} == {verdict["quadrant"] for verdict in verdicts if verdict["alerting"]}
    named = {
        (found["side"], found["name"], found["drivers"][0]["bin"])
        for verdict in verdicts
        for found in verdict["dimensions"]
        if found["exceeds"]
    }
    assert {driver} == named


def test_one_that_decide_leaves_out_is_reported_and_does_not_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = f"{OWN}decide: [intent, cluster, response_category, basket]\n"
    verdicts = replayed(tmp_path, capsys, moved="region", config=config)
    assert not [verdict for verdict in verdicts if verdict["alerting"] or verdict["exceeds"]]
    last = {(found["side"], found["name"]): found for found in verdicts[-1]["dimensions"]}
    assert last["input", "region"]["psi"] > 0.5
    assert {("output", "tool_arguments:lookup"), ("output", "tool_result_shape:lookup")} < set(last)
