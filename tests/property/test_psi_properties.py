"""What holds for any counts: PSI and its tests stay finite, and neither order nor an unused bin matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.evaluation import Evaluation, Window
from baselines.psi import bin_tests, gamma_tail, null_moments, peel, psi
from baselines.reference import FixedReference, Gates
from baselines.windows import HOUR, Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MONDAY = 408_840  # hours since the epoch
COUNT = st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 10**9))


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Counts, Counts]:
    bins = draw(st.integers(1, 40))
    counts = st.lists(COUNT, min_size=bins, max_size=bins)
    return np.array(draw(counts), dtype=np.int64), np.array(draw(counts), dtype=np.int64)


@st.composite
def _days(draw: st.DrawFn) -> tuple[list[Counts], Counts]:
    """Some hours to learn from and a window, over the same few bins, each with turns."""
    bins = draw(st.integers(2, 6))
    counts = st.lists(st.integers(0, 400), min_size=bins, max_size=bins)
    hours = draw(st.lists(counts, min_size=1, max_size=30))
    return [np.array(hour, dtype=np.int64) for hour in hours], np.array(draw(counts), dtype=np.int64) * 3


@given(_pairs())
def test_everything_is_finite_and_psi_is_never_negative(pair: tuple[Counts, Counts]) -> None:
    base, current = pair
    with np.errstate(all="raise", under="ignore"):
        total, parts = psi(base, current)
        mean, variance = null_moments(base, int(current.sum()))
        z, h, p = bin_tests(base, current, 1.5)
        tail = gamma_tail(total, mean, variance)
        drivers, rest = peel(base, current, phi=1.5)
    assert 0 <= total < np.inf
    assert (parts >= 0).all()
    assert 0 <= mean < np.inf
    assert 0 <= variance < np.inf
    assert np.isfinite([*z, *h, rest]).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert 0 <= tail <= 1
    assert len({bin_ for bin_, _, _ in drivers}) == len(drivers)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=40))
def test_psi_is_zero_on_equal_counts(counts: list[int]) -> None:
    assert psi(np.array(counts), np.array(counts))[0] == 0


@given(st.lists(st.integers(1, 10**4), min_size=2, max_size=40), st.integers(2, 50))
def test_psi_on_equal_shares_is_no_more_than_the_half_count_makes(counts: list[int], times: int) -> None:
    base = np.array(counts)
    total, _ = psi(base, base * times)
    mean, _ = null_moments(base, int(base.sum()) * times)
    assert total <= mean


@given(_pairs(), st.randoms(use_true_random=False))
def test_a_permutation_of_the_bins_changes_nothing(pair: tuple[Counts, Counts], random: object) -> None:
    base, current = pair
    order = np.argsort([random.random() for _ in base])  # type: ignore[attr-defined]
    assert psi(base[order], current[order])[0] == pytest.approx(psi(base, current)[0], rel=1e-9, abs=1e-12)
    n = int(current.sum())
    assert null_moments(base[order], n) == pytest.approx(null_moments(base, n), rel=1e-9, abs=1e-12)
    z, _, _ = bin_tests(base, current)
    assert bin_tests(base[order], current[order])[0].tolist() == pytest.approx(
        z[order].tolist(), rel=1e-9, abs=1e-12
    )


def _judge(hours: list[Counts], x: Counts, *, configured: bool) -> Evaluation | float:
    learned = {MONDAY + i: counts for i, counts in enumerate(hours)}
    fixed = FixedReference.learn(
        "input.length", learned, configured=configured, counted_share=1.0, calendar=Calendar()
    )
    hour = MONDAY + len(hours) + 3
    window = Window(hour * HOUR, (hour + 1) * HOUR)
    return fixed.judge(window, [(hour, x)], alpha=3e-4, gates=Gates())


@settings(max_examples=60, deadline=None)
@given(_days(), st.booleans())
def test_judging_is_finite_and_its_shares_add_up(day: tuple[list[Counts], Counts], configured: bool) -> None:
    found = _judge(*day, configured=configured)
    if isinstance(found, float):
        assert 0 <= found < 100
        return
    assert 0 <= found.psi <= found.psi_raw < np.inf
    assert 0 <= found.p_value <= 1
    assert found.exceeds == (found.level != "low")
    assert not (found.exceeds and found.calm)
    assert sum(shift.reference_share for shift in found.bins) == pytest.approx(1)
    assert sum(shift.current_share for shift in found.bins) == pytest.approx(1)
    assert np.isfinite(found.displacement).all()


@settings(max_examples=60, deadline=None)
@given(_days(), st.randoms(use_true_random=False))
def test_a_permutation_of_the_bins_changes_no_verdict(
    day: tuple[list[Counts], Counts], random: object
) -> None:
    hours, x = day
    order = np.argsort([random.random() for _ in x])  # type: ignore[attr-defined]
    expected = _judge(hours, x, configured=True)
    found = _judge([counts[order] for counts in hours], x[order], configured=True)
    if isinstance(expected, float) or isinstance(found, float):
        assert found == pytest.approx(expected)
        return
    assert (found.level, found.calm) == (expected.level, expected.calm)
    assert found.psi_raw == pytest.approx(expected.psi_raw)
    assert found.p_value == pytest.approx(expected.p_value)


@settings(max_examples=60, deadline=None)
@given(_days(), st.integers(1, 3), st.booleans())
def test_bins_that_neither_side_uses_change_no_verdict(
    day: tuple[list[Counts], Counts], empty: int, configured: bool
) -> None:
    hours, x = day
    expected = _judge(hours, x, configured=configured)
    nothing = np.zeros(empty, dtype=np.int64)
    wider = _judge([np.append(each, nothing) for each in hours], np.append(x, nothing), configured=configured)
    if isinstance(expected, float) or isinstance(wider, float):
        assert wider == pytest.approx(expected)
        return
    assert (wider.level, wider.calm) == (expected.level, expected.calm)
    assert wider.psi == pytest.approx(expected.psi, rel=1e-9, abs=1e-12)
    assert wider.p_value == pytest.approx(expected.p_value, rel=1e-9, abs=1e-12)
    assert [shift.hit for shift in wider.bins[: len(x)]] == [shift.hit for shift in expected.bins]
