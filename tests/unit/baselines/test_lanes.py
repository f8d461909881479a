"""The design effect of short windows, measured on the learning range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.fast import threshold
from baselines.lanes import LANES, SLOT, LaneSpread
from baselines.learned import decode_hours, decode_lanes, encode_reference
from benchmarks.synthetic import Dimension, Traffic, layout_of

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    Counts = dict[int, NDArray[np.int64]]

FIRST = 408_840
KIND = Dimension("input.intent", [0.42, 0.22, 0.13, 0.09, 0.06, 0.045, 0.03, 0.005])


def counted(copies: int, hours: int = 24, turns: int = 1200) -> tuple[Counts, Counts]:
    traffic = Traffic([KIND], layout_of([KIND]), np.random.default_rng(3), copies)
    by_hour, by_slot = {}, {}
    for hour in range(FIRST, FIRST + hours):
        minutes = traffic.minutes(turns, 60)
        by_hour[hour] = np.sum(minutes, axis=0)
        for i in range(12):
            by_slot[hour * 3600 // SLOT + i] = np.sum(minutes[5 * i : 5 * i + 5], axis=0)
    return by_hour, by_slot


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_turns_that_come_in_copies_count_as_often_in_every_lane(copies: int) -> None:
    spread = LaneSpread.learn(*counted(copies), 1.0)
    assert spread.phi[:3] == pytest.approx(np.full(3, copies), rel=0.25)
    assert spread.phi[3] == pytest.approx(copies, rel=0.6)  # from 22 windows
    assert spread.bins.shape == (len(LANES), 8)
    assert (spread.bins >= 1).all()


def test_where_half_of_the_turns_are_counted_the_design_effect_is_of_all_of_them() -> None:
    hours, slots = counted(2)
    whole, half = LaneSpread.learn(hours, slots, 1.0), LaneSpread.learn(hours, slots, 0.5)
    assert half.phi[0] - 1 == pytest.approx(2 * (whole.phi[0] - 1))


def test_what_could_not_be_measured_counts_as_two() -> None:
    hours, slots = counted(1, hours=2)
    assert LaneSpread.learn(hours, slots, 1.0).phi.tolist() == [2.0] * len(LANES)


def test_the_learned_reference_keeps_lanes_and_hours() -> None:
    hours, slots = counted(2)
    lanes = {KIND.key: LaneSpread.learn(hours, slots, 1.0)}
    data = encode_reference({"all": hours}, lanes)
    assert data == encode_reference({"all": dict(reversed(hours.items()))}, lanes)
    assert (decode_hours(data, 8)["all"][FIRST] == hours[FIRST]).all()
    assert (decode_lanes(data)[KIND.key].bins == lanes[KIND.key].bins).all()


@pytest.mark.parametrize(("bins", "rate"), [(116, 0.1), (20, 0.1), (400, 0.01)])
def test_the_threshold_is_that_of_the_research_note(oracle2: ModuleType, bins: int, rate: float) -> None:
    assert threshold(bins, rate) == pytest.approx(oracle2.fast_z(rate, bins), abs=1e-12)
