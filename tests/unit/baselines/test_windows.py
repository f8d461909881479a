from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from baselines.evaluation import Window
from baselines.windows import DAY, HOUR, LADDER, STEP, WEEK, Calendar, alpha, day_lag, windows_ending_at

MONDAY = 408_840  # 2016-08-22 00:00 UTC, in hours since the epoch


def test_every_step_ends_a_window_of_one_hour_and_longer_rungs_end_at_a_sixth_of_their_length() -> None:
    for step in range(MONDAY * 6, MONDAY * 6 + 6 * 24 * 7):
        end = step * STEP
        expected = [Window(end - length, end) for length in LADDER if end % (length // 6) == 0]
        assert expected == windows_ending_at(end)
        assert Window(end - HOUR, end) in windows_ending_at(end)


def test_over_a_week_each_rung_ends_six_times_its_length() -> None:
    steps = range(MONDAY * 6, MONDAY * 6 + 1008)
    ends = [window.length_s for step in steps for window in windows_ending_at(step * STEP)]
    counts = {length: ends.count(length) for length in LADDER}
    assert {length: 6 * WEEK // length for length in LADDER} == counts


def test_alpha_is_clamped_and_never_divides_by_zero() -> None:
    assert alpha(1000, 168, 1, 1, 1) == 1e-3
    assert alpha(1e-9, 1, 100, 8, 20) == 1e-6
    assert alpha(0, 1, 0, 0, 0) == 1e-6
    assert alpha(1, 1, 1, 1, 10) == pytest.approx(3.33e-4, rel=2e-3)


def test_a_cell_is_the_local_hour_and_day_type() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"))
    assert berlin.cell(MONDAY - 3) == (1, 23)  # Sunday 21:00 UTC is Sunday 23:00 there
    assert berlin.cell(MONDAY - 2) == (0, 0)
    assert Calendar().cell(MONDAY - 2) == (1, 22)
    assert Calendar().cell(MONDAY + 5 * 24) == (1, 0)


def test_the_hour_that_comes_twice_when_summer_time_ends_is_one_cell() -> None:
    berlin = Calendar(ZoneInfo("Europe/Berlin"))
    last_sunday = MONDAY + 69 * 24  # 2016-10-30, summer time ends at 01:00 UTC
    assert [berlin.cell(last_sunday + hour)[1] for hour in range(3)] == [2, 2, 3]


def test_the_longest_rungs_are_compared_with_a_week_before() -> None:
    assert [day_lag(length) for length in LADDER] == [DAY, DAY, DAY, DAY, WEEK, WEEK]
