"""Finds the batch that cannot be read, in a process of its own that may die of it.

The client does not say which batch made it fail, and one that takes all memory lets nobody say anything. So
another process reads the same offsets with little memory to spare, telling of each batch before it opens it:
the last one told of by a process that failed or died is the bad one.
"""

from __future__ import annotations

import json
import pickle
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError
from kafka.record import MemoryRecords

from worker.kafka_client import KafkaUnavailable, open_consumer

if TYPE_CHECKING:
    from baselines.store import Partition
    from worker.kafka_client import KafkaOptions

RECORDS = 8_000
"""So many records are looked at: more than a worker reads between two commits."""
SPARE_BYTES = 1 << 29
"""A batch may take so much memory beyond what the process has before it reads."""
PATIENCE_S = 30.0

_POLL_MS = 1_000
_DONE = "done"


class BadBatch(NamedTuple):
    """Offsets `first` up to `end` are a batch that cannot be read; `good` records come before it."""

    first: int
    end: int
    good: int


def find_bad_batch(options: KafkaOptions, partition: Partition, start: int) -> BadBatch | None:
    """The first bad batch from `start` on; None where there is none, or where the broker does not answer."""
    try:
        found = subprocess.run(
            [sys.executable, "-m", "worker.probe"],
            input=pickle.dumps((options, tuple(partition), start)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    lines = found.stdout.splitlines()
    return BadBatch(*json.loads(lines[-1])) if lines and lines[-1] != _DONE.encode() else None


def main() -> None:
    """In the other process: prints each batch that may turn out to be a BadBatch, `done` when all is read."""
    options, partition, start = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    read = [0]
    _announce_batches(start, read)
    try:
        consumer = open_consumer(options, group=None)
        tp = TopicPartition(*partition)
        consumer.assign([tp])
        consumer.seek(tp, start)
        _keep_to_memory(SPARE_BYTES)
        _drain(consumer, tp, read)
    except (CorruptRecordError, UnsupportedCodecError, MemoryError):
        return
    except (KafkaError, KafkaUnavailable):
        pass  # of the broker, not of a batch
    _say(_DONE)


def _drain(consumer: Any, tp: TopicPartition, read: list[int]) -> None:
    """Read one record after the other, so that each is counted before the next batch is opened."""
    end = consumer.end_offsets([tp])[tp]
    while read[0] < RECORDS and consumer.position(tp) < end:
        records = consumer.poll(timeout_ms=_POLL_MS, max_records=1)
        if not records:
            return
        read[0] += len(records[tp])


def _announce_batches(start: int, read: list[int]) -> None:
    """Have the client tell of each batch that it is about to open."""
    following = MemoryRecords.next_batch

    def announced(records: MemoryRecords, *arguments: Any) -> Any:
        batch = following(records, *arguments)
        if batch is not None and batch.magic == 2 and batch.next_offset > start:
            _say(json.dumps((max(batch.base_offset, start), batch.next_offset, read[0])))
        return batch

    MemoryRecords.next_batch = announced


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _keep_to_memory(spare: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
