"""The bins on real text that nobody here wrote, when the data is at hand: floors below what was measured."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from binning.dimensions.base import Batch
from binning.dimensions.intent import Intent
from binning.dimensions.response_category import ResponseCategory
from binning.identity import in_fitting_half
from binning.learn import learn_bin_set
from binning.turn import EventTime, Input, Output, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from binning.binset import BinSpec
    from binning.encoder import Encoder
    from binning.spec import ResponseRule, TaxonomyEntry

DATA = Path(__file__).parents[3] / ".." / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="no real data beside the repository")


def test_refusals_are_what_people_call_refusals(rules: tuple[ResponseRule, ...], encoder: Encoder) -> None:
    rows = list(_rows("traces/xstest_even_prompts"))
    truth = [row["labels"]["response_category"] for row in rows]
    precision, recall = _precision_recall(truth, _categories(rows, rules, encoder), "refused")
    assert precision >= 0.9
    assert recall >= 0.9


def test_clarifying_questions_are_told_from_answers(
    rules: tuple[ResponseRule, ...], encoder: Encoder
) -> None:
    rows = [row for row in _rows("traces/sgd_dev") if not row["output"]["tool_calls"]]
    truth = [row["labels"]["response_category_text"] for row in rows]
    precision, recall = _precision_recall(truth, _categories(rows, rules, encoder), "asked_clarify")
    assert precision >= 0.9
    assert recall >= 0.9


def test_the_default_taxonomy_tells_support_requests_apart(
    taxonomy: tuple[TaxonomyEntry, ...], encoder: Encoder
) -> None:
    mapping = json.loads((DATA / "labelled_inputs" / "intent_to_default_taxonomy.json").read_text())[
        "mapping"
    ]
    texts, truth = [], []
    for name, file in (("bitext", "bitext_train"), ("banking77", "banking77_train")):
        for row in _rows(f"labelled_inputs/{file}"):
            entry = mapping[name].get(row["labels"]["intent"], {})
            if entry and "also_defensible" not in entry:
                texts.append(row["input"]["text"])
                truth.append(entry["default_intent"])
    dimension = Intent.from_taxonomy(taxonomy, encoder)
    named = [dimension.bins[best] for best in dimension.probabilities(encoder.encode(texts)).argmax(axis=1)]
    for intent, least in (("billing", 0.85), ("refund", 0.8), ("tech_support", 0.8), ("lookup", 0.8)):
        assert _f1(truth, named, intent) >= least


@pytest.mark.parametrize(
    ("scenario", "key", "moves"),
    [
        ("v01_steady_sgd", "input.cluster", False),
        ("v02_steady_banking77_inputs", "input.cluster", False),
        ("v03_input_shift_new_segment_sgd", "input.cluster", True),
        ("v05_both_airline_gpt4o_to_retail_gpt41", "output.tool_pattern", True),
        ("v06_output_shift_refusal_spike_xstest", "input.cluster", False),
        ("v06_output_shift_refusal_spike_xstest", "output.response_category", True),
    ],
)
def test_a_real_change_moves_its_dimension_and_nothing_else(
    scenario: str, key: str, moves: bool, spec: BinSpec, encoder: Encoder
) -> None:
    turns = [_turn(row) for row in _rows(f"scenarios/{scenario}")]
    change = json.loads((DATA / "scenarios" / f"{scenario}.truth.json").read_text())["change_index"]
    learned = learn_bin_set(turns[:1_000], spec, encoder)
    counted = [turn for turn in turns[:1_000] if not in_fitting_half(turn.identity)]
    column = [entry.key for entry in learned.layout.dimensions].index(key)
    entry = learned.layout.dimensions[column]
    reference, current = (
        np.bincount(slots[slots >= 0] - entry.offset, minlength=len(entry.bins))
        for slots in (
            learned.assign(part, encoder).slots[:, column] for part in (counted, turns[change or 1_000 :])
        )
    )
    assert moves == (_psi(reference, current) > 0.1)


def _rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / f"{name}.jsonl.gz") as file:
        yield from map(json.loads, file)


def _output(row: dict[str, Any]) -> Output:
    calls = tuple(ToolCall(call["name"]) for call in row["output"]["tool_calls"])
    return Output(row["output"]["text"], calls, row["output"].get("finish_reason"))


def _turn(row: dict[str, Any]) -> Turn:
    at = EventTime(datetime.fromisoformat(row["timestamp"]).timestamp())
    return Turn(trace_id=row["trace_id"], at=at, input=Input(row["input"]["text"]), output=_output(row))


def _categories(
    rows: Sequence[dict[str, Any]], rules: tuple[ResponseRule, ...], encoder: Encoder
) -> list[str]:
    dimension = ResponseCategory.from_rules(rules, encoder)
    found = dimension.assign(Batch([_turn(row) for row in rows], encoder))
    return [dimension.bins[bin_] for bin_ in found.tolist()]


def _precision_recall(truth: Sequence[str], named: Sequence[str], name: str) -> tuple[float, float]:
    both = sum(one == other == name for one, other in zip(truth, named, strict=True))
    return both / max(named.count(name), 1), both / max(truth.count(name), 1)


def _f1(truth: Sequence[str], named: Sequence[str], name: str) -> float:
    precision, recall = _precision_recall(truth, named, name)
    return 2 * precision * recall / max(precision + recall, 1e-9)


def _psi(reference: np.ndarray[Any, Any], current: np.ndarray[Any, Any]) -> float:
    """Smoothed by a half, less its mean when nothing changed."""
    bins = len(reference)
    old = (reference + 0.5) / (reference.sum() + bins / 2)
    new = (current + 0.5) / (current.sum() + bins / 2)
    noise = (bins - 1) * (1 / reference.sum() + 1 / current.sum())
    return float(((new - old) * np.log(new / old)).sum() - noise)
