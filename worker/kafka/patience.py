"""Waiting for records, also where the client does not know how.

While the coordinator hangs and a heartbeat is overdue, kafka-python 3.0.12 waits 0 ms again and again until a
poll's time is up: a core for nothing, and hundreds of thousands of dead objects.

Where a poll's time is up in the middle of joining the group anew, and new partitions of a topic were why, the
client forgets to go on: it has given up its partitions, never takes the new ones, and beats no more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kafka import TopicPartition

POLL_MS = 100
"""How long a poll waits; as long as a rebalance stalls the partitions that it does not move."""
_GLANCE_MS = 20
_SPINNING = 0.05
"""A poll that found nothing has spun if its thread worked for this share of the time.

One that waits works for less than 0.01 of it, one that spins for 0.15 to 0.25 (the client's thread the rest).
"""


class Patience:
    """Polls a consumer until it is done with joining.

    After a poll that spun it waits by itself, and only glances, until one does not.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.spinning = False

    def poll(self, limit: int) -> Mapping[TopicPartition, Sequence[Any]]:
        """At most `limit` records by partition, none where none came in time."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - the public API does not show that it joins
        if coordinator.rejoining:
            coordinator.request_rejoin()
        if self.spinning:
            time.sleep(POLL_MS / 1000)
        began, worked = time.monotonic(), time.thread_time()
        batches: Mapping[TopicPartition, Sequence[Any]]
        batches = self._consumer.poll(_GLANCE_MS if self.spinning else POLL_MS, max_records=limit)
        took, worked = time.monotonic() - began, time.thread_time() - worked
        self.spinning = not batches and worked > _SPINNING * took
        return batches
