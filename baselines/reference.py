"""The fixed reference of one dimension: learned once, grown by calm hours for fourteen days, then frozen.

Pseudo-code `learn` and `absorb` of statistics-2.md, section 0; short ranges by section 7 of the design.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.arrays import pack, unpack
from baselines.cells import Cells, Tilt
from baselines.evaluate import Gates
from baselines.judging import Basis, Counted, judge
from baselines.learning import (
    LEARN_HOURS,
    learn_days,
    learning_residuals,
    same_day_types,
    seasonal_spread,
)
from baselines.pooling import Pooling
from baselines.psi import smoothed
from baselines.spread import Spread, day_residual, neighbour_residual
from baselines.windows import HOUR, day_lag

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.evaluation import Evaluation, Window
    from baselines.windows import Calendar

__all__ = ["FixedReference", "Gates"]

FREEZE_HOURS = 14 * 24


@dataclass(slots=True)
class FixedReference:
    """48 cells, the design effect, and a tilt for the day type that was not learned.

    `season` is S, the mean debiased PSI of an hour of the learning day against all of it. `began` and `until`
    are hours since the epoch: the first one learned, and the newest one offered to `absorb`.
    """

    key: str
    calendar: Calendar
    pooling: Pooling
    cells: Cells
    spread: Spread
    season: float
    seen: Floats
    expected: Floats
    began: int
    until: int

    @classmethod
    def learn(
        cls,
        key: str,
        hours: Mapping[int, NDArray[np.int64]],
        *,
        configured: bool,
        counted_share: float,
        calendar: Calendar,
        names: Sequence[str] = (),
    ) -> Self:
        """Learn from hours since the epoch -> turns of each bin; those after the first 24 are absorbed.

        `names` are the bins' names: rare bins join `__other__` where there is one, `__unseen__` never does.
        `counted_share` is the part of the turns that `hours` counts.

        Raises:
            ValueError: `hours` is empty.
        """
        if not hours:
            raise ValueError(f"no hour to learn {key} from")
        pooling = Pooling.learn(np.sum(list(hours.values()), axis=0), names, configured=configured)
        pooled = {hour: pooling.pooled(hours[hour]) for hour in sorted(hours)}
        self = cls._of_first_day(key, pooled, pooling, counted_share, calendar)
        for hour in [h for h in pooled if h > self.until]:
            around = pooled.get(hour - 1), pooled.get(hour + 1)
            self._absorb(hour, pooled[hour], *around, calm=True, share=counted_share)
        learn_days(self.spread, pooled, calendar, counted_share)
        return self

    @classmethod
    def _of_first_day(
        cls,
        key: str,
        hours: Mapping[int, NDArray[np.int64]],
        pooling: Pooling,
        share: float,
        calendar: Calendar,
    ) -> Self:
        began, live = min(hours), np.sum(list(hours.values()), axis=0) > 0
        empty = np.zeros(pooling.size, dtype=np.int64)
        day = np.array([hours.get(began + i, empty) for i in range(LEARN_HOURS)])
        residuals = learning_residuals(day, live)
        phi = max(1.0, sum(r for r, _ in residuals) / max(len(residuals), 1))
        cells = Cells.empty(pooling.size)
        for i in np.flatnonzero(day.any(axis=1)).tolist():
            cells.add(*calendar.cell(began + i), day[i])
        return cls(
            key,
            calendar,
            pooling,
            cells,
            Spread.learn(residuals, pooling.size, share),
            season=seasonal_spread(day[:, live], phi),
            seen=np.zeros((2, pooling.size)),
            expected=np.zeros((2, pooling.size)),
            began=began,
            until=min(began + LEARN_HOURS - 1, max(hours)),
        )

    @property
    def frozen(self) -> bool:
        """Whether 14 calendar days are covered since learning began, whatever was absorbed of them."""
        return self.until >= self.began + FREEZE_HOURS - 1

    def judge(
        self,
        window: Window,
        hourly: Sequence[tuple[int, NDArray[np.int64]]],
        *,
        alpha: float,
        gates: Gates,
    ) -> Evaluation | float:
        """The window's evaluation, or its turns over the design effect where they are under 100.

        `hourly` are the window's turns of each bin, split by hours since the epoch.
        """
        return judge(self.basis, Counted.of(window, hourly, self.calendar), alpha=alpha, gates=gates)

    @property
    def basis(self) -> Basis:
        """What windows are judged against."""
        tilt = Tilt(self.seen, self.expected)
        return Basis(
            self.key, "fixed", self.cells, tilt, self.season, self.spread, self.pooling, self.calendar
        )

    def learn_days(self, window: Window, x: NDArray[np.int64], x24: NDArray[np.int64]) -> None:
        """Learn how much days differ from a window and the one `day_lag` before it, alerting or not.

        Offer each non-overlapping window once. Windows whose hours are of different day types teach nothing.
        """
        lag = day_lag(window.length_s) // HOUR
        hours = range(window.start // HOUR, -(-window.end // HOUR))
        if not same_day_types(self.calendar, hours, lag):
            return
        found = day_residual(self.pooling.pooled(x), self.pooling.pooled(x24))
        if found is not None:
            self.spread.add_day(window.length_s, *found)

    def absorb(
        self,
        hour: int,
        counts: NDArray[np.int64],
        previous: NDArray[np.int64] | None,
        following: NDArray[np.int64] | None,
        *,
        calm: bool,
    ) -> None:
        """Take in one hour, in order, some time after its end, until the reference is frozen.

        Every hour tells of the design effect (`previous` and `following` are its neighbours, None where
        unknown); only a calm one, with no episode open in it or the hour after, enters the cells. An hour
        at or before the newest one offered changes nothing.
        """
        pool = self.pooling.pooled
        before = None if previous is None else pool(previous)
        after = None if following is None else pool(following)
        self._absorb(hour, pool(counts), before, after, calm=calm, share=1.0)

    def _absorb(
        self,
        hour: int,
        x: NDArray[np.int64],
        previous: NDArray[np.int64] | None,
        following: NDArray[np.int64] | None,
        *,
        calm: bool,
        share: float,
    ) -> None:
        if hour <= self.until:
            return
        self.until = hour
        if hour >= self.began + FREEZE_HOURS or not x.any():
            return
        self.cells.refresh()
        if previous is not None and following is not None:
            found = neighbour_residual(x, previous, following, self.cells.mass)
            if found is not None:
                self.spread.add_hour(*found, share)
        if calm:
            self._enter(hour, x)

    def _enter(self, hour: int, x: NDArray[np.int64]) -> None:
        day, at = self.calendar.cell(hour)
        turns = int(x.sum())
        if self.cells.days[day, at] == 0 and self.cells.usable(1 - day, at, turns):
            live = self.cells.mass | (x > 0)
            self.seen[day] += x
            self.expected[day, live] += turns * smoothed(self.cells.around[1 - day, at][live])
        self.cells.add(day, at, x)

    def state(self) -> dict[str, Any]:
        """Plain values and bytes; the calendar is configuration and not part of it."""
        return {
            "key": self.key,
            "pooling": self.pooling.state(),
            "counts": pack(self.cells.counts),
            "days": pack(self.cells.days),
            "spread": self.spread.state(),
            "season": self.season,
            "seen": pack(self.seen),
            "expected": pack(self.expected),
            "began": self.began,
            "until": self.until,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], *, calendar: Calendar) -> Self:
        """The reference that `state` came from."""
        return cls(
            state["key"],
            calendar,
            Pooling.restore(state["pooling"]),
            Cells(unpack(state["counts"]), unpack(state["days"])),
            Spread.restore(state["spread"]),
            state["season"],
            unpack(state["seen"]),
            unpack(state["expected"]),
            state["began"],
            state["until"],
        )
