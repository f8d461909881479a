"""What must not matter to a verdict: the order of bins and buckets, empty bins, how a replay is batched."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.verdict import encode
from baselines.evaluate import Gates
from baselines.evaluation import Evaluation, Window
from baselines.reference import FixedReference
from baselines.windows import HOUR, Calendar
from benchmarks.synthetic import TOKEN, Installation, Log, delta, pages
from tests.unit.worker.installations import learned

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alerts.verdict import Verdict

MONDAY = 408_840
BINS = 6

histograms = st.lists(st.integers(0, 300), min_size=BINS, max_size=BINS).map(np.array)
seeds = st.integers(0, 2**32 - 1)


def judged(
    seed: int, window: NDArray[np.int64], order: list[int], *, empty: int | None = None
) -> Evaluation | float:
    """A window against a day learned from this seed, its bins in another order or with one more."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(BINS))
    day = rng.multinomial(800, shares, 24)[:, order]
    counts = window[order]
    if empty is not None:
        day, counts = np.insert(day, empty, 0, axis=1), np.insert(counts, empty, 0)
    hours = {MONDAY + i: day[i] for i in range(24)}
    fixed = FixedReference.learn(
        "input.intent", hours, configured=True, counted_share=1.0, calendar=Calendar()
    )
    at = (MONDAY + 30) * HOUR
    parts = [(MONDAY + 30, counts)] if counts.any() else []
    return fixed.judge(Window(at, at + HOUR), parts, alpha=1e-4, gates=Gates())


@given(seeds, histograms, st.permutations(range(BINS)))
def test_a_permutation_of_bins_changes_nothing(
    seed: int, window: NDArray[np.int64], order: list[int]
) -> None:
    before, after = judged(seed, window, list(range(BINS))), judged(seed, window, order)
    if not isinstance(before, Evaluation) or not isinstance(after, Evaluation):
        assert before == pytest.approx(after)
        return
    assert (before.level, before.calm) == (after.level, after.calm)
    assert before.psi == pytest.approx(after.psi, abs=1e-9)
    assert before.p_value == pytest.approx(after.p_value, rel=1e-6, abs=1e-12)
    assert [before.columns.hits[i] for i in order] == list(after.columns.hits)


@given(seeds, histograms, st.integers(0, BINS))
def test_adding_a_bin_that_nobody_has_changes_no_verdict(
    seed: int, window: NDArray[np.int64], where: int
) -> None:
    order = list(range(BINS))
    before, after = judged(seed, window, order), judged(seed, window, order, empty=where)
    if not isinstance(before, Evaluation) or not isinstance(after, Evaluation):
        assert before == pytest.approx(after)
        return
    assert (before.level, before.calm, before.exceeds) == (after.level, after.calm, after.exceeds)
    assert before.psi == pytest.approx(after.psi, abs=1e-9)
    hits = list(after.columns.hits)
    assert not hits.pop(where)
    assert list(before.columns.hits) == hits


@pytest.fixture(scope="module")
def quiet() -> Installation:
    """Learned on a Monday at 600 turns an hour, and two quiet hours judged."""
    made = learned(600)
    made.play(600, 2)
    return made


Piece = tuple[int, "NDArray[np.int64]"]


def three_hours(made: Installation) -> list[Piece]:
    """What is counted in the next three hours, in pieces of (second, flat vector): quiet, then changed."""
    pieces: list[Piece] = []
    for hour, changed in enumerate((False, True, True)):
        made.traffic.replaced = {"input.intent": (0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)} if changed else {}
        for minute, counts in enumerate(made.traffic.minutes(600, 60)):
            at = (made.hour + hour) * HOUR + minute * 60
            half = made.traffic.rng.binomial(counts, 0.5)
            pieces += [(at + 10, half), (at + 40, counts - half)]
    return [(at, counts) for at, counts in pieces if counts.any()]


def replayed(made: Installation, pieces: list[Piece], cuts: list[int]) -> list[Verdict]:
    """The verdicts when the pieces are committed in this order, up to each cut at a time."""
    made, said, mark = copy.deepcopy(made), [], 0
    for begin, end in zip([0, *cuts], [*cuts, len(pieces)], strict=True):
        part = pieces[begin:end]
        if not part:
            continue
        for at, counts in part:
            mark = max(mark, at)
            made.log.add({at // 60: delta(made.traffic.layout, counts, turns=1)}, mark)
        said += made.judge.advance(mark, TOKEN) or []
    return said


@settings(max_examples=8, deadline=None)
@given(seeds)
def test_any_batching_and_any_order_within_the_lateness_gives_the_same_verdicts(
    quiet: Installation, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    made = copy.deepcopy(quiet)
    pieces = three_hours(made)
    expected = replayed(quiet, pieces, [])
    late = [at + rng.uniform(0, quiet.rules.lateness_s) for at, _ in pieces]
    shuffled = [pieces[i] for i in np.argsort(late, kind="stable")]
    cuts = sorted(set(rng.integers(1, len(pieces), 60).tolist()))
    assert pages(expected)
    assert [encode(v) for v in expected] == [encode(v) for v in replayed(quiet, shuffled, cuts)]


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_buckets_of_any_number_of_partitions_merge_to_the_same_verdicts(
    quiet: Installation, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pieces = three_hours(copy.deepcopy(quiet))
    expected = replayed(quiet, pieces, [])
    made = copy.deepcopy(quiet)
    logs = [made.log, *(Log(made.store, made.log.partition._replace(number=n), partitions=3) for n in (1, 2))]
    for at, counts in [pieces[i] for i in rng.permutation(len(pieces))]:
        logs[int(rng.integers(3))].add({at // 60: delta(made.traffic.layout, counts, turns=1)}, at)
    said = made.judge.advance(max(at for at, _ in pieces), TOKEN) or []
    assert [encode(v) for v in expected] == [encode(v) for v in said]
