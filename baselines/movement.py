"""How far a dimension moves from one normal window to the next, beyond what chance explains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.chance import gamma_quantile
from baselines.judging import LEAST_EFFECTIVE
from baselines.learning import same_day_types
from baselines.psi import null_moments, psi
from baselines.windows import HOUR, day_lag

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from baselines.reference import FixedReference

LEAST_PAIRS = 20
"""Pairs of windows below which the 95th percentile is nobody's."""


class Movement(NamedTuple):
    """The debiased PSI of a window against the one before it; `end` in seconds since the epoch.

    `chance` are the 95th and 99th percentile that it has where nothing moves but chance.
    """

    end: int
    psi: float
    chance: tuple[float, float]


class Percentiles(NamedTuple):
    """The 95th and 99th percentile of normal movement, and of what chance alone makes of such windows."""

    movement: tuple[float, float]
    chance: tuple[float, float]

    @property
    def own(self) -> tuple[float, float]:
        """What is left without chance: independent movements add in squares."""
        left = [math.sqrt(max(0.0, m * m - c * c)) for m, c in zip(self.movement, self.chance, strict=True)]
        return left[0], left[1]


class Thinned(NamedTuple):
    """Hours before `until` (since the epoch) count only this part of the turns, which hides sessions."""

    until: int
    share: float


def movements(
    hours: Mapping[int, NDArray[np.int64]],
    reference: FixedReference,
    length_s: int,
    *,
    left_out: Collection[int],
    thinned: Thinned,
) -> list[Movement]:
    """Each window of this length (windows do not overlap) against the one before it.

    Before means beside it for windows of an hour, and at the same hours of an earlier day of the same type
    for longer ones: those that lie beside them are at other hours, and windows are judged against their own.
    `hours` map hours since the epoch to turns of each bin, those `left_out` are not normal. Windows with too
    few turns to be judged tell nothing.
    """
    size, lag = length_s // HOUR, lag_hours(length_s)
    if not hours:
        return []
    found = []
    for start in range(-(-(min(hours) + lag) // size) * size, max(hours) - size + 2, size):
        span = range(start, start + size)
        if any(hour in left_out or hour - lag in left_out for hour in span):
            continue
        if lag > 1 and not same_day_types(reference.calendar, span, lag):
            continue
        share = thinned.share if start - lag < thinned.until else 1.0
        now, before = (_sum(hours, reference, start - back, size) for back in (0, lag))
        moved = _moved(now, before, reference, length_s, share)
        if moved is not None:
            found.append(Movement((start + size) * HOUR, *moved))
    return found


def lag_hours(length_s: int) -> int:
    """How many hours back the window lies that one of this length is compared with."""
    return 1 if length_s == HOUR else day_lag(length_s) // HOUR


def _sum(
    hours: Mapping[int, NDArray[np.int64]], reference: FixedReference, start: int, size: int
) -> NDArray[np.int64]:
    held = [hours[hour] for hour in range(start, start + size) if hour in hours]
    if not held:
        return np.zeros(reference.pooling.size, dtype=np.int64)
    return reference.pooling.pooled(np.sum(held, axis=0))


def _moved(
    now: NDArray[np.int64],
    before: NDArray[np.int64],
    reference: FixedReference,
    length_s: int,
    share: float,
) -> tuple[float, tuple[float, float]] | None:
    """The debiased PSI of two windows, never below 0, and its chance; None where one of them is too small."""
    n, m = int(now.sum()), int(before.sum())
    if min(n, m) == 0:
        return None
    phi = reference.spread.within
    if lag_hours(length_s) > 1:  # on two days: what one day has over another is chance, too
        phi += 2 * reference.spread.omega(length_s) / (1 / n + 1 / m)
    phi = 1 + (phi - 1) * share
    if min(n, m) / phi < LEAST_EFFECTIVE:
        return None
    live = (now > 0) | (before > 0)
    if live.sum() < 2:
        return 0.0, (0.0, 0.0)
    mean, variance = null_moments(before[live], n)
    floor = phi * mean
    low, high = (gamma_quantile(tail, floor, phi * phi * variance) - floor for tail in (0.05, 0.01))
    return max(0.0, psi(before[live], now[live])[0] - floor), (low, high)


def percentiles(found: list[Movement]) -> Percentiles | None:
    """The percentiles, of few pairs the largest as the 99th; None of fewer than `LEAST_PAIRS`."""
    if len(found) < LEAST_PAIRS:
        return None
    moved = [movement.psi for movement in found]
    high = float(np.quantile(moved, 0.95)), float(np.quantile(moved, 0.99, method="higher"))
    low, top = np.mean([movement.chance for movement in found], axis=0).tolist()
    return Percentiles(high, (low, top))
