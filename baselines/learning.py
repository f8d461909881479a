"""What a recorded range teaches before anything is judged: `learn` of statistics-2.md, section 0."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from baselines.psi import psi
from baselines.spread import day_residual, neighbour_residual
from baselines.windows import HOUR, LADDER, day_lag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.spread import Spread
    from baselines.windows import Calendar

LEARN_HOURS = 24


def learning_residuals(day: NDArray[np.int64], live: NDArray[np.bool_]) -> list[tuple[float, Floats]]:
    """Each hour of a day, (24, bins), against its neighbours; none where one of the three is empty."""
    found = (
        neighbour_residual(counts, day[i - 1], day[(i + 1) % LEARN_HOURS], live)
        for i, counts in enumerate(day)
    )
    return [residual for residual in found if residual is not None]


def seasonal_spread(hours: NDArray[np.int64], phi: float) -> float:
    """S: how far the hours of a day, (24, bins), lie from the whole of it; 0 when there is no season."""
    whole, bins = hours.sum(0), hours.shape[1]
    total = int(whole.sum())
    busy = [hour for hour in hours if hour.any()]
    if not busy or bins < 2:
        return 0.0
    chance = phi * (bins - 1)
    excess = [psi(whole, hour)[0] - chance * (1 / int(hour.sum()) + 1 / total) for hour in busy]
    return max(0.0, float(np.mean(excess)))


def learn_days(
    spread: Spread, hours: Mapping[int, NDArray[np.int64]], calendar: Calendar, share: float
) -> None:
    """How much days differ, from every window of a range that is long enough to hold its counterpart too.

    `hours` map hours since the epoch to turns of the bins that are compared, `share` is the part of the turns
    that they count.
    """
    first, last = min(hours), max(hours)
    for length in LADDER:
        size, lag = length // HOUR, day_lag(length) // HOUR
        for start in range(-(-(first + lag) // size) * size, last - size + 2, size):
            span = range(start, start + size)
            if not same_day_types(calendar, span, lag):
                continue
            now = [hours[hour] for hour in span if hour in hours]
            then = [hours[hour - lag] for hour in span if hour - lag in hours]
            if now and then and (found := day_residual(np.sum(now, axis=0), np.sum(then, axis=0))):
                spread.add_day(length, *found, share)


@lru_cache(maxsize=64)  # every dimension asks of the same window
def same_day_types(calendar: Calendar, hours: range, lag: int) -> bool:
    """Whether each of these hours is of the same day type as the one `lag` hours before it."""
    return all(calendar.cell(hour)[0] == calendar.cell(hour - lag)[0] for hour in hours)
