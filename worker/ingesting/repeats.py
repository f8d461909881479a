"""Turns that a producer has sent twice: known by their ids, for ten minutes of event time.

A repeat has the time of the turn that it repeats, so ids are kept by the minute. They are stored with the
offset, in the same commit: whoever takes the partition over knows what was counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from baselines.ids import IdChanges
from binning.identity import identity_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.turn import Turn

KEPT_MINUTES = 10
MOST_IDS = 1_000_000
"""Of one partition: up to 150 MB. Where ten minutes hold more, the oldest are forgotten before their time."""
_ID = "<u8"


class Repeats:
    """The ids of the turns that one partition counted in its last ten minutes of event time.

    64 bits of each: with n of them another turn is taken for a repeat with probability n / 2**64. 8 bytes an
    id in the store, about 150 here (tracemalloc over 200,000).
    """

    def __init__(self, stored: Mapping[str, bytes]) -> None:
        self._minutes: dict[int, set[int]] = {}
        self._new: dict[int, list[int]] = {}
        self._names = set(stored)
        self._sent = IdChanges({}, [])
        self._forgotten = 0
        for name, ids in stored.items():
            self._minutes.setdefault(_minute(name), set()).update(np.frombuffer(ids, _ID).tolist())
        self._forget(0)

    def has(self, agent: str, turn: Turn) -> bool:
        """Whether the agent's turn was here before; from now on it was."""
        minute, own = int(turn.at // 60), identity_hash(f"{agent}\0{turn.identity}")
        known = self._minutes.setdefault(minute, set())
        if own in known:
            return True
        known.add(own)
        self._new.setdefault(minute, []).append(own)
        return False

    def changes(self, next_offset: int, watermark: float | None) -> IdChanges:
        """What a commit up to `next_offset` stores and drops; the same until it is `stored`."""
        oldest = self._oldest(watermark)
        self._sent = IdChanges(
            {
                f"{minute}.{next_offset}": np.array(ids, _ID).tobytes()
                for minute, ids in self._new.items()
                if minute >= oldest
            },
            [name for name in self._names if _minute(name) < oldest],
        )
        return self._sent

    def stored(self, watermark: float | None) -> None:
        """The last changes are in the store."""
        self._names = (self._names | self._sent.added.keys()) - set(self._sent.dropped)
        self._new = {}
        self._forget(self._oldest(watermark))

    def _forget(self, oldest: int) -> None:
        """Minutes before the oldest, and as many more as are too many."""
        left = sum(map(len, self._minutes.values()))
        for minute in sorted(self._minutes):
            if minute < oldest or left > MOST_IDS:
                left -= len(self._minutes.pop(minute))
                self._forgotten = minute + 1

    def _oldest(self, watermark: float | None) -> int:
        """The first minute whose ids are still kept."""
        return max(int((watermark or 0.0) // 60) - KEPT_MINUTES, self._forgotten)


def _minute(name: str) -> int:
    """The minute of a block, from its name."""
    return int(name.partition(".")[0])
