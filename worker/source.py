"""Where records come from: the Kafka consumer, parked in its rebalance listener and placed in the loop.

The loop reads each start offset from the store and places the partition there. Kafka's committed offset is a
mirror for lag tools and never read.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import structlog
from kafka import TopicPartition
from kafka.errors import (
    IllegalStateError,
    KafkaError,
    LogTruncationError,
    OffsetOutOfRangeError,
    RetriableError,
)
from kafka.structs import OffsetAndMetadata

from baselines.store import Partition
from worker.kafka_client import MAX_POLL_RECORDS, open_admin, open_consumer, topic_facts, topic_id_text
from worker.parking import Parking
from worker.records import NEW_GROUND, Record, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from worker.kafka_client import KafkaOptions

POLL_MS = 100
"""How long a poll waits; as long as a rebalance stalls the partitions that it does not move."""

MIRROR_EVERY_S = 5.0
TOPICS_EVERY_S = 30.0
EMPTY_HANDED_S = 5.0
_BROKER_MS = 1_000

log = structlog.get_logger()


class KafkaSource:
    """A member of a consumer group.

    Raises:
        KafkaUnavailable: no broker could be used, or a topic does not exist.
    """

    def __init__(
        self, options: KafkaOptions, topics: Sequence[str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._topics, self._monotonic = tuple(topics), monotonic
        admin = open_admin(options)
        try:
            facts = topic_facts(admin, self._topics, options)
        finally:
            admin.close()
        self._ids = {name: about.id for name, about in facts.items()}
        self._counts = {name: about.partitions for name, about in facts.items()}
        self._consumer = open_consumer(options, group=options.group)
        self._parking = Parking(self._consumer)
        self._consumer.subscribe(self._topics, listener=self._parking)
        self._know_partitions()
        self._mirrored: Any = None
        self._mirror_due = self._topics_due = 0.0
        self.skipped = 0
        """Records that the log had dropped before they were read."""

    def topics(self) -> Mapping[str, int]:
        """As RecordSource."""
        return self._counts

    def topic_id(self, topic: str) -> str:
        """As RecordSource."""
        return self._ids[topic]

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

    def place(self, partition: Partition, offset: int | None) -> int | None:
        """As RecordSource."""
        tp = TopicPartition(*partition)
        try:
            if offset is None:
                offset = int(self._consumer.beginning_offsets([tp], timeout_ms=_BROKER_MS)[tp])
            self._consumer.seek(tp, offset)
            self._consumer.resume(tp)
        except (RetriableError, IllegalStateError) as error:
            log.info("partition_not_placed", partition=str(partition), error=type(error).__name__)
            return None
        self._parking.parked.discard(partition)
        self._parking.placed.add(partition)
        return offset

    def park(self, partition: Partition) -> None:
        """As RecordSource."""
        if partition in self._parking.placed:
            tp = TopicPartition(*partition)
            self._consumer.pause(tp)
            self._consumer.seek(tp, 0)
            self._parking.placed.discard(partition)
            self._parking.parked.add(partition)

    def hold(self) -> None:
        """As RecordSource."""
        self._consumer.pause(*(TopicPartition(*p) for p in self._parking.placed))

    def release(self) -> None:
        """As RecordSource."""
        self._consumer.resume(*(TopicPartition(*p) for p in self._parking.placed))

    def poll(self, limit: int = MAX_POLL_RECORDS) -> Mapping[Partition, Sequence[Record]]:
        """As RecordSource.

        Raises:
            SourceFailed: a batch that cannot be read, a recreated or truncated topic, no permission. The
                client would spin for ever on the next poll, so the process has to end.
        """
        self._look_at_topics()
        try:
            batches = self._consumer.poll(timeout_ms=POLL_MS, max_records=limit)
        except OffsetOutOfRangeError as error:
            self._out_of_range(error)
            return {}
        except RetriableError as error:
            log.info("kafka_retry", error=type(error).__name__)
            return {}
        except KafkaError as error:
            raise _failure(error) from None
        return {
            Partition(*tp): [Record(r.offset, r.key, r.value) for r in records]
            for tp, records in batches.items()
            if Partition(*tp) in self._parking.placed
        }

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
            ends = self._consumer.end_offsets([TopicPartition(*p) for p in partitions], timeout_ms=_BROKER_MS)
        except RetriableError:
            return {}
        return {Partition(*tp): int(end) for tp, end in ends.items()}

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        """As RecordSource: at most every five seconds, one at a time (more than five in flight fail)."""
        busy = self._mirrored is not None and not self._mirrored.is_done
        if busy or self._monotonic() < self._mirror_due:
            return
        self._mirror_due = self._monotonic() + MIRROR_EVERY_S
        self._mirror_now(offsets)

    def close(self, offsets: Mapping[Partition, int]) -> None:
        """As RecordSource; takes at most six seconds."""
        self._mirror_now(offsets)
        if self._mirrored is not None:
            done = threading.Event()
            self._mirrored.add_both(lambda _: done.set())
            done.wait(1.0)
        self._consumer.close(autocommit=False, timeout_ms=5_000)

    def _mirror_now(self, offsets: Mapping[Partition, int]) -> None:
        ours = {
            TopicPartition(*p): OffsetAndMetadata(offset, self._ids[p.topic], -1)
            for p, offset in offsets.items()
            if p in self._parking.placed
        }
        if ours:
            self._mirrored = self._consumer.commit_async(ours)

    def _know_partitions(self) -> None:
        """Before the first poll: a leader that does not know them yet assigns nothing to anybody."""
        for topic in self._topics:
            try:
                self._consumer.partitions_for_topic(topic)
            except RetriableError as error:
                log.info("kafka_retry", error=type(error).__name__)

    def _look_at_topics(self) -> None:
        """Stop when a topic is another one by now; note new partitions. Free: the client's own metadata."""
        if self._monotonic() < self._topics_due:
            return
        self._topics_due = self._monotonic() + TOPICS_EVERY_S
        cluster = self._consumer._client.cluster  # noqa: SLF001 - the public API does not show the id
        if not self._parking.parked and not self._parking.placed:
            # Too many members, or the leader of the group missed an answer: then it will not miss this one.
            self._topics_due = self._monotonic() + EMPTY_HANDED_S
            cluster.request_update()
        for topic in self._topics:
            found = topic_id_text(cluster.topic_id(topic))
            if found and self._ids[topic] and found != self._ids[topic]:
                raise SourceFailed(f"topic {topic} was deleted and created again; {NEW_GROUND}")
            self._counts[topic] = max(self._counts[topic], len(cluster.partitions_for_topic(topic) or ()))

    def _out_of_range(self, error: OffsetOutOfRangeError) -> None:
        """Records dropped unread leave a gap that is counted; an offset beyond the end is another log."""
        wanted: dict[TopicPartition, int] = error.args[0]
        try:
            begins = self._consumer.beginning_offsets(list(wanted), timeout_ms=_BROKER_MS)
            ends = self._consumer.end_offsets(list(wanted), timeout_ms=_BROKER_MS)
        except RetriableError:
            return
        for tp, offset in wanted.items():
            partition, lost = Partition(*tp), begins[tp] - offset
            if offset > ends[tp]:
                raise SourceFailed(
                    f"{partition} ends at {ends[tp]}, but has been read up to {offset}: "
                    f"its log was lost or the topic recreated; {NEW_GROUND}"
                )
            if lost > 0 and partition in self._parking.placed:
                self._consumer.seek(tp, begins[tp])
                self.skipped += lost
                log.warning("records_lost", partition=str(partition), records=lost)


def _failure(error: KafkaError) -> SourceFailed:
    name = type(error).__name__
    if isinstance(error, LogTruncationError):
        return SourceFailed(f"a topic's log was cut behind what has been read ({name}); {NEW_GROUND}")
    return SourceFailed(f"reading from Kafka failed for good: {name}; the client's log names the cause")
