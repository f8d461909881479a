from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from baselines.evaluation import Evaluation, Window
from baselines.reference import FREEZE_HOURS, FixedReference, Gates
from baselines.windows import DAY, HOUR, Calendar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MONDAY = 408_840  # hours since the epoch
SHARES = np.array([0.5, 0.3, 0.15, 0.05])
FLAG = np.array([0.995, 0.005])


def _traffic(shares: NDArray[np.float64], hours: range, turns: int, seed: int = 0) -> dict[int, Counts]:
    rng = np.random.default_rng(seed)
    return {hour: rng.multinomial(turns, shares) for hour in hours}


def _learn(hours: dict[int, Counts], *, share: float = 1.0, configured: bool = True) -> FixedReference:
    return FixedReference.learn(
        "output.category", hours, configured=configured, counted_share=share, calendar=Calendar()
    )


def _judge(reference: FixedReference, hour: int, counts: Counts, length: int = 1) -> Evaluation | float:
    window = Window(hour * HOUR, (hour + length) * HOUR)
    return reference.judge(window, [(hour, counts)], alpha=3e-4, gates=Gates())


def _judged(reference: FixedReference, hour: int, counts: Counts) -> Evaluation:
    found = _judge(reference, hour, counts)
    assert isinstance(found, Evaluation)
    return found


def test_a_quiet_hour_is_calm_and_a_changed_one_exceeds_and_names_its_driver() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 1000))
    quiet = _judged(reference, MONDAY + 30, np.array([500, 300, 150, 50]))
    assert (quiet.level, quiet.exceeds, quiet.calm, quiet.drivers) == ("low", False, True, ())
    changed = _judged(reference, MONDAY + 30, np.array([350, 210, 105, 335]))
    assert (changed.level, changed.exceeds, changed.calm) == ("significant", True, False)
    assert changed.drivers == (3,)
    assert not changed.residual_moved
    assert [shift.bin for shift in changed.bins] == [0, 1, 2, 3]
    assert changed.bins[3].hit
    assert changed.psi == pytest.approx(changed.psi_raw - changed.noise_floor)


def test_a_flag_from_half_a_percent_to_five_exceeds_by_its_bin_and_names_the_bin_that_rose() -> None:
    reference = _learn(_traffic(FLAG, range(MONDAY, MONDAY + 24), 600))
    found = _judged(reference, MONDAY + 30, np.array([570, 30]))
    assert found.exceeds
    assert found.drivers == (1,)
    assert found.detectable is not None
    assert 0.005 < found.detectable < 0.045


def test_a_change_just_over_detectable_exceeds_and_one_just_under_does_not() -> None:
    shares, turns = np.array([0.5, 0.3, 0.19, 0.01]), 2000
    reference = _learn({MONDAY + i: np.array([1000, 600, 380, 20]) for i in range(24)})
    least = _judged(reference, MONDAY + 30, (shares * turns).astype(np.int64)).detectable
    assert least is not None
    for factor, exceeds in ((0.8, False), (1.3, True)):
        risen = 0.01 + factor * least
        rest = shares[:3] / shares[:3].sum() * (1 - risen)
        counts = np.round(np.append(rest, risen) * turns).astype(np.int64)
        assert exceeds == _judged(reference, MONDAY + 30, counts).exceeds


def test_too_few_turns_say_how_many_they_are_worth() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 1000))
    found = _judge(reference, MONDAY + 30, np.array([40, 30, 10, 5]))
    assert isinstance(found, float)
    assert 0 < found < 100
    assert _judge(reference, MONDAY + 30, np.zeros(4, dtype=np.int64)) == 0.0
    assert reference.judge(Window(0, HOUR), [], alpha=1e-3, gates=Gates()) == 0.0


@pytest.mark.parametrize("hours", [1, 2, 3, 17, 25, 60])
@pytest.mark.parametrize("turns", [1, 7, 60, 500])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_a_range_of_any_length_and_traffic_judges_without_a_warning(
    hours: int, turns: int, share: float
) -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + hours), turns), share=share, configured=False)
    assert reference.spread.within >= 1
    with np.errstate(all="raise"):
        for hour in range(MONDAY + hours, MONDAY + hours + 200, 7):
            for counts in (np.array([250, 150, 75, 25]), np.array([0, 0, 0, 500]), np.array([1, 0, 0, 0])):
                found = _judge(reference, hour, counts)
                assert isinstance(found, float) or np.isfinite(found.psi)
            reference.absorb(hour, counts, None, counts, calm=True)


