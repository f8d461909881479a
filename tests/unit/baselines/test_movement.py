"""Normal movement from window to window, and the false pages that a level and its gates are worth."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.chance import PAGES_PER_LEVEL, Traffic, effective_level, false_pages_a_month, gamma_quantile
from baselines.evaluate import BIN_LEVEL, Gates
from baselines.movement import LEAST_PAIRS, Movement, Thinned, movements, percentiles
from baselines.psi import gamma_tail
from baselines.reference import FixedReference
from baselines.windows import DAY, HOUR, Calendar

BASE = np.array([0.42, 0.25, 0.13, 0.08, 0.05, 0.03, 0.025, 0.015])
MONDAY = 408_840  # hours since the epoch
NONE = Thinned(0, 1.0)


def _history(days: int, turns: int, *, season: float = 0.0, seed: int = 3) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    hours = {}
    for i in range(24 * days):
        shares = BASE * (1 + season * np.cos(2 * np.pi * (i % 24) / 24) * np.linspace(-1, 1, len(BASE)))
        hours[MONDAY + i] = rng.multinomial(turns, shares / shares.sum())
    return hours


def _reference(hours: dict[int, np.ndarray]) -> FixedReference:
    first = {hour: counts for hour, counts in hours.items() if hour < min(hours) + 24}
    return FixedReference.learn("input.x", first, configured=True, counted_share=1.0, calendar=Calendar())


def test_hours_of_independent_turns_hardly_move() -> None:
    hours = _history(4, 600)
    found = movements(hours, _reference(hours), HOUR, left_out=(), thinned=NONE)
    assert len(found) == 4 * 24 - 1
    high = percentiles(found)
    assert high is not None
    assert high.movement[0] <= high.movement[1] < 0.1
    assert high.movement[0] == pytest.approx(high.chance[0], rel=0.5)


def test_a_season_is_no_movement_of_longer_windows_because_hours_are_compared_with_their_like() -> None:
    hours = _history(5, 300, season=0.8)
    found = movements(hours, _reference(hours), 12 * HOUR, left_out=(), thinned=NONE)
    assert found
    assert max(movement.psi for movement in found) < 0.05


def test_a_change_in_hours_left_out_is_no_movement() -> None:
    hours = _history(3, 600)
    changed = range(MONDAY + 40, MONDAY + 46)
    for hour in changed:
        hours[hour] = hours[hour][::-1]
    reference = _reference(hours)
    assert max(m.psi for m in movements(hours, reference, HOUR, left_out=(), thinned=NONE)) > 1
    assert max(m.psi for m in movements(hours, reference, HOUR, left_out=changed, thinned=NONE)) < 0.1


def test_windows_too_small_to_be_judged_tell_nothing() -> None:
    hours = _history(2, 60)
    assert [] == movements(hours, _reference(hours), HOUR, left_out=(), thinned=NONE)
    assert movements(hours, _reference(hours), 4 * HOUR, left_out=(), thinned=NONE)


def test_weekdays_are_not_compared_with_weekends() -> None:
    hours = _history(8, 300)
    days = movements(hours, _reference(hours), DAY, left_out=(), thinned=NONE)
    weekday = [(movement.end // DAY + 2) % 7 for movement in days]  # of the day judged, 0 is a Monday
    assert 5 == len(weekday)
    assert 5 not in weekday


def test_the_95th_percentile_of_few_windows_is_nobody_s() -> None:
    few = [Movement(i, 0.1, (0.06, 0.0)) for i in range(LEAST_PAIRS - 1)]
    assert percentiles(few) is None
    high = percentiles([*few, Movement(0, 0.3, (0.06, 0.0))])
    assert high is not None
    assert high.movement == pytest.approx((0.11, 0.3))
    assert high.own == pytest.approx(((0.11**2 - 0.06**2) ** 0.5, 0.3))


@pytest.mark.parametrize(
    ("least", "most", "measured"), [(240, 1200, 0.31), (600, 3000, 0.072), (1500, 7500, 0.004)]
)
def test_the_model_of_false_pages_agrees_with_what_was_simulated(
    least: float, most: float, measured: float
) -> None:
    turns = (least + most) / 2 + (most - least) / 2 * np.cos(2 * np.pi * np.arange(24) / 24)
    windows = [Traffic(n, 48 * n, 2.2) for n in turns.tolist()]
    alpha = 1e-3
    levels = [effective_level(BASE, w, alpha, Gates()) for w in windows if w.turns / w.phi >= 100]
    predicted = PAGES_PER_LEVEL * sum(levels) / len(windows) / alpha
    paged = BIN_LEVEL * measured  # simulated with all of alpha for the bins, which make the pages
    assert predicted > 0.5 * paged
    if measured > 0.01:
        assert predicted < 2 * paged


def test_higher_gates_and_longer_windows_cost_fewer_pages() -> None:
    windows, shares = [Traffic(400, 8000, 2.0)], np.full(32, 1 / 32)

    def pages(gates: Gates, hours: float) -> float:
        return false_pages_a_month(shares, windows, window_hours=hours, alpha=3.3e-4, gates=gates)

    assert 0 < pages(Gates(0.3, 0.5), 1) < pages(Gates(), 1)
    assert pages(Gates(), 4) == pytest.approx(pages(Gates(), 1) / 4)
    assert false_pages_a_month(shares, [], window_hours=1, alpha=3.3e-4, gates=Gates()) == 0


def test_the_gamma_quantile_is_the_inverse_of_the_tail() -> None:
    for tail in (0.05, 0.01, 3e-4):
        assert gamma_tail(gamma_quantile(tail, 0.02, 4e-5), 0.02, 4e-5) == pytest.approx(tail, rel=1e-9)
    assert gamma_quantile(0.05, 0.0, 0.0) == 0.0
