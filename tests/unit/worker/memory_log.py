"""A log of records in memory and members of a group that read it, for tests of what is done with records."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.errors import StoreUnavailable
from baselines.memory import MemoryStore
from baselines.store import Commit, Outcome, Partition, PartitionState
from worker.records import Jump, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

TOPIC = "turns"
START = 1_772_600_400.0
"""An hour's beginning."""


class NoEncoder:
    """An encoder for bin sets that need none."""

    name = "none"
    digest = "none"
    width = 1

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        return np.zeros((len(texts), 1), dtype=np.int8)


def turn(
    number: int, *, at: float | None = None, words: int = 1, agent: str | None = None, **keys: Any
) -> bytes:
    """A turn's record; its event time is `number` seconds after the start."""
    told = {"agent": agent} if agent else {}
    return json.dumps(
        {
            "trace_id": f"t{number}",
            "timestamp": START + number if at is None else at,
            "input": {"text": "word " * words},
            **told,
            **keys,
        }
    ).encode()


@dataclass
class Log:
    """Partitions of one topic. An offset may be missing from a partition, as after compaction."""

    partitions: dict[Partition, list[Record]] = field(default_factory=dict)
    ends: dict[Partition, int] = field(default_factory=dict)
    begins: dict[Partition, int] = field(default_factory=dict)
    topic_id: str = "id-1"
    reachable: bool = True

    def add(self, number: int, *values: bytes | None) -> None:
        """Append records to a partition."""
        partition = Partition(TOPIC, number)
        records = self.partitions.setdefault(partition, [])
        for value in values:
            offset = self.ends.get(partition, 0)
            records.append(Record(offset, None, value))
            self.ends[partition] = offset + 1

    def drop(self, number: int, before: int) -> None:
        """Retention: the records before an offset are gone."""
        partition = Partition(TOPIC, number)
        self.partitions[partition] = [r for r in self.partitions[partition] if r.offset >= before]
        self.begins[partition] = before

    def add_hole(self, number: int, offsets: int) -> None:
        """Offsets without a record that is returned: markers, aborted or compacted records."""
        partition = Partition(TOPIC, number)
        self.partitions.setdefault(partition, [])
        self.ends[partition] = self.ends.get(partition, 0) + offsets


class Member:
    """A RecordSource over a `Log`; the test says which partitions it has."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.jumped: list[Jump] = []
        self.committed: dict[Partition, int] = {}
        self.probed: list[tuple[Partition, int]] = []
        self.mirrored: dict[Partition, int] = {}
        self.closed = False
        self._parked: set[Partition] = set()
        self._placed: dict[Partition, int] = {}
        self._lost: set[Partition] = set()
        self._held: set[Partition] = set()
        self._blocked: set[Partition] = set()

    def give(self, *numbers: int) -> None:
        """A rebalance gives partitions."""
        self._parked |= {Partition(TOPIC, number) for number in numbers}

    def take(self, *numbers: int) -> None:
        """A rebalance takes partitions."""
        for number in numbers:
            partition = Partition(TOPIC, number)
            self._lost.add(partition)
            self._parked.discard(partition)
            self._placed.pop(partition, None)
            self._held.discard(partition)
            self._blocked.discard(partition)

    def topics(self) -> Mapping[str, int]:
        return {TOPIC: len(self.log.partitions)}

    def topic_id(self, topic: str) -> str:
        assert topic == TOPIC
        return self.log.topic_id

    def parked(self) -> Sequence[Partition]:
        return sorted(self._parked)

    def lost(self) -> Collection[Partition]:
        lost, self._lost = self._lost, set()
        return lost

    def jumps(self) -> Sequence[Jump]:
        jumped, self.jumped = self.jumped, []
        return jumped

    def told(self, partition: Partition) -> int | None:
        return self.committed.get(partition)

    def place(self, partition: Partition, offset: int | None) -> int | None:
        self._parked.remove(partition)
        self._placed[partition] = offset or 0
        return offset or 0

    def park(self, partition: Partition) -> None:
        if self._placed.pop(partition, None) is not None:
            self._blocked.discard(partition)
            self._parked.add(partition)

    def block(self, partition: Partition, offset: int) -> None:
        self._placed[partition] = offset
        self._blocked.add(partition)

    def probe(self, partition: Partition, offset: int) -> None:
        self.probed.append((partition, offset))

    def hold(self) -> None:
        self._held = set(self._placed)

    def release(self) -> None:
        self._held = set()

    def poll(self, limit: int) -> Mapping[Partition, Sequence[Record]]:
        found = {}
        for partition, position in self._placed.items():
            if partition in self._held | self._blocked or limit <= 0:
                continue
            begin = self.log.begins.get(partition, 0)
            if position < begin:
                self.jumped.append(Jump(partition, begin, "dropped"))
            start = max(position, begin)
            records = [r for r in self.log.partitions.get(partition, []) if r.offset >= start][:limit]
            limit -= len(records)
            if records:
                found[partition] = records
                self._placed[partition] = records[-1].offset + 1
            else:
                self._placed[partition] = max(start, self.log.ends.get(partition, 0))
        return found

    def position(self, partition: Partition) -> int | None:
        return self._placed.get(partition)

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        return {p: self.log.ends.get(p, 0) for p in partitions} if self.log.reachable else {}

    def mirror(self, offsets: Mapping[Partition, int]) -> None:
        self.mirrored |= offsets

    def close(self, offsets: Mapping[Partition, int]) -> None:
        self.mirrored |= offsets
        self.closed = True


class ShakyStore(MemoryStore):
    """A store whose connection the test breaks: `before` a commit was applied, or `after` it was, unheard.

    Or when a partition is `placed`, between its state and the first record.
    """

    def __init__(self) -> None:
        super().__init__()
        self.breaks: str | None = None

    def state(self, partition: Partition) -> PartitionState:
        self._break("before")
        return super().state(partition)

    def commit(self, commit: Commit) -> Outcome:
        self._break("before")
        outcome = super().commit(commit)
        self._break("after")
        return outcome

    def attempt(self, partition: Partition, offset: int) -> int:
        self._break("placed")
        return super().attempt(partition, offset)

    def report(self, partition: Partition, expected: int, *, caught_up: bool, at: float) -> bool:
        self._break("before")
        return super().report(partition, expected, caught_up=caught_up, at=at)

    def _break(self, when: str) -> None:
        if self.breaks == when:
            raise StoreUnavailable("redis 127.0.0.1:1: no answer in time")


@dataclass
class Clock:
    """Time that only passes when the test says so."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds
