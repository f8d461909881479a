"""Tokens, duration, paragraphs, documents and scores, in quantile bins."""

from __future__ import annotations

import math

import numpy as np
import pytest

from binning.dimensions.edges import place, value_edges
from binning.dimensions.length import OutputLength
from binning.dimensions.numbers import Duration, InputTokens, OutputTokens
from binning.dimensions.paragraphs import Paragraphs, paragraphs
from binning.dimensions.retrieval import RetrievalDocuments, RetrievalScore
from binning.turn import EventTime, Output, Turn
from tests.unit.binning.teaching import answered, bins_of, retrieved, teach


def test_edges_of_values_that_hardly_repeat_are_their_quantiles() -> None:
    assert (26, 51, 76) == value_edges(np.arange(1, 101), 4)
    assert () == value_edges(np.array([], dtype=np.int64), 10)


def test_a_value_that_many_turns_share_has_a_bin_between_its_own_edges() -> None:
    edges = value_edges(np.array([3] * 10 + [7] * 85 + [9] * 5), 10)
    assert [0, 1, 2, 2] == place(np.array([3, 7, 8, 9]), edges).tolist()


def test_a_constant_has_a_bin_below_it_and_one_above() -> None:
    assert (7, 8) == value_edges(np.array([7, 7, 7]), 10)
    (dimension,) = teach(InputTokens, [_read(240.0)] * 30)
    assert ["240", "0-239", "241+"] == bins_of(dimension, [_read(240.0), _read(0.0), _read(9e300)])


def test_an_agent_that_always_says_the_same_is_seen_to_change() -> None:
    (dimension,) = teach(OutputLength, [answered("All is well.")] * 50)
    turns = [answered("All is well."), answered("No."), answered("All is well again.")]
    assert ["3", "1-2", "4+"] == bins_of(dimension, turns)


def test_there_are_never_more_bins_than_asked_for() -> None:
    chance = np.random.default_rng(3)
    for spread in (1, 3, 5, 20, 10_000):
        values = chance.integers(0, spread, 500)
        assert len(value_edges(values, 10)) <= 9


def test_tokens_are_counted_on_their_own_side() -> None:
    turn = answered("Done.", input_tokens=120.0, output_tokens=30.0)
    (read,), (written,) = (teach(kind, [turn] * 5) for kind in (InputTokens, OutputTokens))
    assert (["120"], ["30"]) == (bins_of(read, [turn]), bins_of(written, [turn]))


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, -1.0])
def test_what_is_no_number_of_tokens_is_absent(value: float | None) -> None:
    (dimension,) = teach(InputTokens, [_read(5.0), _read(value)])
    assert [None] == bins_of(dimension, [_read(value)])


def test_a_turn_without_an_output_has_no_output_tokens_and_no_duration() -> None:
    silent = Turn(
        trace_id="t",
        at=EventTime(0.0),
        output=Output(),
        output_tokens=3.0,
        duration_ms=20.0,
        input_tokens=9.0,
    )
    for kind, expected in ((OutputTokens, None), (Duration, None), (InputTokens, "0-99")):
        (dimension,) = teach(kind, [])
        assert [expected] == bins_of(dimension, [silent])


def test_a_duration_is_in_milliseconds_and_may_have_a_fraction() -> None:
    (dimension,) = teach(Duration, [answered(duration_ms=100.0 * n) for n in range(1, 11)])
    assert ["0-199", "200-299", "1000+"] == bins_of(
        dimension, [answered(duration_ms=value) for value in (12.6, 199.7, 5e6)]
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        (" \n ", 0),
        ("one", 1),
        ("one\ntwo", 1),
        ("one\n\ntwo", 2),
        ("\n\none\r\n \t\r\ntwo\n\n\n\nthree\n", 3),
        ("x\n\n" * 100_000, 501),
    ],
)
def test_paragraphs_lie_between_blank_lines(text: str, expected: int) -> None:
    assert expected == paragraphs(text)


def test_an_answer_of_tool_calls_alone_has_no_paragraphs() -> None:
    (dimension,) = teach(Paragraphs, [])
    assert [None, None, "2"] == bins_of(dimension, [answered(None), answered(" \n"), answered("a\n\nb")])


def test_that_no_document_was_found_always_shows() -> None:
    (dimension,) = teach(RetrievalDocuments, [retrieved("faq", documents=5)] * 40)
    found = [retrieved(documents=number) for number in (0, 4, 5, 6, 10**400, -3)] + [retrieved()]
    assert ["0", "1-4", "5", "6+", "6+", None, None] == bins_of(dimension, found)


def test_scores_of_any_scale_have_quantiles() -> None:
    for scale in (0.02, 1.0, 40.0):
        scores = [scale * number / 100 for number in range(100)]
        (dimension,) = teach(RetrievalScore, [retrieved(score=score) for score in scores])
        assert len(dimension.bins) == 10
    assert ["<4", "36+", "<4"] == bins_of(dimension, [retrieved(score=s) for s in (-1.0, 99.0, -1e300)])


def test_a_score_that_is_none_is_absent() -> None:
    (dimension,) = teach(RetrievalScore, [])
    assert [None, None] == bins_of(dimension, [retrieved(), retrieved(score=math.nan)])
    assert ("any",) == dimension.bins


def _read(tokens: float | None) -> Turn:
    return answered("Done.", input_tokens=tokens)
