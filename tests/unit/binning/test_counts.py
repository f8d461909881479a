from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from binning.counts import bucket_deltas, learning_hours
from binning.identity import in_fitting_half
from binning.turn import EventTime, Retrieval, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from binning.binset import BinSet
    from binning.encoder import Encoder
    from binning.layout import Layout


def vector(layout: Layout, fields: Mapping[str, int], segment: str = "") -> NDArray[np.int64]:
    """The flat vector of one segment (the whole: "") in a bucket's fields."""
    counts = np.zeros(layout.size, dtype=np.int64)
    for name, count in fields.items():
        own, _, slot = name.rpartition("/")
        if own == segment and slot.isdecimal():
            counts[int(slot)] += count
    return counts


def test_buckets_of_any_split_of_the_turns_add_up_to_the_same(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    whole = _fields(bin_set, turns, encoder)
    parts: dict[int, dict[str, int]] = {}
    for start in range(0, len(turns), 97):
        for minute, fields in _fields(bin_set, turns[start : start + 97], encoder).items():
            bucket = parts.setdefault(minute, {})
            for name, count in fields.items():
                bucket[name] = bucket.get(name, 0) + count
    assert whole == parts


def test_fields_go_back_to_the_counts_of_the_bins(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    binned = bin_set.assign(turns, encoder)
    buckets = _fields(bin_set, turns, encoder)
    total = sum(
        (vector(bin_set.layout, fields) for fields in buckets.values()), np.zeros(bin_set.layout.size)
    )
    expected = np.bincount(binned.slots[binned.slots >= 0], minlength=bin_set.layout.size)
    assert np.array_equal(total, expected)
    assert len(turns) == sum(fields["#"] for fields in buckets.values())


def test_a_segment_counts_its_own_turns_and_no_joints(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    buckets = _fields(bin_set, turns, encoder)
    own = [turn for turn in turns if turn.attributes.get("tier") == "pro"]
    segment = sum(
        (vector(bin_set.layout, fields, "tier=pro") for fields in buckets.values()),
        np.zeros(bin_set.layout.size),
    )
    slots = bin_set.assign(own, encoder).slots[:, : len(bin_set.layout.dimensions)]
    assert np.array_equal(segment, np.bincount(slots[slots >= 0], minlength=bin_set.layout.size))
    assert len(own) == sum(fields.get("tier=pro/#", 0) for fields in buckets.values())
    rest = [turn for turn in turns if turn.attributes.get("tier") == "trial"]
    assert len(rest) == sum(fields.get("tier=__other__/#", 0) for fields in buckets.values())


def test_the_change_set_is_counted_and_cut(bin_set: BinSet, turns: list[Turn], encoder: Encoder) -> None:
    first = turns[0]
    first_minute = [turn for turn in turns if turn.at // 60 == first.at // 60]
    fields = _fields(bin_set, turns, encoder)[int(first.at // 60)]
    assert fields[f"@model={first.model}"] == sum(turn.model == first.model for turn in first_minute)
    long = Turn(trace_id="long", at=first.at, prompt_version="v" * 100)
    assert _fields(bin_set, [long], encoder)[int(first.at // 60)] == {
        "#": 1,
        f"@prompt_version={'v' * 64}": 1,
    }


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ({"tool_set": "lookup+refund"}, {"@tools=lookup+refund"}),
        ({"tool_set": None}, set()),
        ({"retrieval": Retrieval(index_version="2026-01")}, {"@index_version=2026-01"}),
        ({"retrieval": Retrieval(index_version="i" * 100)}, {f"@index_version={'i' * 64}"}),
        ({"retrieval": Retrieval(documents=3)}, set()),
        (
            {"tool_set": "lookup", "retrieval": Retrieval(index_version="7"), "model": "m"},
            {"@tools=lookup", "@index_version=7", "@model=m"},
        ),
    ],
)
def test_tools_and_the_index_are_counted_where_a_turn_names_them(
    bin_set: BinSet, encoder: Encoder, turn: dict[str, Any], expected: set[str]
) -> None:
    assert expected == _change_set(bin_set, encoder, Turn(trace_id="t", at=EventTime(0), **turn))


def test_turns_with_and_without_a_tool_set_add_up_by_themselves(bin_set: BinSet, encoder: Encoder) -> None:
    offered = ["a+b", "a+b", None, "a", "a+b"]
    turns = [
        Turn(trace_id=f"{n}", at=EventTime(0), model=f"m{n % 2}", tool_set=tools)
        for n, tools in enumerate(offered)
    ]
    counts = _fields(bin_set, turns, encoder)[0]
    assert {"@tools=a+b": 3, "@tools=a": 1} == {n: c for n, c in counts.items() if n.startswith("@tools=")}
    assert {"@model=m0": 3, "@model=m1": 2} == {n: c for n, c in counts.items() if n.startswith("@model=")}


def test_pointers_are_the_first_turn_of_each_residue(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    hour = [turn for turn in turns if turn.at // 60 == turns[0].at // 60]
    binned = bin_set.assign(hour, encoder)
    gained = bucket_deltas(bin_set, binned, hour, lambda row: hour[row].trace_id)
    _, pointers = gained[int(turns[0].at // 60)]
    assert set(pointers) <= {"*0", "*1", "*2", "*3"}
    assert pointers
    assert hour[0].trace_id in pointers.values()


def test_learning_counts_every_turn_but_only_half_where_bins_were_fitted(
    bin_set: BinSet, turns: list[Turn], encoder: Encoder
) -> None:
    hours = learning_hours(bin_set, bin_set.assign(turns, encoder), turns)
    total = sum(hours.values(), np.zeros(bin_set.layout.size, dtype=np.int64))
    with_text = [turn for turn in turns if turn.input.text]
    held_out = [turn for turn in with_text if not in_fitting_half(turn.identity)]
    assert set(hours) == {int(turn.at // 3600) for turn in turns}
    assert len(with_text) == total[bin_set.layout.dimension("input.intent").slots].sum()
    assert len(held_out) == total[bin_set.layout.dimension("input.cluster").slots].sum()
    assert len(held_out) == total[bin_set.layout.dimension("input.novelty").slots].sum()
    answered = [turn for turn in held_out if turn.answered]
    joint = next(joint for joint in bin_set.layout.joints if joint.given == "input.cluster")
    assert len(answered) == total[joint.slots].sum()


def test_the_halves_are_even_and_independent_of_the_order_of_ids() -> None:
    share = np.mean([in_fitting_half(f"trace-{number:06d}") for number in range(20_000)])
    assert abs(share - 0.5) < 0.02


def _change_set(bin_set: BinSet, encoder: Encoder, turn: Turn) -> set[str]:
    return {name for name in _fields(bin_set, [turn], encoder)[0] if name.startswith("@")}


def _fields(bin_set: BinSet, turns: list[Turn], encoder: Encoder) -> dict[int, dict[str, int]]:
    deltas = bucket_deltas(bin_set, bin_set.assign(turns, encoder), turns, lambda _: "{}")
    return {minute: fields for minute, (fields, _) in deltas.items()}
