"""Blind spots: equal to the independent reference, and in the right order by common sense."""

from __future__ import annotations

import time
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.blind import (
    Sight,
    blind_at_once,
    blind_bin,
    blind_mix,
    closed_form,
    critical_share,
    power_bin,
    power_mix,
    power_psi,
)
from baselines.evaluate import Gates, detectable
from baselines.ragged import Ragged

if TYPE_CHECKING:
    from types import ModuleType

BASE8 = np.array([0.42, 0.25, 0.13, 0.08, 0.05, 0.03, 0.025, 0.015])


def _sight(turns: float, *, phi: float = 1.0, bins: int = 8, alpha: float = 5e-5) -> Sight:
    return Sight(bins, 20.0 * turns, turns, phi, alpha, Gates())


def _same(actual: float | None, expected: float | None) -> None:
    assert (actual is None) == (expected is None)
    if actual is not None and expected is not None:
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("turns", [300, 1000, 3000])
@pytest.mark.parametrize("phi", [1.0, 2.0])
@pytest.mark.parametrize("p", [0.005, 0.03, 0.25, 0.42, 0.9])
@pytest.mark.parametrize("up", [True, False])
def test_a_bin_s_blind_spot_equals_the_reference(
    oracle2: ModuleType, turns: float, phi: float, p: float, up: bool
) -> None:
    sight = _sight(turns, phi=phi)
    same = (p, 8, 20 * turns, turns, phi, 5e-5)
    critical = oracle2.critical_share(*same, up=up)
    _same(critical_share(p, sight, up=up), critical)
    for windows in (1, 2, 3, 4, 6):
        _same(closed_form(p, sight, windows, up=up), oracle2.closed_form(*same, windows, up=up))
    for windows in (1, 2, 4):
        _same(blind_bin(p, sight, windows, up=up), oracle2.blind_bin(*same, windows, up=up))
    q = min(p * 1.8, 0.99) if up else p / 2
    _same(power_bin(p, q, sight, 2), oracle2.power_bin(p, q, 8, 20 * turns, turns, phi, 5e-5, 2))


@pytest.mark.parametrize("turns", [300, 1000, 3000])
@pytest.mark.parametrize("windows", [1, 2, 4])
def test_a_mix_s_blind_spot_equals_the_reference(oracle2: ModuleType, turns: float, windows: int) -> None:
    sight, g = _sight(turns, phi=2.0), BASE8[::-1]
    same = (20 * turns, turns, 2.0, 5e-5, windows)
    changed = 0.9 * BASE8 + 0.1 * g
    _same(power_psi(BASE8, changed, sight, windows), oracle2.power_psi(BASE8, changed, *same))
    _same(power_mix(BASE8, changed, sight, windows), oracle2.power_mix(BASE8, changed, *same))
    _same(blind_mix(BASE8, g, sight, windows), oracle2.blind_mix(BASE8, g, *same))


def test_the_published_blind_spot_of_the_flag_at_a_thousand_turns_an_hour() -> None:
    assert blind_bin(0.005, _sight(1000, bins=2), 2) == pytest.approx(0.022, abs=0.001)


def test_more_traffic_more_time_and_less_spread_each_show_smaller_changes() -> None:
    least = blind_bin(0.03, _sight(300, phi=2), 2)
    assert least is not None
    for more in (
        blind_bin(0.03, _sight(600, phi=2), 2),
        blind_bin(0.03, _sight(300, phi=2), 4),
        blind_bin(0.03, _sight(300, phi=1), 2),
    ):
        assert more is not None
        assert more < least


def test_a_rare_bin_that_dries_up_is_never_found_on_little_traffic() -> None:
    assert blind_bin(0.03, _sight(300, phi=2), 2, up=False) is None


def test_detectable_in_a_verdict_is_the_closed_form_s_critical_rise_of_the_readiest_bin() -> None:
    sight = _sight(600, phi=1.7)
    rises = [q - p for p in BASE8.tolist() if (q := closed_form(p, sight, 4)) is not None]
    s, level, gate = np.array(
        [[1 / sight.turns + 1 / sight.reference_turns], [sight.alpha], [sight.gates.bin_effect]]
    )
    shown = detectable(BASE8, np.full(8, sight.phi), s, Ragged.of([8]), level, gate)
    assert shown == pytest.approx([min(rises)], rel=1e-9)


def test_twenty_dimensions_of_ten_bins_take_seconds() -> None:
    begun = time.process_time()
    for p in np.linspace(0.005, 0.6, 200).tolist():
        for windows in (2, 6):
            blind_bin(p, _sight(500, phi=1.5, bins=10), windows)
    assert time.process_time() - begun < 20  # less than one, on a machine that is not busy


def test_a_single_look_at_a_much_stricter_level_needs_a_larger_change_than_three_in_a_row() -> None:
    lane = _sight(600, phi=1.7, alpha=16 * NormalDist().cdf(-6.2))
    assert lane.quantile == pytest.approx(6.2)
    ladder, sudden = blind_bin(0.03, _sight(600, phi=1.7, alpha=3e-4), 2), blind_at_once(0.03, lane)
    assert ladder is not None
    assert sudden is not None
    assert 0.03 < ladder < sudden < 0.15


def test_a_single_look_finds_its_blind_spot_four_times_in_five() -> None:
    lane = _sight(600, alpha=16 * NormalDist().cdf(-6.2))
    share, critical = blind_at_once(0.03, lane), critical_share(0.03, lane)
    assert share is not None
    assert critical is not None
    drawn = np.random.default_rng(2).binomial(600, share, size=4000) / 600
    assert 0.77 < float((drawn >= critical).mean()) < 0.83
    assert blind_at_once(0.97, lane) is None
