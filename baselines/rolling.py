"""The rolling reference of one dimension: recent normal, from counts of hours, never the window judged.

Design section 7: the last 28 days (21 for the 7-day rung) up to a gap of six hours or one window, whichever
is longer; the same cells as the fixed reference, whose design effect and pooling it shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from baselines.cells import Cells
from baselines.evaluation import Window
from baselines.judging import Basis, Counted, judge
from baselines.windows import DAY, HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from baselines.evaluate import Gates
    from baselines.evaluation import Evaluation
    from baselines.reference import FixedReference

LEAST_GAP = 6 * HOUR
SPAN = 28 * DAY
LONGEST_RUNG_SPAN = 21 * DAY
"""With the 7-day window and its gap this makes the 35 days that are kept."""
LEAST_HOURS = 24


def rolling_span(window: Window, since: int | None) -> Window:
    """The event time that the rolling reference may use; `since` is where an episode restarted it.

    It ends at least six hours, and at least one window, before the window starts. Empty (start equal to end)
    where `since` leaves nothing.
    """
    end = window.start - max(LEAST_GAP, window.length_s)
    start = end - (LONGEST_RUNG_SPAN if window.length_s >= WEEK else SPAN)
    return Window(min(max(start, since if since is not None else start), end), end)


class _Asked(NamedTuple):
    """Which hours a rung may use: those of a range but the excluded."""

    hours: range
    excluded: frozenset[int]

    def since(self, first: int) -> int:
        """How many hours there are from `first` on, counted or not, those left out taken off."""
        covered = range(first, self.hours.stop)
        return len(covered) - sum(hour in covered for hour in self.excluded)

    def changes(self, before: _Asked | None) -> set[int]:
        """The hours that one of the two may use and the other may not; all of its own where nothing was."""
        if before is None:
            return set(self.hours)
        mine, theirs = self.hours, before.hours
        starts = range(*sorted((mine.start, theirs.start)))
        stops = range(*sorted((mine.stop, theirs.stop)))
        return {*starts, *stops} | (self.excluded ^ before.excluded)


@dataclass(slots=True)
class _Held:
    """The hours that one rung's cells hold now, which they were asked for, and those to look at again."""

    cells: Cells
    hours: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    asked: _Asked | None = None
    due: set[int] = field(default_factory=set)


class RollingReference:
    """Recent normal of one dimension. Keep it: from step to step it adds new hours and drops old ones.

    `column` is where the dimension's bins are in the vectors of the history that it is given.
    """

    __slots__ = ("_column", "_fixed", "_held")

    def __init__(self, fixed: FixedReference, column: slice = slice(None)) -> None:
        self._fixed = fixed
        self._column = column
        self._held: dict[int, _Held] = {}

    def judge(
        self,
        window: Window,
        hourly: Sequence[tuple[int, NDArray[np.int64]]],
        history: Mapping[int, NDArray[np.int64]],
        *,
        excluded: Collection[int],
        since: int | None,
        alpha: float,
        gates: Gates,
    ) -> Evaluation | float | None:
        """The window's evaluation; a float under 100 as with the fixed reference; None while not judged.

        It is judged once the fixed reference is frozen, or after a restart at `since` (seconds), and once it
        covers 24 hours. `history` maps hours since the epoch to turns, `excluded` are hours to leave out.
        """
        basis = self.basis(window, history, excluded=excluded, since=since)
        if basis is None:
            return None
        return judge(basis, Counted.of(window, hourly, basis.calendar), alpha=alpha, gates=gates)

    def basis(
        self,
        window: Window,
        history: Mapping[int, NDArray[np.int64]],
        *,
        excluded: Collection[int],
        since: int | None,
    ) -> Basis | None:
        """What `judge` compares this window with, None while not judged."""
        if since is None and not self._fixed.frozen:
            return None
        span = rolling_span(window, since)
        hours = range(-(-span.start // HOUR), span.end // HOUR)
        if window.length_s not in self._held:
            self._held[window.length_s] = _Held(Cells.empty(self._fixed.pooling.size))
        held, asked = self._held[window.length_s], _Asked(hours, frozenset(excluded))
        self._bring_up_to_date(held, asked, history)
        if len(held.hours) < LEAST_HOURS and asked.since(min(held.hours, default=hours.stop)) < LEAST_HOURS:
            return None
        return self._basis(held.cells)

    def forget(self, hours: Iterable[int]) -> None:
        """Read these hours again at the next evaluation: their counts may have changed since."""
        for held in self._held.values():
            if held.asked is not None:
                held.due |= {hour for hour in hours if hour in held.asked.hours}

    def _bring_up_to_date(self, held: _Held, asked: _Asked, history: Mapping[int, NDArray[np.int64]]) -> None:
        if held.asked == asked and not held.due:
            return
        for hour in held.due:
            self._drop(held, hour)
        for hour in held.due | asked.changes(held.asked):
            if hour not in asked.hours or hour in asked.excluded or hour not in history:
                self._drop(held, hour)
            elif hour not in held.hours:
                self._take(held, hour, history[hour])
        held.asked, held.due = asked, set()

    def _take(self, held: _Held, hour: int, counts: NDArray[np.int64]) -> None:
        counts = self._fixed.pooling.pooled(counts[self._column]).copy()
        if counts.any():
            held.cells.add(*self._fixed.calendar.cell(hour), counts)
            held.hours[hour] = counts

    def _drop(self, held: _Held, hour: int) -> None:
        counts = held.hours.pop(hour, None)
        if counts is not None:
            held.cells.add(*self._fixed.calendar.cell(hour), counts, sign=-1)

    def _basis(self, cells: Cells) -> Basis:
        fixed = self._fixed
        return Basis(
            fixed.key, "rolling", cells, None, fixed.season, fixed.spread, fixed.pooling, fixed.calendar
        )
