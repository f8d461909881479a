"""How far event time has got over all partitions, and what holds it back."""

from __future__ import annotations

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


def watermark(states: Mapping[Partition, PartitionState], now: float) -> Watermark:
    """The minimum over the partitions that are not idle; the newest event time when all are.

    A partition is idle only by its owner's recent word that it has read to the end of the log. One without an
    event and without that word holds everything back.
    """
    idle = {p for p, s in states.items() if s.caught_up and now - s.at <= OWNER_SILENT_S}
    seen = [state.watermark for state in states.values() if state.watermark is not None]
    busy = {p: s for p, s in states.items() if p not in idle}
    lagging = tuple(str(p) for p, s in sorted(busy.items()) if now - s.at > OWNER_SILENT_S)
    if not seen:
        return Watermark(None, lagging)
    if not busy:
        return Watermark(max(seen), ())
    marks = [state.watermark for state in busy.values()]
    known = [mark for mark in marks if mark is not None]
    return Watermark(min(known) if len(known) == len(marks) else None, lagging)