def test_the_hours_of_a_short_range_teach_a_cautious_design_effect() -> None:
    assert _learn(_traffic(SHARES, range(MONDAY, MONDAY + 2), 500)).spread.within == 2.0
    assert _learn(_traffic(SHARES, range(MONDAY, MONDAY + 17), 500)).spread.within < 1.6


def test_counting_half_of_the_turns_does_not_hide_the_sessions() -> None:
    rng, whole, half = np.random.default_rng(8), {}, {}
    for hour in range(MONDAY, MONDAY + 24):
        sessions = rng.multinomial(200, SHARES)  # sessions of eight turns that all say the same
        whole[hour] = sessions * 8
        half[hour] = np.array([rng.binomial(8, 0.5, count).sum() for count in sessions])
    thinned, full = _learn(half).spread.within, _learn(whole).spread.within
    corrected = _learn(half, share=0.5).spread.within
    assert full == pytest.approx(8, rel=0.3)
    assert thinned < 0.7 * full
    assert corrected == pytest.approx(full, rel=0.25)


def test_an_hour_that_no_cell_can_serve_is_judged_against_all_of_them_with_room_for_a_season() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 10), 500))
    tilted = np.array([210, 160, 100, 30])
    assert not _judged(reference, MONDAY + 15, tilted).exceeds
    assert _judged(reference, MONDAY + 15, np.array([100, 60, 30, 310])).exceeds


def test_the_first_weekend_is_tilted_by_what_its_calm_hours_showed() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 2000))
    weekend = np.array([0.38, 0.38, 0.18, 0.06])
    saturday = MONDAY + 5 * 24
    before = _judged(reference, saturday + 12, (weekend * 2000).astype(np.int64))
    calm = _traffic(weekend, range(saturday, saturday + 9), 2000, seed=1)
    for hour, counts in calm.items():
        reference.absorb(hour, counts, calm.get(hour - 1), calm.get(hour + 1), calm=True)
    after = _judged(reference, saturday + 12, (weekend * 2000).astype(np.int64))
    assert abs(after.bins[0].reference_share - 0.38) < abs(before.bins[0].reference_share - 0.38) / 2
    assert not after.exceeds


def test_only_calm_hours_enter_the_cells_but_every_hour_teaches_the_design_effect() -> None:
    hours = _traffic(SHARES, range(MONDAY, MONDAY + 24), 1000)
    reference = _learn(hours)
    cells, learned = reference.cells.counts.sum(), reference.spread.hours
    odd = np.array([0, 0, 0, 1000])
    reference.absorb(MONDAY + 24, odd, odd, odd, calm=False)
    assert cells == reference.cells.counts.sum()
    assert learned + 1 == reference.spread.hours
    reference.absorb(MONDAY + 25, odd, odd, odd, calm=True)
    assert cells + 1000 == reference.cells.counts.sum()


def test_an_hour_offered_twice_or_out_of_order_changes_nothing() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 1000))
    counts = np.array([500, 300, 150, 50])
    reference.absorb(MONDAY + 26, counts, counts, counts, calm=True)
    state = reference.state()
    reference.absorb(MONDAY + 26, counts, counts, counts, calm=True)
    reference.absorb(MONDAY + 25, counts, counts, counts, calm=True)
    assert state == reference.state()


def test_a_reference_freezes_after_fourteen_days_whatever_it_absorbed() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 1000))
    counts = np.array([500, 300, 150, 50])
    reference.absorb(MONDAY + FREEZE_HOURS - 2, counts, None, None, calm=False)
    assert not reference.frozen
    reference.absorb(MONDAY + FREEZE_HOURS - 1, np.zeros(4, dtype=np.int64), None, None, calm=True)
    assert reference.frozen
    state = reference.state()
    reference.absorb(MONDAY + FREEZE_HOURS + 5, counts, counts, counts, calm=True)
    after = reference.state()
    assert {**state, "until": 0} == {**after, "until": 0}


