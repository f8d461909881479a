"""The shapes of arguments and results, a dimension for each tool."""

from __future__ import annotations

import time
from typing import Any

import pytest

from binning.dimensions.shape import paths, shape_name, skeleton
from binning.dimensions.tool_shapes import ToolArguments, ToolResultShape
from binning.turn import ToolCall, Turn
from tests.unit.binning.teaching import answered, asked, bins_of, teach

KEYS = {f"k{number}": 1 for number in range(30)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"id": 1, "name": "x"}, "id, name"),
        ({"name": "y", "id": None}, "id, name"),
        ('{"name": "y", "id": 2}', "id, name"),
        ({"rows": [{"id": 1}, {"no": 2}], "ok": True}, "ok, rows[].id"),
        ([{"id": 1}], "[].id"),
        ({"a": {"b": {"c": {"d": 1}}}}, "a.b.c"),
        ({}, "{}"),
        ([], "[]"),
        ([1, 2], "[]"),
        ({"data": {}, "rows": []}, "data{}, rows[]"),
        ({"text": 1}, "text"),
        ("sunny", "plain text"),
        ("", "plain text"),
        ("[1] a quotation", "plain text"),
        ('{"a": NaN}', "plain text"),
        ("[" * 5_000, "plain text"),
        ("{" + " " * 20_000, "long text"),
        (3.5, "plain number"),
        (True, "plain yes/no"),
    ],
)
def test_a_shape_is_its_keys(value: Any, expected: str) -> None:
    assert expected == shape_name(paths(skeleton(value)))


def test_no_value_has_no_shape() -> None:
    assert skeleton(None) is None


def test_keys_that_are_data_are_folded() -> None:
    value = {"ann@example.com": 1, "order_17": 2, "order_18": {"2026-11-20": 3}, "\ud800": 4}
    assert ("*", "order_#", "order_#.*") == paths(skeleton(value))
    assert ("*",) == paths(skeleton({f"key{number}": 1 for number in range(41)}))


def test_a_long_name_is_cut_and_still_tells_itself_from_another() -> None:
    keys = [f"{letter}_rather_long_key" for letter in "abcdefgh"]
    one, other = (shape_name(paths(skeleton(dict.fromkeys(each)))) for each in (keys, keys[:-1]))
    assert one != other
    assert all(len(name) <= 80 and name.startswith("a_rather_long_key, ") for name in (one, other))


def test_a_tool_that_changed_its_format_shows_by_its_name() -> None:
    learned = [_gave({"status": "sent", "id": n}) for n in range(60)]
    (dimension,) = teach(ToolResultShape, [*learned, *[_gave({"status": "lost"})] * 25])
    assert "tool_result_shape:lookup" == dimension.name
    assert ("id, status", "status", "__other__", "__unseen__") == dimension.bins
    turns = [_gave({"id": 1, "status": ""}), _gave({"id": 7}), _gave({"state": 1}), _gave('{"status": 1}')]
    assert ["id, status", "__other__", "__unseen__", "status"] == bins_of(dimension, turns)


def test_a_call_that_failed_or_says_nothing_has_no_result_shape() -> None:
    (dimension,) = teach(ToolResultShape, [_gave({"id": 1})] * 20)
    failed = answered("", ToolCall("lookup", error="timeout", result={"message": "late"}))
    other = answered("", ToolCall("refund", result={"id": 1}))
    assert [None] * 5 == bins_of(dimension, [failed, other, _gave(None), answered(), asked("hi")])


def test_a_turn_with_several_calls_of_a_tool_has_its_rarest_shape() -> None:
    (dimension,) = teach(ToolArguments, [_given({"id": 1})] * 40 + [_given({"name": 1})] * 20)
    turns = [_given({"id": 1}, {"name": 1}, {"id": 2}), _given({"new": 1}, {"id": 2}), _given({"id": 2})]
    assert ["name", "__unseen__", "id"] == bins_of(dimension, turns)


def test_only_the_tools_called_most_are_watched() -> None:
    turns = [
        answered("", ToolCall(f"tool{number}", {"id": 1})) for number in range(12) for _ in range(20 + number)
    ]
    seldom = [answered("", ToolCall("seldom", {"id": 1}))] * 19
    named = [answered("", ToolCall("call me now!", {"id": 1}))] * 99
    learned = teach(ToolArguments, [*turns, *seldom, *named])
    expected = [f"tool_arguments:tool{number}" for number in (10, 11, 4, 5, 6, 7, 8, 9)]
    assert expected == [dimension.name for dimension in learned]


def test_however_many_shapes_a_tool_has_its_bins_are_few_and_rare_keys_name_none() -> None:
    many = [_given({f"field_{chr(97 + n % 26)}": 1}) for n in range(26 * 30)]
    (dimension,) = teach(ToolArguments, [*many, *[_given({"featherstonehaugh": 1})] * 19])
    assert 10 == len(dimension.bins)
    assert "featherstonehaugh" not in str(dimension.state())


def test_a_huge_argument_does_not_stop_the_line() -> None:
    (dimension,) = teach(ToolArguments, [_given({"id": 1})] * 20)
    small, huge = (_given({"rows": [{"x": 1}] * rows, **KEYS}) for rows in (10, 1_000_000))
    deep: Any = 1
    for _ in range(900):
        deep = {"a": [deep]}
    assert ["__unseen__", "__unseen__"] == bins_of(dimension, [huge, _given(deep)])
    assert _cost(dimension, huge) < 10 * _cost(dimension, small)


def _cost(dimension: ToolArguments, turn: Turn) -> float:
    """The CPU seconds of binning a turn, at the best of twenty times."""

    def once() -> float:
        began = time.process_time()
        bins_of(dimension, [turn])
        return time.process_time() - began

    return min(once() for _ in range(20))


def _given(*arguments: Any) -> Turn:
    return answered("Done.", *(ToolCall("lookup", each) for each in arguments))


def _gave(*results: Any) -> Turn:
    return answered("Done.", *(ToolCall("lookup", result=each) for each in results))
