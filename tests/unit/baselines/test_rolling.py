from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.evaluation import Evaluation, Window
from baselines.reference import FixedReference, Gates
from baselines.rolling import RollingReference, rolling_span
from baselines.windows import DAY, HOUR, LADDER, WEEK, Calendar

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MONDAY = 408_840  # hours since the epoch
NOW = MONDAY + 38 * 24 + 12  # a Thursday
NORMAL, CHANGED = np.array([500, 300, 150, 50]), np.array([350, 210, 105, 335])


def _history(end: int = NOW + 1) -> dict[int, Counts]:
    return {hour: NORMAL.copy() for hour in range(MONDAY, end)}


def _fixed(hours: int = 14 * 24) -> FixedReference:
    learned = dict.fromkeys(range(MONDAY, MONDAY + hours), NORMAL)
    return FixedReference.learn("output.x", learned, configured=True, counted_share=1.0, calendar=Calendar())


def _judge(
    rolling: RollingReference,
    history: dict[int, Counts],
    counts: Counts,
    hour: int = NOW,
    *,
    excluded: Collection[int] = (),
    since: int | None = None,
) -> Evaluation | float | None:
    window = Window(hour * HOUR, (hour + 1) * HOUR)
    return rolling.judge(
        window, [(hour, counts)], history, excluded=excluded, since=since, alpha=3e-4, gates=Gates()
    )


def _judged(*args: object, **named: object) -> Evaluation:
    found = _judge(*args, **named)  # type: ignore[arg-type]
    assert isinstance(found, Evaluation)
    return found


@pytest.mark.parametrize("length", LADDER)
@pytest.mark.parametrize("since", [None, -40 * DAY, -3 * DAY, -HOUR, 0])
def test_the_rolling_reference_never_overlaps_the_window_nor_the_gap_before_it(
    length: int, since: int | None
) -> None:
    window = Window(NOW * HOUR, NOW * HOUR + length)
    span = rolling_span(window, None if since is None else window.start + since)
    assert span.start <= span.end <= window.start - max(6 * HOUR, length)


@pytest.mark.parametrize("length", LADDER)
def test_the_rolling_reference_is_weeks_and_not_merely_the_window_before(length: int) -> None:
    window = Window(NOW * HOUR, NOW * HOUR + length)
    span = rolling_span(window, None)
    assert (21 if length == WEEK else 28) * DAY == span.length_s
    assert span.length_s >= 3 * length
    assert window.end - span.start <= 35 * DAY


def test_a_window_like_the_one_before_it_but_unlike_the_weeks_before_still_exceeds() -> None:
    history = _history()
    for hour in range(NOW - 6, NOW + 1):
        history[hour] = CHANGED
    assert _judged(RollingReference(_fixed()), history, CHANGED).exceeds


def test_what_lies_in_the_window_or_in_the_gap_has_no_part_in_the_expectation() -> None:
    history = _history()
    expected = _judged(RollingReference(_fixed()), history, NORMAL)
    for hour in range(NOW - 6, NOW + 1):
        history[hour] = np.array([0, 0, 0, 10_000])
    assert expected == _judged(RollingReference(_fixed()), history, NORMAL)
    history[NOW - 7] = np.array([0, 0, 0, 10_000])
    assert expected != _judged(RollingReference(_fixed()), history, NORMAL)


def test_excluded_hours_are_left_out() -> None:
    history = _history()
    without = {hour: counts for hour, counts in history.items() if hour != NOW - 30}
    expected = _judged(RollingReference(_fixed()), without, NORMAL)
    history[NOW - 30] = CHANGED * 50
    assert expected == _judged(RollingReference(_fixed()), history, NORMAL, excluded={NOW - 30})


def test_it_is_not_judged_before_the_fixed_reference_is_frozen() -> None:
    assert _judge(RollingReference(_fixed(24)), _history(), NORMAL) is None


def test_after_a_restart_it_is_judged_against_what_came_since_once_that_is_a_day() -> None:
    fixed, history, start = _fixed(24), _history(), NOW - 40
    for hour in range(start, NOW + 1):
        history[hour] = CHANGED
    rolling = RollingReference(fixed)
    at = start + 29
    assert _judge(rolling, history, CHANGED, at, since=start * HOUR) is None
    found = _judged(rolling, history, CHANGED, at + 1, since=start * HOUR)
    assert (found.reference, found.exceeds) == ("rolling", False)
    assert _judged(rolling, history, NORMAL, at + 1, since=start * HOUR).exceeds


def test_moving_on_step_by_step_equals_starting_from_scratch() -> None:
    rng = np.random.default_rng(5)
    history = {hour: rng.multinomial(900, [0.5, 0.3, 0.15, 0.05]) for hour in range(MONDAY, NOW + 40)}
    kept, fixed, excluded = RollingReference(_fixed()), _fixed(), set[int]()
    for hour in range(NOW, NOW + 36):
        if hour % 5 == 0:
            excluded.add(hour - 20)
        fresh = RollingReference(fixed)
        expected = _judge(fresh, history, history[hour], hour, excluded=excluded)
        assert expected == _judge(kept, history, history[hour], hour, excluded=excluded)


def test_a_forgotten_hour_is_read_again() -> None:
    history, rolling = _history(), RollingReference(_fixed())
    _judge(rolling, history, NORMAL)
    history[NOW - 30] = CHANGED * 50
    rolling.forget([NOW - 30])
    assert _judged(RollingReference(_fixed()), history, NORMAL) == _judged(rolling, history, NORMAL)


def test_a_column_of_flat_vectors_is_the_dimension() -> None:
    flat = {hour: np.concatenate([[7, 7], counts, [9]]) for hour, counts in _history().items()}
    expected = _judged(RollingReference(_fixed()), _history(), CHANGED)
    assert expected == _judged(RollingReference(_fixed(), slice(2, 6)), flat, CHANGED)


def test_a_history_shorter_than_a_day_is_not_judged() -> None:
    short = dict.fromkeys(range(NOW - 25, NOW + 1), NORMAL)
    assert _judge(RollingReference(_fixed()), short, NORMAL) is None
    assert _judge(RollingReference(_fixed()), {}, NORMAL) is None


def test_what_it_holds_from_step_to_step_is_what_it_would_read_anew() -> None:
    rng, history = np.random.default_rng(5), _history()
    kept, excluded = RollingReference(_fixed()), set[int]()
    for hour in sorted(rng.integers(NOW - 90, NOW, 40).tolist()):
        late = int(rng.integers(NOW - 140, NOW))
        if rng.random() < 0.3:
            history.pop(late)  # nothing was counted of it, or not yet
        else:
            history[late] = rng.multinomial(900, NORMAL / NORMAL.sum())
        kept.forget([late, hour])
        excluded = (excluded ^ {int(rng.integers(NOW - 140, NOW))}) if rng.random() < 0.5 else excluded
        since = (hour - 60) * HOUR if rng.random() < 0.2 else None
        now = rng.multinomial(1000, NORMAL / NORMAL.sum())
        anew = RollingReference(_fixed())
        expected = _judge(anew, history, now, hour, excluded=excluded, since=since)
        assert expected == _judge(kept, history, now, hour, excluded=excluded, since=since)