def test_a_range_of_fourteen_days_is_frozen_at_once_and_has_learned_how_days_differ() -> None:
    rng, hours = np.random.default_rng(2), {}
    for day in range(14):
        drawn = rng.dirichlet(SHARES * 100)
        for hour in range(24):
            hours[MONDAY + 24 * day + hour] = rng.multinomial(1000, drawn)
    reference = _learn(hours)
    assert reference.frozen
    assert reference.spread.omega(DAY) > 0.002


def test_windows_of_different_day_types_do_not_teach_how_days_differ() -> None:
    reference = _learn(_traffic(SHARES, range(MONDAY, MONDAY + 24), 1000))
    x, other = np.array([500, 300, 150, 50]), np.array([300, 500, 150, 50])
    saturday = MONDAY + 5 * 24
    reference.learn_days(Window(saturday * HOUR, (saturday + 1) * HOUR), x, other)
    assert reference.spread.between == {}
    reference.learn_days(Window((saturday - 24) * HOUR, (saturday - 23) * HOUR), x, other)
    assert list(reference.spread.between) == [HOUR]


def test_a_change_that_stays_counts_for_one_day_only() -> None:
    hours = _traffic(SHARES, range(MONDAY, MONDAY + 24), 1000)
    reference = _learn(hours)
    changed = np.array([350, 210, 105, 335])
    for day in range(1, 4):
        hour = MONDAY + 24 * day
        earlier = hours[MONDAY] if day == 1 else changed
        reference.learn_days(Window(hour * HOUR, (hour + 1) * HOUR), changed, earlier)
    assert _judged(reference, MONDAY + 96, changed).exceeds


def test_a_dimension_with_one_bin_in_use_never_exceeds() -> None:
    reference = _learn({MONDAY + i: np.array([500, 0]) for i in range(24)})
    found = _judged(reference, MONDAY + 30, np.array([500, 0]))
    assert (found.level, found.exceeds, found.calm, found.psi) == ("low", False, True, 0.0)
    assert [shift.current_share for shift in found.bins] == [1.0, 0.0]


def test_the_first_turn_in_a_bin_that_was_always_empty_can_exceed() -> None:
    reference = _learn({MONDAY + i: np.array([500, 0]) for i in range(24)})
    assert not _judged(reference, MONDAY + 30, np.array([499, 1])).exceeds
    assert _judged(reference, MONDAY + 30, np.array([475, 25])).exceeds


def test_a_dimension_without_a_single_learned_turn_is_insufficient() -> None:
    reference = _learn({MONDAY + i: np.zeros(3, dtype=np.int64) for i in range(24)})
    assert _judge(reference, MONDAY + 30, np.array([500, 0, 0])) == 0.0


def test_a_pooled_bin_has_its_pools_tests_and_its_own_share() -> None:
    rare = np.array([0.6, 0.398, 0.001, 0.001])
    hours = {MONDAY + i: np.array([60, 40, 0, 0]) for i in range(24)} | {MONDAY: np.array([60, 38, 1, 1])}
    reference = _learn(hours, configured=False)
    found = _judged(reference, MONDAY + 30, (rare * 500).astype(np.int64) + np.array([0, 0, 0, 60]))
    assert found.bins[2].z == found.bins[3].z
    assert found.bins[3].hit
    assert found.drivers == (3,)
    assert sum(shift.reference_share for shift in found.bins) == pytest.approx(1)
    assert sum(shift.current_share for shift in found.bins) == pytest.approx(1)
    assert sum(shift.contribution for shift in found.bins) == pytest.approx(found.psi_raw)
    assert len(found.displacement) == 4


def test_a_restored_reference_judges_and_learns_the_same() -> None:
    hours = _traffic(SHARES, range(MONDAY, MONDAY + 50), 1000)
    reference = _learn(hours, configured=False)
    reference.learn_days(Window((MONDAY + 50) * HOUR, (MONDAY + 51) * HOUR), hours[MONDAY], hours[MONDAY + 1])
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(reference.state()))
    again = FixedReference.restore(wire, calendar=Calendar())
    assert reference.state() == again.state()
    for each in (reference, again):
        each.absorb(MONDAY + 51, hours[MONDAY], hours[MONDAY + 1], hours[MONDAY + 2], calm=True)
    assert reference.state() == again.state()
    x = np.array([400, 360, 150, 90])
    assert _judge(reference, MONDAY + 60, x) == _judge(again, MONDAY + 60, x)


def test_no_hours_to_learn_from_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no hour to learn output\.category from"):
        _learn({})
