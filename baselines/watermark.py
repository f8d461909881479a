"""How far event time has got over all partitions, and what holds it back."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.store import Partition, PartitionState

OWNER_SILENT_S = 30.0
"""An owner's word that it has caught up counts for this long; then its partition holds the windows back."""


class Watermark(NamedTuple):
    """`at`: event time up to which every partition has been read, None when nothing was.

    `lagging` names the partitions that hold it back for want of an owner that has caught up, newest word
    first.
    """

    at: float | None
    lagging: tuple[str, ...]


@dataclass(slots=True)
class EventClock:
    """Reads the watermark off the partitions' states, looked at every second or so.

    A partition is idle only by its owner's recent word that it has read to the end of the log. The word was
    given at a wall-clock time, and vouches for the event time that had been read anywhere by then, no more:
    what others read since may be newer than records that have come into this partition meanwhile. So neither
    an owner that died with its last word nor a history sent in at a thousand times its pace has a window
    judged without its turns.
    """

    _times: list[float] = field(default_factory=list)
    _newest: list[float] = field(default_factory=list)
    """The newest event time that had been read by each of `_times`; both ascend."""

    def read(self, states: Mapping[Partition, PartitionState], now: float) -> Watermark:
        """The minimum over all partitions: of an idle one what its word vouches for, else its own newest.

        One without an event and without that word holds everything back.
        """
        self._remember(states, now)
        idle = {p for p, s in states.items() if s.caught_up and now - s.at <= OWNER_SILENT_S}
        silent = tuple(
            str(p) for p, s in sorted(states.items()) if p not in idle and now - s.at > OWNER_SILENT_S
        )
        marks = [self._vouched(s.at) if p in idle else s.watermark for p, s in states.items()]
        known = [mark for mark in marks if mark is not None]
        return Watermark(min(known) if known and len(known) == len(marks) else None, silent)

    def _remember(self, states: Mapping[Partition, PartitionState], now: float) -> None:
        for state in states.values():
            known = self._vouched(state.at)
            if state.watermark is None or (known is not None and known >= state.watermark):
                continue
            place = end = bisect_right(self._times, state.at)
            while end < len(self._newest) and self._newest[end] <= state.watermark:
                end += 1
            self._times[place:end] = [state.at]
            self._newest[place:end] = [state.watermark]
        old = bisect_right(self._times, now - OWNER_SILENT_S) - 1  # the last of the old ones still stands
        if old > 0:
            del self._times[:old], self._newest[:old]

    def _vouched(self, at: float) -> float | None:
        """The newest event time that had been read by then, as far as is known."""
        place = bisect_right(self._times, at)
        return self._newest[place - 1] if place else None
