"""`quadrift replay` over generated histories, and over the labelled real ones where they are at hand."""

from __future__ import annotations

import gzip
import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from worker.__main__ import main
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Sequence

SCENARIOS = Path(__file__).parents[2] / ".." / "shared" / "data" / "scenarios"
REAL = {
    "v01_steady_sgd": None,
    "v02_steady_banking77_inputs": None,
    "v03_input_shift_new_segment_sgd": "world_changed",
    "v05_both_airline_gpt4o_to_retail_gpt41": "both_moved",
    "v06_output_shift_refusal_spike_xstest": "system_changed",
}


def history(folder: Path, *shifts: Shift) -> Path:
    """A day to learn from, then the shifts with quiet around them."""
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=1, shift_h=3, calm_h=4, shifts=shifts)
    begin = latest_begin(1_790_000_000, shape.end // 3600 + 1)
    played = Scenario(begin=begin, turns_per_hour=300, warm_h=1, shift_h=3, calm_h=4, shifts=shifts)
    path = folder / "history.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as lines:
        for sent in generate(played):
            lines.write(sent.record() + b"\n")
    return path


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["replay", *arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def pages(verdicts: Sequence[dict[str, Any]]) -> list[str]:
    """The quadrant that each episode opened with, in order."""
    opened: dict[str, str] = {}
    for verdict in verdicts:
        if verdict["episode"] is not None:
            opened.setdefault(verdict["episode"], verdict["quadrant"])
    return list(opened.values())


def test_each_shift_of_a_generated_history_pages_once_under_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts = replayed(
        capsys, str(history(tmp_path, Shift.WORLD, Shift.MODEL, Shift.TOOL)), "--learn", "24h"
    )
    assert pages(verdicts) == ["world_changed", "system_changed", "system_changed"]
    flagged = [v for v in verdicts if v["episode"]][-1]
    assert "flags:hallucination" in {d["name"] for d in flagged["dimensions"]}


def test_a_replay_says_the_same_twice_one_verdict_each_ten_minutes_and_each_hit_of_the_fast_lane(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(history(tmp_path, Shift.MODEL))
    once, again = (replayed(capsys, path, "--learn", "24h") for _ in range(2))
    assert once == again
    steps = [verdict["at"] for verdict in once if verdict["at"] % 600 == 0]
    between = [verdict for verdict in once if verdict["at"] % 600]
    assert all(verdict["alerting"] and verdict["at"] % 60 == 0 for verdict in between)
    assert [600] * (len(steps) - 1) == [later - at for at, later in pairwise(steps)]


def test_the_summary_names_the_alert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(history(tmp_path, Shift.MODEL)), "--learn", "24h"]) == 0
    said = capsys.readouterr().out
    assert "system_changed" in said
    assert "Every dimension at its worst" in said


def test_a_history_too_short_to_learn_from_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "short.jsonl"
    path.write_text('{"trace_id": "a", "timestamp": 1790000000, "input": {"text": "hello"}}\n')
    assert main(["replay", str(path), "--learn", "1000"]) == 1
    assert "--learn" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["yesterday", "0", "-5"])
def test_a_wrong_learn_option_is_named(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "h.jsonl"
    path.write_text("{}\n")
    assert main(["replay", str(path), f"--learn={option}"]) == 2
    assert "--learn" in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no-such-file.jsonl"]) == 2
    assert "no-such-file.jsonl" in capsys.readouterr().err


@pytest.mark.parametrize("name", REAL)
def test_the_labelled_real_streams_are_named_right(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = SCENARIOS / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip("the labelled streams are not beside this checkout")
    expected = [] if REAL[name] is None else [REAL[name]]
    assert expected == pages(replayed(capsys, str(path), "--learn", "1000"))
