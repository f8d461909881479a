"""Where records come from: the Kafka consumer, parked in its rebalance listener and placed in the loop.

The loop reads each start offset from the store and places the partition there. Kafka's committed offset is a
mirror for lag tools and never read.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog
from kafka import TopicPartition
from kafka.errors import (
    CorruptRecordError,
    IllegalStateError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    RetriableError,
    UnsupportedCodecError,
)

from baselines.store import Partition
from worker.kafka.bounds import log_begins, log_ends
from worker.kafka.client import MAX_POLL_RECORDS, open_consumer
from worker.kafka.detours import Detours
from worker.kafka.mirror import Mirror
from worker.kafka.parking import Parking
from worker.kafka.patience import POLL_MS, Patience
from worker.kafka.probe import RECORDS
from worker.kafka.topics import Topics, known_topics
from worker.records import NEW_GROUND, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from worker.kafka.client import KafkaOptions
    from worker.records import Jump, Record

_BROKER_MS = 1_000

log = structlog.get_logger()


class KafkaSource:
    """A member of a consumer group. `installation` is as in `Mirror`.

    Raises:
        KafkaUnavailable: no broker could be used, or a topic does not exist.
    """

    def __init__(
        self,
        options: KafkaOptions,
        topics: Sequence[str],
        installation: str = "quadrift",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        facts = known_topics(options, topics)
        self._consumer = open_consumer(options, group=options.group)
        self._patience = Patience(self._consumer)
        self._topics = Topics(self._consumer, facts, monotonic)
        self._parking = Parking(self._consumer)
        self._consumer.subscribe(topics, listener=self._parking)
        self._topics.fetch()
        self._mirror = Mirror(self._consumer, options, installation, monotonic)
        self._detours = Detours(self._consumer, options, self._parking)

    def topics(self) -> Mapping[str, int]:
        """As RecordSource."""
        return self._topics.partitions

    def topic_id(self, topic: str) -> str:
        """As RecordSource."""
        return self._topics.ids[topic]

    @property
    def joined(self) -> bool:
        """Whether the group has assigned us partitions, be it none."""
        return self._parking.joined

    def parked(self) -> Sequence[Partition]:
        """As RecordSource."""
        return sorted(self._parking.parked)

    def lost(self) -> Collection[Partition]:
        """As RecordSource."""
        lost, self._parking.lost = self._parking.lost, set()
        return lost

    def jumps(self) -> Sequence[Jump]:
        """As RecordSource."""
        return self._detours.taken()

    def told(self, partition: Partition) -> int | None:
        """As RecordSource.

        Raises:
            KafkaUnavailable: the broker does not say.
        """
        return self._mirror.told(partition)

    def place(self, partition: Partition, offset: int | None) -> int | None:
        """As RecordSource."""
        tp = TopicPartition(*partition)
        try:
            if offset is None and (offset := self._begins().get(partition)) is None:
                return None
            self._consumer.seek(tp, offset)
            self._consumer.resume(tp)
        except (RetriableError, IllegalStateError) as error:
            log.info("partition_not_placed", partition=str(partition), error=type(error).__name__)
            return None
        self._detours.placed(partition, offset)
        self._parking.parked.discard(partition)
        self._parking.placed.add(partition)
        return offset

    def _begins(self) -> Mapping[Partition, int]:
        """The first offsets of all of ours that have a leader: alone, one without it would be waited for."""
        ours = [TopicPartition(*p) for p in self._parking.parked | self._parking.placed]
        return {Partition(*tp): offset for tp, offset in log_begins(self._consumer, ours, _BROKER_MS).items()}

    def park(self, partition: Partition) -> None:
        """As RecordSource."""
        if partition in self._parking.placed:
            tp = TopicPartition(*partition)
            self._consumer.pause(tp)
            self._consumer.seek(tp, 0)
            self._parking.placed.discard(partition)
            self._parking.blocked.discard(partition)
            self._parking.examined.discard(partition)
            self._parking.parked.add(partition)

    def block(self, partition: Partition, offset: int) -> None:
        """As RecordSource."""
        self._consumer.pause(TopicPartition(*partition))
        self._consumer.seek(TopicPartition(*partition), offset)
        self._parking.blocked.add(partition)

    def hold(self) -> None:
        """As RecordSource."""
        self._parking.held = True
        self._consumer.pause(*(TopicPartition(*p) for p in self._parking.placed))

    def release(self) -> None:
        """As RecordSource."""
        self._parking.held = False
        self._consumer.resume(*(TopicPartition(*p) for p in self._parking.reading))

    def poll(self, limit: int = MAX_POLL_RECORDS) -> Mapping[Partition, Sequence[Record]]:
        """As RecordSource.

        Raises:
            SourceFailed: a recreated or truncated topic, no permission, an error whose cause is not found.
                The client would spin for ever on the next poll, so the process has to end.
        """
        self._detours.search_on()
        self._topics.look(empty_handed=not self._parking.parked and not self._parking.placed)
        batches = self._poll(limit)
        return {
            Partition(*tp): records
            for tp, records in batches.items()
            if Partition(*tp) in self._parking.placed
        }

    def _poll(self, limit: int) -> Mapping[TopicPartition, Sequence[Any]]:
        batches: Mapping[TopicPartition, Sequence[Any]] = {}
        try:
            with self._detours.approach(limit) as most:
                batches = self._patience.poll(most)
        except OffsetOutOfRangeError as error:
            self._detours.dropped(error)
        except RetriableError as error:
            log.info("kafka_retry", error=type(error).__name__)
        except (CorruptRecordError, UnsupportedCodecError, MemoryError) as error:
            self._find_bad_batch(error)
        except KafkaError as error:
            raise _failure(error) from None
        self._detours.came(batches)
        return batches

    def _find_bad_batch(self, error: Exception) -> None:
        """The client does not say which batch it could not open: one that a partition is at just now."""
        positions = {p: self.position(p) for p in sorted(self._parking.reading)}
        at = {p: position for p, position in positions.items() if position is not None}
        self._detours.examine(at, 1, _failure(error))

    def probe(self, partition: Partition, offset: int) -> None:
        """As RecordSource."""
        end = self.ends([partition]).get(partition)
        if end is not None and end > offset:
            self._detours.examine({partition: offset}, RECORDS)

    def position(self, partition: Partition) -> int | None:
        """As RecordSource."""
        if partition not in self._parking.placed:
            return None
        try:
            position = self._consumer.position(TopicPartition(*partition), timeout_ms=POLL_MS)
        except (RetriableError, IllegalStateError):
            return None
        except KafkaError as error:
            raise _failure(error) from None
        return None if position is None else int(position)

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """As RecordSource."""
        if not partitions:
            return {}
        try:
            ends = log_ends(self._consumer, (TopicPartition(*p) for p in partitions), _BROKER_MS)
        except RetriableError:
            return {}
        return {Partition(*tp): end for tp, end in ends.items()}

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        """As RecordSource."""
        self._mirror.tell(self._ours(offsets))

    def close(self, offsets: Mapping[Partition, int]) -> None:
        """As RecordSource; takes at most six seconds."""
        self._detours.close()
        self._mirror.tell_last(self._ours(offsets))
        self._consumer.close(autocommit=False, timeout_ms=5_000)

    def _ours(self, offsets: Mapping[Partition, int]) -> Mapping[Partition, int]:
        return {p: offset for p, offset in offsets.items() if p in self._parking.placed}


def _failure(error: Exception) -> SourceFailed:
    name = type(error).__name__
    if isinstance(error, LogTruncationError):
        return SourceFailed(f"a topic's log was cut behind what has been read ({name}); {NEW_GROUND}")
    return SourceFailed(f"reading from Kafka failed for good: {name}; the client's log names the cause")
