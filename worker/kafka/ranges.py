"""Reading an offset range once, outside the group: what learning does, beside the members that count."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog
from kafka import TopicPartition
from kafka.errors import (
    CorruptRecordError,
    KafkaError,
    OffsetOutOfRangeError,
    RetriableError,
    UnsupportedCodecError,
)

from baselines.store import Partition
from worker.kafka.bounds import log_begins, log_ends
from worker.kafka.client import (
    MAX_POLL_RECORDS,
    KafkaUnavailable,
    open_admin,
    open_consumer,
    topic_facts,
)
from worker.kafka.mirror import told
from worker.kafka.probe import find_bad_batch
from worker.records import NEW_GROUND, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from worker.kafka.client import KafkaOptions
    from worker.kafka.probe import BadBatch

GIVE_UP_S = 60.0
_POLL_MS = 100
_BROKER_MS = 10_000

log = structlog.get_logger()


class KafkaRanges:
    """Bounds and records of every partition of `topics`. One thread at a time, one `read` at a time.

    Raises:
        KafkaUnavailable: no broker could be used, or a topic does not exist.
    """

    def __init__(
        self, options: KafkaOptions, topics: Sequence[str], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options
        self._topics = tuple(topics)
        self._monotonic = monotonic
        self._avoided: dict[Partition, tuple[int, BadBatch]] = {}
        self._admin = open_admin(options)
        try:
            self._consumer = open_consumer(options, group=None)
        except KafkaUnavailable:
            self._admin.close()
            raise

    def bounds(self) -> Mapping[Partition, tuple[int, int]]:
        """First offset and end of every partition now, new partitions included.

        Raises:
            KafkaUnavailable: the broker does not say.
        """
        asked = self._asked()
        try:
            begins = log_begins(self._consumer, asked, _BROKER_MS)
            ends = log_ends(self._consumer, asked, _BROKER_MS)
        except KafkaError as error:
            raise self._silent(type(error).__name__) from None
        if leaderless := [str(Partition(*tp)) for tp in asked if tp not in begins or tp not in ends]:
            raise self._silent(f"no leader of {', '.join(leaderless[:5])}")
        return {Partition(*tp): (begins[tp], ends[tp]) for tp in asked}

    def told(self, installation: str) -> Mapping[Partition, int]:
        """The offsets that this installation told Kafka.

        Raises:
            KafkaUnavailable: the broker does not say.
        """
        return told(self._admin, self._options, installation, self._asked())

    def first_at(self, time_s: float) -> Mapping[Partition, int]:
        """The first offset of every partition whose record is not older (its timestamp), its end without one.

        Raises:
            KafkaUnavailable: the broker does not say.
        """
        bounds = self.bounds()
        found = self._at_time(bounds, time_s)
        for partition in [partition for partition, offset in found.items() if offset is None]:
            found |= self._at_time([partition], time_s)  # by itself: one without a leader is not left out
        return {p: end if (first := found[p]) is None else first for p, (_, end) in bounds.items()}

    def read(
        self, partition: Partition, start: int, end: int
    ) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        """The records from `start` up to `end` in chunks of (offset, value); an empty chunk while none comes.

        Offsets may be missing: markers, compacted or expired records. The end is reached by position, so a
        range that ends in such a gap ends all the same.

        Raises:
            KafkaUnavailable: nothing came for a minute.
            SourceFailed: a batch that cannot be read, or another log than the one that had these offsets.
        """
        if start >= end:
            return
        tp = TopicPartition(*partition)
        self._consumer.assign([tp])
        self._consumer.seek(tp, start)
        position, progress_at = start, self._monotonic()
        while position < end:
            records = self._poll(tp, self._before_bad_batch(partition, position))
            yield [(record.offset, record.value) for record in records if record.offset < end]
            reached = records[-1].offset + 1 if records else self._position(tp, position)
            if reached > position:
                position, progress_at = reached, self._monotonic()
            elif self._monotonic() - progress_at > GIVE_UP_S:
                raise self._silent(f"nothing of {partition} from offset {position}")

    def probe(self, partition: Partition, offset: int) -> None:
        """Look for a batch from `offset` on that kills whoever reads it, and avoid it."""
        bad = find_bad_batch(self._options, partition, offset)
        if bad is not None:
            log.error("bad_batch", partition=str(partition), offset=bad.first, end=bad.end)
            self._avoided[partition] = offset, bad

    def close(self) -> None:
        """Let the connections go."""
        self._consumer.close(autocommit=False, timeout_ms=1_000)
        self._admin.close()

    def _at_time(self, partitions: Iterable[Partition], time_s: float) -> dict[Partition, int | None]:
        """The first offsets that are not older; None without one, and for some that have no leader."""
        asked = {TopicPartition(*partition): int(time_s * 1000) for partition in partitions}
        try:
            found = self._consumer.offsets_for_times(asked, timeout_ms=_BROKER_MS)
        except KafkaError as error:
            raise self._silent(type(error).__name__) from None
        return {Partition(*tp): None if at is None else int(at.offset) for tp, at in found.items()}

    def _asked(self) -> list[TopicPartition]:
        facts = topic_facts(self._admin, self._topics, self._options)
        return [TopicPartition(name, n) for name, about in facts.items() for n in range(about.partitions)]

    def _before_bad_batch(self, partition: Partition, position: int) -> int:
        """How many records to poll, so that a bad batch is not opened; one that is reached is jumped over.

        The client opens a batch when the first of its records is asked for. Offsets may be missing, so only
        records tell how far it is: `good` from where the search began. From there they are read one by one.
        """
        begun, bad = self._avoided.get(partition, (0, None))
        if bad is None or position >= bad.end:
            return MAX_POLL_RECORDS
        if position < bad.reached:
            return max(1, min(MAX_POLL_RECORDS, bad.good)) if position <= begun else 1
        self._jump(TopicPartition(*partition), position, bad)
        return MAX_POLL_RECORDS

    def _jump(self, tp: TopicPartition, at: int, bad: BadBatch) -> None:
        lost = bad.end - at
        log.warning("records_lost", partition=str(bad.partition), records=lost, reason="unreadable")
        self._consumer.seek(tp, bad.end)

    def _poll(self, tp: TopicPartition, limit: int) -> Sequence[Any]:
        try:
            batches = self._consumer.poll(timeout_ms=_POLL_MS, max_records=limit)
        except OffsetOutOfRangeError:
            self._to_what_is_left(tp)
            return ()
        except RetriableError as error:
            log.info("kafka_retry", error=type(error).__name__)
            return ()
        except (CorruptRecordError, UnsupportedCodecError, MemoryError) as error:
            if not self._past_bad_batch(tp):
                raise _failure(tp, error) from None
            return ()
        except KafkaError as error:
            raise _failure(tp, error) from None
        found: Sequence[Any] = batches.get(tp, ())
        return found

    def _position(self, tp: TopicPartition, known: int) -> int:
        try:
            position = self._consumer.position(tp, timeout_ms=_POLL_MS)
        except RetriableError:
            return known
        except KafkaError as error:  # as poll says: a log that was cut
            raise _failure(tp, error) from None
        return known if position is None else int(position)

    def _past_bad_batch(self, tp: TopicPartition) -> bool:
        """Whether the batch at our position cannot be opened and was jumped over."""
        partition, at = Partition(*tp), self._position(tp, 0)
        bad = find_bad_batch(self._options, partition, at)
        if bad is None or bad.good:
            return False
        self._jump(tp, at, bad)
        return True

    def _to_what_is_left(self, tp: TopicPartition) -> None:
        """The log dropped the records at our position: go on at its first, if that is ahead of us."""
        at = self._position(tp, 0)
        try:
            begin = int(self._consumer.beginning_offsets([tp], timeout_ms=_BROKER_MS)[tp])
        except KafkaError as error:
            raise self._silent(type(error).__name__) from None
        if begin <= at:
            raise SourceFailed(
                f"{tp.topic}-{tp.partition} ends before offset {at}, which it had: its log was lost or the "
                f"topic recreated; {NEW_GROUND}"
            )
        log.warning("records_lost", partition=f"{tp.topic}-{tp.partition}", records=begin - at)
        self._consumer.seek(tp, begin)

    def _silent(self, what: str) -> KafkaUnavailable:
        return KafkaUnavailable(
            f"Kafka at {self._options.address} does not answer ({what}); check that it is up and reachable"
        )


def _failure(tp: TopicPartition, error: Exception) -> SourceFailed:
    return SourceFailed(
        f"reading {tp.topic}-{tp.partition} failed for good: {type(error).__name__}; "
        "the client's log line before this names the cause"
    )
