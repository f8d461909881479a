"""Judging one window of one dimension against cells of the week: what both references share.

Pseudo-code `judge` of statistics-2.md, section 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.cells import Cells, HourOfWindow, Shrink, Tilt, expectation
from baselines.evaluate import Gates, assess
from baselines.report import Judged, report, still
from baselines.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.evaluation import Evaluation, ReferenceName, Window
    from baselines.pooling import Pooling
    from baselines.psi import Floats
    from baselines.spread import Spread
    from baselines.windows import Calendar

LEAST_EFFECTIVE = 100.0
"""Turns over the design effect below which a window is not judged (statistics.md section 2.4)."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What windows of one dimension are judged against."""

    dimension: str
    reference: ReferenceName
    cells: Cells
    tilt: Tilt | None
    season: float
    spread: Spread
    pooling: Pooling
    calendar: Calendar


class Scale(NamedTuple):
    """The within-day design effect of a window of another length than an hour: overall and of each bin.

    `least` is the turns over the design effect below which it is not judged.
    """

    phi: float
    bins: Floats
    least: float


def judge(
    basis: Basis,
    window: Window,
    hourly: Sequence[tuple[int, NDArray[np.int64]]],
    *,
    alpha: float,
    gates: Gates,
    scale: Scale | None = None,
) -> Evaluation | float:
    """The evaluation, or the window's turns over the design effect where they are under 100.

    `hourly` are the window's counts over the dimension's own bins, by hours since the epoch. `scale` replaces
    what hours have taught of the design effect.
    """
    basis.cells.refresh()
    counts, hours = _split(hourly, basis.calendar)
    n = sum(at.turns for at in hours)
    if n == 0 or not basis.cells.mass.any():
        return 0.0
    judged = Judged(basis.dimension, basis.reference, window, counts)
    x = basis.pooling.pooled(judged.counts)
    live = basis.cells.mass | (x > 0)
    within = scale if scale is not None else _hourly_scale(basis)
    shrink = Shrink(basis.season, basis.spread.within)
    expected = expectation(basis.cells, hours, shrink=shrink, live=live, tilt=basis.tilt)
    omega = basis.spread.omega(max(window.length_s, HOUR))
    between = omega * (1 + 1 / expected.days) / (1 / n + 1 / expected.size)
    phi = within.phi + between
    if n / phi < within.least:
        return n / phi
    if len(expected.shares) < 2:
        return still(judged, expected, phi)
    found = assess(
        x[live],
        expected,
        phi=phi,
        phi_bins=within.bins[live] + between,
        alpha=alpha,
        gates=gates,
    )
    return report(judged, basis.pooling, live, expected, found, phi=phi, gates=gates)


def _hourly_scale(basis: Basis) -> Scale:
    return Scale(basis.spread.within, basis.spread.within_bins, LEAST_EFFECTIVE)


def _split(
    hourly: Sequence[tuple[int, NDArray[np.int64]]], calendar: Calendar
) -> tuple[NDArray[np.int64], list[HourOfWindow]]:
    """The window's turns of each bin, and its turns by cell of the week."""
    if not hourly:
        return np.zeros(0, dtype=np.int64), []
    total, hours = hourly[0][1], []
    for i, (hour, counts) in enumerate(hourly):
        turns = int(counts.sum())
        total = total + counts if i else counts
        if turns > 0:
            hours.append(HourOfWindow(*calendar.cell(hour), turns))
    return total, hours
