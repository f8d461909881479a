"""Finds the batch that cannot be read, in a process of its own that may die of it.

The client does not say which batch made it fail, and one that takes all memory lets nobody say anything. So
another process reads the same offsets with little memory to spare, telling of each batch before it opens it:
the last one told of by a process that failed or died is the bad one. Whoever waits for it can do other things
meanwhile.
"""

from __future__ import annotations

import json
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import TopicPartition
from kafka.errors import CorruptRecordError, KafkaError, RetriableError, UnsupportedCodecError
from kafka.record import MemoryRecords

from baselines.store import Partition
from worker.kafka.client import KafkaUnavailable, open_consumer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from worker.kafka.client import KafkaOptions

RECORDS = 12_000
"""So many records are looked at: more than a worker reads between two commits."""
SPARE_BYTES = 1 << 29
"""A batch may take so much memory beyond what the process has before it reads."""
PATIENCE_S = 60.0
"""The other process may take so long, for all of its partitions together."""

_SHARES = 6
"""Of several partitions each has at least this part of the time."""
_POLL_MS = 1_000
_DONE = "done"
_FROM_OUTSIDE = {-signal.SIGALRM, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM}
"""Exit statuses of who was told to end, as all processes of a service are, or slept for too long."""


class BadBatch(NamedTuple):
    """Offsets `first` up to `end` are a batch that cannot be read.

    `good` records come before it, and reading is at `reached` when it has them.
    """

    partition: Partition
    first: int
    end: int
    good: int
    reached: int


class Probe:
    """The other process, reading `records` records of each partition from its offset in `starts` on."""

    def __init__(self, options: KafkaOptions, starts: Mapping[Partition, int], records: int) -> None:
        self._last = b""
        self._ended = threading.Event()
        self._deadline = time.monotonic() + PATIENCE_S
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.kafka.probe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._converse, args=(options, dict(starts), records), daemon=True).start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def over(self, wait_s: float = 0.0) -> bool:
        """Whether there is nothing more to wait for: it has ended, or takes too long."""
        return self._ended.wait(wait_s) or time.monotonic() >= self._deadline

    def found(self) -> BadBatch | None:
        """The batch that it ended on; None where all can be read. One that is not done is ended."""
        if not self._ended.is_set():
            self._process.kill()
            return None
        if self._last in (b"", _DONE.encode()):
            return None
        topic, number, *offsets = json.loads(self._last)
        return BadBatch(Partition(topic, number), *offsets)

    def _converse(self, *asked: object) -> None:
        """Tell it what to read, and hear it out: what it says last is what it ended on."""
        answers, _ = self._process.communicate(pickle.dumps(asked))
        if answers and self._process.returncode not in _FROM_OUTSIDE:
            self._last = answers.splitlines()[-1]
        self._ended.set()


def find_bad_batch(options: KafkaOptions, partition: Partition, start: int) -> BadBatch | None:
    """The first bad batch from `start` on; None where there is none, or where the broker does not answer."""
    probe = Probe(options, {partition: start}, RECORDS)
    probe.over(PATIENCE_S)
    return probe.found()


@dataclass(slots=True)
class _Reading:
    """Where the other process is: the partition, where it began there, got to, and after how many records."""

    partition: Partition
    start: int
    reached: int
    read: int = 0


def main() -> None:
    """In the other process: prints each batch that may turn out to be a BadBatch, `done` when all is read."""
    options, starts, records = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    signal.alarm(2 * int(PATIENCE_S))  # whoever waited may be dead
    share_s = PATIENCE_S / max(1, min(len(starts), _SHARES))
    try:
        consumer = open_consumer(options, group=None)
        _keep_to_memory(SPARE_BYTES)
        for partition, start in starts.items():
            with suppress(RetriableError):  # of this partition's broker, not of a batch
                _read(consumer, _Reading(partition, start, start), records, share_s)
    except (CorruptRecordError, UnsupportedCodecError, MemoryError):
        return
    except (KafkaError, KafkaUnavailable):
        pass  # as above, of all of them
    _say(_DONE)


def _read(consumer: Any, here: _Reading, records: int, share_s: float) -> None:
    """Read one record after the other, so that each is counted before the next batch is opened."""
    tp = TopicPartition(*here.partition)
    consumer.assign([tp])
    consumer.seek(tp, here.start)
    until, share_ms = time.monotonic() + share_s, int(share_s * 1000)
    end = consumer.end_offsets([tp], timeout_ms=share_ms)[tp]
    with _announced_batches(here):
        while here.read < records and time.monotonic() < until and consumer.position(tp) < end:
            found = consumer.poll(timeout_ms=_POLL_MS, max_records=1)
            for record in found.get(tp, ()):
                here.read, here.reached = here.read + 1, record.offset + 1


@contextmanager
def _announced_batches(here: _Reading) -> Iterator[None]:
    """Have the client tell of each batch that it is about to open."""
    following = MemoryRecords.next_batch

    def announced(records: MemoryRecords, *arguments: Any) -> Any:
        batch = following(records, *arguments)
        if batch is not None and batch.magic == 2 and batch.next_offset > here.start:
            first = max(batch.base_offset, here.start)
            _say(json.dumps((*here.partition, first, batch.next_offset, here.read, here.reached)))
        return batch

    MemoryRecords.next_batch = announced
    try:
        yield
    finally:
        MemoryRecords.next_batch = following


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _keep_to_memory(spare: int) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
