"""Where learning ends: one event time for all partitions, found from the recorded range alone.

Pure but for the reader that it is given, so that another process that surveys the same offsets ends at the
same time and the same offsets.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from baselines.learned import Plan, PlannedRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from baselines.store import Partition

    Times = NDArray[np.float64]

STRAGGLER_S = 6 * 3600.0
"""A turn so much older than all but the oldest hundredth is a straggler: no sign of when traffic began."""
LATENESS_S = 600.0
"""A quiet partition is waited for until event time is this far past the end of learning."""


@dataclass(frozen=True, slots=True)
class LearnRule:
    """How much is learned from: at least so long and so many turns, at most so long.

    `leave_s`: where more was retained at the start, learning stops this long before the newest turn, so
    that there is something to judge at once; None ends it as soon as there is enough.
    """

    at_least_s: float
    turns: int
    at_most_s: float
    leave_s: float | None


@dataclass(slots=True)
class _Seen:
    """The agent's turns in one partition so far: offsets and event times, and where reading got to."""

    next: int
    offsets: array[int] = field(default_factory=lambda: array("q"))
    times: array[float] = field(default_factory=lambda: array("d"))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far learning has got: turns and hours of event time seen."""

    turns: int
    hours: float


class Survey:
    """Reads on through an agent's partitions until there is enough to learn from."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._seen = {r.partition: _Seen(r.begin) for r in plan.ranges}

    def read_on(
        self,
        ends: Iterable[tuple[Partition, int]],
        times: Callable[[Partition, int, int], Iterable[Sequence[tuple[int, float]]]],
    ) -> None:
        """Read each partition on to its end; `times` yields (offset, event time) of the agent's turns."""
        for partition, end in ends:
            seen = self._seen.setdefault(partition, _Seen(0))
            if end <= seen.next:
                continue
            for chunk in times(partition, seen.next, end):
                for offset, at in chunk:
                    seen.offsets.append(offset)
                    seen.times.append(at)
            seen.next = end

    @property
    def progress(self) -> Progress:
        """Turns and hours seen so far."""
        times = self._times()
        return Progress(len(times), float(times[-1] - times[0]) / 3600 if len(times) else 0.0)

    @property
    def since(self) -> float:
        """The event time of the first turn that is learned from; stragglers from before are left out.

        Raises:
            IndexError: nothing was seen.
        """
        return float(self._times()[0])

    def until(self, rule: LearnRule) -> float | None:
        """The event time at which learning ends, None while there is not enough."""
        times = self._times()
        if not len(times):
            return None
        first, newest = float(times[0]), float(times[-1])
        limit = first + rule.at_most_s
        if len(times) >= rule.turns:
            enough = min(max(first + rule.at_least_s, float(times[rule.turns - 1])), limit)
        else:
            enough = limit
        if newest <= enough:
            return None
        if rule.leave_s is None:
            return enough
        return max(enough, min(limit, newest - rule.leave_s))

    def seal(self, until: float, at: float) -> Plan | None:
        """The plan with its ends: each partition's first offset whose running maximum of time passes `until`.

        `at` is the wall clock. A partition without one is learned nothing from and starts at its beginning.
        None while a partition could still get there, that is until event time is well past `until`.
        """
        ranges = []
        settled = float(self._times()[-1]) > until + LATENESS_S
        for partition, seen in sorted(self._seen.items()):
            begin = next((r.begin for r in self._plan.ranges if r.partition == partition), 0)
            passed = np.flatnonzero(np.asarray(seen.times) > until)
            if not len(passed) and len(seen.times) and not settled:
                return None
            end = seen.offsets[int(passed[0])] if len(passed) else begin
            ranges.append(PlannedRange(partition.topic, partition.number, begin, end))
        return Plan(tuple(ranges), self.since, until, at)

    def _times(self) -> Times:
        """The event times of all turns but stragglers, ascending."""
        seen = [np.asarray(one.times, dtype=np.float64) for one in self._seen.values()]
        times = np.sort(np.concatenate(seen)) if seen else np.empty(0)
        if len(times):
            times = times[np.searchsorted(times, times[len(times) // 100] - STRAGGLER_S) :]
        return times
