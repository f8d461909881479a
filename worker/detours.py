"""Ways around records that cannot be had: the log dropped them unread, or their batch cannot be opened."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from kafka import TopicPartition
from kafka.errors import RetriableError

from baselines.store import Partition
from worker.probe import find_bad_batch
from worker.records import NEW_GROUND, Jump, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kafka.errors import OffsetOutOfRangeError

    from baselines.gaps import Reason
    from worker.kafka_client import KafkaOptions
    from worker.parking import Parking
    from worker.probe import BadBatch

_BROKER_MS = 1_000

log = structlog.get_logger()


class Detours:
    """The jumps of one consumer, and the bad batches that lie ahead of it."""

    def __init__(self, consumer: Any, options: KafkaOptions, parking: Parking) -> None:
        self._consumer, self._options, self._parking = consumer, options, parking
        self._ahead: dict[Partition, BadBatch] = {}
        self._jumps: list[Jump] = []

    def taken(self) -> Sequence[Jump]:
        """The jumps since the last call."""
        jumps, self._jumps = self._jumps, []
        return jumps

    @contextmanager
    def approach(self, limit: int) -> Iterator[int]:
        """How many records to poll. With a bad batch ahead, its partition alone is read, just up to it.

        The client opens a batch when the first of its records is asked for.
        """
        reading = self._parking.reading
        self._ahead = {p: bad for p, bad in self._ahead.items() if p in self._parking.placed}
        partition = next((p for p in self._ahead if p in reading), None)
        if partition is None:
            yield limit
            return
        bad = self._ahead[partition]
        if not bad.good:
            del self._ahead[partition]
            self._jump(partition, bad.end, "unreadable")
            yield limit
            return
        others = [TopicPartition(*p) for p in reading - {partition}]
        self._consumer.pause(*others)
        try:
            yield min(limit, bad.good)
        finally:
            self._consumer.resume(*(tp for tp in others if Partition(*tp) in self._parking.reading))

    def forget(self, partition: Partition) -> None:
        """It is read from elsewhere now: what was counted off up to its bad batch no longer holds."""
        self._ahead.pop(partition, None)

    def came(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Records were polled: so many fewer before the bad batch."""
        for partition, bad in self._ahead.items():
            came = len(batches.get(TopicPartition(*partition), ()))
            self._ahead[partition] = bad._replace(good=bad.good - came)

    def look(self, partition: Partition, start: int) -> bool:
        """Whether a bad batch lies ahead; it will be jumped over when it is reached."""
        bad = find_bad_batch(self._options, partition, start)
        if bad is None:
            return False
        self._ahead[partition] = bad
        log.error("bad_batch", partition=str(partition), offset=bad.first, end=bad.end)
        return True

    def dropped(self, error: OffsetOutOfRangeError) -> None:
        """Records dropped unread are jumped over; an offset beyond the end is another log.

        Raises:
            SourceFailed: the log ends before what has been read.
        """
        wanted: dict[TopicPartition, int] = error.args[0]
        try:
            begins = self._consumer.beginning_offsets(list(wanted), timeout_ms=_BROKER_MS)
            ends = self._consumer.end_offsets(list(wanted), timeout_ms=_BROKER_MS)
        except RetriableError:
            return
        for tp, offset in wanted.items():
            partition = Partition(*tp)
            if offset > ends[tp]:
                raise SourceFailed(
                    f"{partition} ends at {ends[tp]}, but has been read up to {offset}: "
                    f"its log was lost or the topic recreated; {NEW_GROUND}"
                )
            if begins[tp] > offset and partition in self._parking.placed:
                self._jump(partition, int(begins[tp]), "dropped")

    def _jump(self, partition: Partition, to: int, reason: Reason) -> None:
        self._consumer.seek(TopicPartition(*partition), to)
        self._jumps.append(Jump(partition, to, reason))
