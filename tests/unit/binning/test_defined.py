"""What a user's own dimensions make of turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from binning.dimensions.defined import AttributeValues, NumberThresholds, TextPattern
from binning.spec import BinSpec, Defined
from tests.unit.binning.teaching import answered, asked, bins_of, retrieved, teach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from binning.dimensions.base import Dimension
    from binning.turn import Turn


def test_the_most_frequent_values_of_an_attribute_are_learned() -> None:
    turns = [*[_with("pro")] * 60, *[_with(True)] * 20, *[_with("rare")] * 19, _with("once")]
    own = _only(AttributeValues, Defined("plan", "input", attribute="plan"), turns)
    assert ("input", "plan", False) == (own.side, own.name, own.configured)
    assert ("pro", "true", "__other__", "__unseen__") == own.bins
    shown = [_with("pro"), _with(True), _with("rare"), _with("once"), _with("new"), _with(""), answered()]
    assert ["pro", "true", "__other__", "__unseen__", "__unseen__", None, None] == bins_of(own, shown)


def test_an_attribute_of_very_many_values_has_few_bins_and_none_that_could_be_a_text() -> None:
    ids = [_with(f"user-{number}") for number in range(2_000)]
    texts = [_with("please call me back, ann@example.com!")] * 50
    own = _only(AttributeValues, Defined("plan", "input", attribute="plan"), [*ids, *texts])
    assert ("__other__", "__unseen__") == own.bins
    common = [_with(f"value-{number % 40}") for number in range(4_000)]
    assert 12 == len(_only(AttributeValues, Defined("plan", "input", attribute="plan"), common).bins)


def test_configured_values_always_have_a_bin_and_everything_else_is_other() -> None:
    own = _only(AttributeValues, Defined("plan", "output", attribute="plan", values=("pro", "3")), [])
    assert ("output", True) == (own.side, own.configured)
    assert ["3", "__other__", "pro"] == bins_of(own, [_with(3.0), _with("x" * 10_000), _with("pro")])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9.99, "<10"),
        (10.0, "10-99.5"),
        (99.5, ">=99.5"),
        ("12", "10-99.5"),
        (-1e300, "<10"),
        ("cheap", None),
        (True, None),
        (float("nan"), None),
        (float("inf"), None),
        ("1e999", None),
    ],
)
def test_thresholds_part_the_numbers_of_an_attribute(value: Any, expected: str | None) -> None:
    own = _only(NumberThresholds, Defined("price", "output", attribute="plan", thresholds=(10.0, 99.5)), [])
    assert [expected, None] == bins_of(own, [_with(value), answered()])


def test_thresholds_part_the_numbers_of_the_turn_itself() -> None:
    slow = _only(NumberThresholds, Defined("slow", "output", field="duration_ms", thresholds=(5e3,)), [])
    assert ["<5000", ">=5000", None] == bins_of(
        slow, [answered(duration_ms=20.0), answered(duration_ms=5e3), answered()]
    )
    best = Defined("best", "input", field="retrieval.top_score", thresholds=(0.5,))
    shown = [retrieved(score=0.7), retrieved(), asked("hi")]
    assert [">=0.5", None, None] == bins_of(_only(NumberThresholds, best, []), shown)
    found = Defined("found", "input", field="retrieval.documents", thresholds=(1.0,))
    shown = [retrieved(documents=0), retrieved(documents=10**400)]
    assert ["<1", None] == bins_of(_only(NumberThresholds, found, []), shown)


def test_a_pattern_looks_at_the_text_of_its_side() -> None:
    asks = _only(TextPattern, Defined("asks", "input", pattern=r"\binvoice\b"), [])
    says = _only(TextPattern, Defined("says", "output", pattern=r"\binvoice\b"), [])
    turns = [
        asked("My INVOICE is wrong"),
        asked("invoices"),
        asked(" "),
        answered("the invoice"),
        answered(None),
    ]
    assert ["yes", "no", None, None, None] == bins_of(asks, turns)
    assert [None, None, None, "yes", None] == bins_of(says, turns)


def test_a_pattern_reads_across_lines_and_not_without_end() -> None:
    own = _only(TextPattern, Defined("p", "input", pattern="first.*last$"), [])
    long = f"first {'x' * 10_000} last"
    assert ["yes", "no", "no"] == bins_of(own, [asked("first\nlast"), asked(long), asked("\ud800 last")])


def test_a_pattern_that_would_take_for_ever_elsewhere_takes_no_time() -> None:
    own = _only(TextPattern, Defined("p", "input", pattern="(a+)+$"), [])
    assert ["no"] == bins_of(own, [asked("a" * 9_000 + "b")])


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="a defined pattern is no RE2 expression"):
        _only(TextPattern, Defined("p", "input", pattern="("), [])


def _only(kind: type[Dimension], defined: Defined, turns: Sequence[Turn]) -> Any:
    (own,) = teach(kind, turns, BinSpec((), (), defined=(defined,)))
    again = kind.restore(own.state())
    assert (again.name, again.side, again.bins) == (own.name, own.side, own.bins)
    assert bins_of(again, turns) == bins_of(own, turns)
    return own


def _with(value: Any) -> Turn:
    return answered("Done.", attributes={"plan": value})
