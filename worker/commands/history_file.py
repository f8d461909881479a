"""A history of turns in files, read as if it were one partition: by offset, and as a record source."""

from __future__ import annotations

import gzip
from itertools import islice
from typing import TYPE_CHECKING

from baselines.store import Partition
from worker.records import Record, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from worker.records import Jump

HISTORY = Partition("history", 0)
_CHUNK = 500
_GZIP = b"\x1f\x8b"


class HistoryFiles:
    """The lines of .jsonl or .jsonl.gz files, one after the other; an offset is a line that is not blank.

    Raises:
        OSError: a file cannot be read.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._count = sum(1 for _ in self.lines())

    def lines(self, start: int = 0) -> Iterator[bytes]:
        """The lines from offset `start` on."""
        return islice(self._all(), start, None)

    def _all(self) -> Iterator[bytes]:
        for path in self._paths:
            with path.open("rb") as raw:
                packed = raw.peek(2)[:2] == _GZIP
                with gzip.open(raw) if packed else raw as lines:
                    for line in lines:
                        if text := line.strip():
                            yield text

    def bounds(self) -> Mapping[Partition, tuple[int, int]]:
        """First offset and the one after the last."""
        return {HISTORY: (0, self._count)}

    def read(
        self, partition: Partition, start: int, end: int
    ) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        """Lines by offset, in chunks."""
        numbered = zip(range(start, end), self.lines(start), strict=False)
        while chunk := list(islice(numbered, _CHUNK)):
            yield chunk

    def probe(self, partition: Partition, offset: int) -> None:
        """There are no batches."""

    def close(self) -> None:
        """Nothing is open between reads."""


class HistorySource:
    """A record source over a history; `exhausted` once every line was polled."""

    def __init__(self, files: HistoryFiles) -> None:
        self._files = files
        self._end = files.bounds()[HISTORY][1]
        self._next = 0
        self._lines: Iterator[bytes] = iter(())
        self._parked = True

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left to poll."""
        return not self._parked and self._next >= self._end

    def topics(self) -> Mapping[str, int]:
        """The history is a topic of one partition."""
        return {HISTORY.topic: 1}

    def topic_id(self, topic: str) -> str:
        """It has none."""
        return ""

    def parked(self) -> Sequence[Partition]:
        """The one partition, until it is placed."""
        return [HISTORY] if self._parked else []

    def lost(self) -> Collection[Partition]:
        """Nobody takes it away."""
        return ()

    def jumps(self) -> Sequence[Jump]:
        """A file has all its lines."""
        return ()

    def told(self, partition: Partition) -> int | None:
        """Nobody was told anything."""
        return None

    def place(self, partition: Partition, offset: int | None) -> int | None:
        """Read on from `offset`."""
        self._next = offset or 0
        self._lines = self._files.lines(self._next)
        self._parked = False
        return self._next

    def park(self, partition: Partition) -> None:
        """A history has one reader and one store in its own process: nothing can be refused.

        Raises:
            SourceFailed: always; it says that the replay's own counts went wrong.
        """
        raise SourceFailed("the replay's own store refused a commit: please report this")

    def block(self, partition: Partition, offset: int) -> None:
        """A replay has no limit of bad lines."""

    def probe(self, partition: Partition, offset: int) -> None:
        """There are no batches."""

    def hold(self) -> None:
        """A store in process is always there."""

    def release(self) -> None:
        """As hold."""

    def poll(self, limit: int) -> Mapping[Partition, Sequence[Record]]:
        """The next lines: always so many, or what is judged would hang on how fast the machine is."""
        records = [Record(self._next + i, None, line) for i, line in enumerate(islice(self._lines, _CHUNK))]
        self._next += len(records)
        return {HISTORY: records} if records else {}

    def position(self, partition: Partition) -> int | None:
        """The next line."""
        return self._next

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        """How many lines there are."""
        return {HISTORY: self._end}

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        """There is nobody to tell."""

    def close(self, offsets: Mapping[Partition, int]) -> None:
        """Nothing is open between polls."""
