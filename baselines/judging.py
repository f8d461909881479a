"""Judging one window of one dimension against cells of the week: what both references share.

Pseudo-code `judge` of statistics-2.md, section 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from baselines.cells import Cells, HourOfWindow, Shrink, Tilt, expectation
from baselines.evaluate import Case, assess
from baselines.report import Trial, report, still
from baselines.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.evaluate import Gates
    from baselines.evaluation import Evaluation, ReferenceName, Window
    from baselines.pooling import Pooling
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


class Counted(NamedTuple):
    """A window's turns of each of a dimension's own bins, (bins,), and by cell of the week."""

    window: Window
    counts: NDArray[np.int64]
    hours: list[HourOfWindow]

    @classmethod
    def of(cls, window: Window, hourly: Sequence[tuple[int, NDArray[np.int64]]], calendar: Calendar) -> Self:
        """From the window's counts over the dimension's own bins, by hours since the epoch."""
        total, hours = np.zeros(0, dtype=np.int64), []
        for i, (hour, counts) in enumerate(hourly):
            turns = int(np.add.reduce(counts))
            total = total + counts if i else counts
            if turns > 0:
                hours.append(HourOfWindow(*calendar.cell(hour), turns))
        return cls(window, total, hours)


def judge(
    basis: Basis,
    counted: Counted,
    *,
    alpha: float,
    gates: Gates,
    scale: Scale | None = None,
) -> Evaluation | float:
    """The evaluation, or the window's turns over the design effect where they are under 100.

    `scale` replaces what hours have taught of the design effect.
    """
    found = trial(basis, counted, alpha=alpha, gates=gates, scale=scale)
    return conclude([found])[0] if isinstance(found, Trial) else found


def trial(
    basis: Basis,
    counted: Counted,
    *,
    alpha: float,
    gates: Gates,
    scale: Scale | None = None,
) -> Trial | float:
    """The first half of `judge`: what is expected of the window, and how much it may scatter."""
    basis.cells.refresh()
    window, counts, hours = counted
    n = sum(at.turns for at in hours)
    if n == 0 or not basis.cells.mass.any():
        return 0.0
    x = basis.pooling.pooled(counts)
    live = basis.cells.mass | (x > 0)
    within = scale if scale is not None else _hourly_scale(basis)
    shrink = Shrink(basis.season, basis.spread.within)
    expected = expectation(basis.cells, hours, shrink=shrink, live=live, tilt=basis.tilt)
    omega = basis.spread.omega(max(window.length_s, HOUR))
    between = omega * (1 + 1 / expected.days) / (1 / n + 1 / expected.size)
    phi = within.phi + between
    if n / phi < within.least:
        return n / phi
    case = Case(x[live], expected, phi, within.bins[live] + between, alpha, gates)
    return Trial(basis.dimension, basis.reference, window, counts, basis.pooling, live, case)


def conclude(trials: Sequence[Trial]) -> list[Evaluation]:
    """The second half of `judge`, for any number of windows at once: tests and attribution."""
    moving = [each for each in trials if len(each.case.x) > 1]
    told = iter(report(moving, assess([each.case for each in moving])) if moving else ())
    return [next(told) if len(each.case.x) > 1 else still(each) for each in trials]


def _hourly_scale(basis: Basis) -> Scale:
    return Scale(basis.spread.within, basis.spread.within_bins, LEAST_EFFECTIVE)
