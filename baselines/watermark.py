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

    `lagging` names the partitions that hold it back for want of an owner that has caught up.
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
    _words: dict[Partition, tuple[float, float]] = field(default_factory=dict)
    """When each partition's last word was given, by its owner's clock and by ours: never in the future."""

    def read(self, states: Mapping[Partition, PartitionState], now: float) -> Watermark:
        """The minimum over all partitions: of an idle one what its word vouches for, else its own newest.

        One without an event and without that word holds everything back.
        """
        given = {partition: self._given(partition, state.at, now) for partition, state in states.items()}
        for partition, state in states.items():
            if state.watermark is not None:
                self._remember(given[partition], state.watermark)
        self._forget(now - OWNER_SILENT_S)
        recent = {partition for partition, at in given.items() if now - at <= OWNER_SILENT_S}
        idle = {partition for partition in recent if states[partition].caught_up}
        marks = [self._vouched(given[p]) if p in idle else s.watermark for p, s in states.items()]
        known = [mark for mark in marks if mark is not None]
        return Watermark(
            min(known) if known and len(known) == len(marks) else None,
            tuple(str(partition) for partition in sorted(states) if partition not in recent),
        )

    def _given(self, partition: Partition, at: float, now: float) -> float:
        """When a word was given: an owner whose clock is ahead gave it by the time that we first saw it."""
        if self._words.get(partition, (None,))[0] != at:
            self._words[partition] = at, min(at, now)
        return self._words[partition][1]

    def _remember(self, at: float, mark: float) -> None:
        known = self._vouched(at)
        if known is not None and known >= mark:
            return
        place = end = bisect_right(self._times, at)
        while end < len(self._newest) and self._newest[end] <= mark:
            end += 1
        self._times[place:end] = [at]
        self._newest[place:end] = [mark]

    def _forget(self, before: float) -> None:
        """What is older; of that the last stands, for a word given just after it."""
        old = bisect_right(self._times, before) - 1
        if old > 0:
            del self._times[:old], self._newest[:old]

    def _vouched(self, at: float) -> float | None:
        """The newest event time that had been read by then, as far as is known."""
        place = bisect_right(self._times, at)
        return self._newest[place - 1] if place else None
