"""What a rebalance gives and takes, noted for the loop.

The client calls a listener on its own thread, where nothing may block and nothing may be committed: set
operations are all that is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import ConsumerRebalanceListener

from baselines.store import Partition

if TYPE_CHECKING:
    from collections.abc import Collection

    from kafka import TopicPartition


class Parking(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions that wait to be placed, are placed, were taken; `poll` and the loop take turns with them.

    Some of the placed may be `blocked`, or `examined` by another process: they stay paused. So does
    everything while it is `held`.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.parked: set[Partition] = set()
        self.placed: set[Partition] = set()
        self.blocked: set[Partition] = set()
        self.examined: set[Partition] = set()
        self.held = False
        self.lost: set[Partition] = set()
        self.joined = False

    @property
    def reading(self) -> set[Partition]:
        """The partitions that are not paused."""
        return set() if self.held else self.placed - self.blocked - self.examined

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Forget them; what was not committed of them is read again by the next owner."""
        gone = {Partition(*tp) for tp in revoked}
        self.parked -= gone
        self.placed -= gone
        self.blocked -= gone
        self.examined -= gone
        self.lost |= gone

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """As revoked: nothing is written on the way out in either case."""
        self.on_partitions_revoked(lost)

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Pause them, at a position that keeps the client from looking for a committed one."""
        self._consumer.pause(*assigned)
        for tp in assigned:
            self._consumer.seek(tp, 0)
        self.parked |= {Partition(*tp) for tp in assigned}
        self.joined = True
