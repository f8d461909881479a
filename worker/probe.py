"""Finds the batch that cannot be read, in a process of its own that may die of it.

The client does not say which batch made it fail, and one that takes all memory lets nobody say anything. So
another process reads the same offsets with little memory to spare, telling of each batch before it opens it:
the last one told of by a process that failed or died is the bad one.
"""

from __future__ import annotations

import multiprocessing
import resource
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError
from kafka.record import MemoryRecords

from worker.kafka_client import KafkaUnavailable, open_consumer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from baselines.store import Partition
    from worker.kafka_client import KafkaOptions

RECORDS = 8_000
"""So many records are looked at: more than a worker reads between two commits."""
SPARE_BYTES = 1 << 29
"""A batch may take so much memory beyond what the process has before it reads."""
PATIENCE_S = 30.0

_POLL_MS = 2_000


class BadBatch(NamedTuple):
    """Offsets `first` up to `end` are a batch that cannot be read; `good` records come before it."""

    first: int
    end: int
    good: int


def find_bad_batch(options: KafkaOptions, partition: Partition, start: int) -> BadBatch | None:
    """The first bad batch from `start` on; None where there is none, or where the broker does not answer."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(options, tuple(partition), start, theirs), daemon=True)
    process.start()
    theirs.close()
    bad = None
    try:
        while ours.poll(PATIENCE_S):
            told = ours.recv()
            if told is None:
                return None
            bad = BadBatch(*told)
    except EOFError:
        return bad
    finally:
        process.kill()
        process.join()
    return None


def _read(options: KafkaOptions, partition: tuple[str, int], start: int, tell: Connection) -> None:
    """In the other process: tells a BadBatch of each that may turn out to be one, None when all is read."""
    tp, read = TopicPartition(*partition), [0]
    _announce_batches(start, read, tell)
    try:
        consumer = open_consumer(options, group=None)
        consumer.assign([tp])
        consumer.seek(tp, start)
        _keep_to_memory(SPARE_BYTES)
        _drain(consumer, tp, read)
    except (CorruptRecordError, UnsupportedCodecError, MemoryError):
        return
    except (KafkaError, KafkaUnavailable):
        pass  # of the broker, not of a batch
    tell.send(None)


def _drain(consumer: Any, tp: TopicPartition, read: list[int]) -> None:
    """Read one record after the other, so that each is counted before the next batch is opened."""
    while read[0] < RECORDS:
        records: Mapping[TopicPartition, Any] = consumer.poll(timeout_ms=_POLL_MS, max_records=1)
        if not records:
            return
        read[0] += len(records[tp])


def _announce_batches(start: int, read: list[int], tell: Connection) -> None:
    """Have the client tell of each batch that it is about to open."""
    following = MemoryRecords.next_batch

    def announced(records: MemoryRecords, *arguments: Any) -> Any:
        batch = following(records, *arguments)
        if batch is not None and batch.magic == 2 and batch.next_offset > start:
            tell.send((batch.base_offset, batch.next_offset, read[0]))
        return batch

    MemoryRecords.next_batch = announced


def _keep_to_memory(spare: int) -> None:
    with open("/proc/self/statm", encoding="ascii") as sizes:  # noqa: PTH123 - no path of ours
        taken = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + spare, taken + spare))
