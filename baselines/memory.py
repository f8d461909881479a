"""The state store in process: for a replay and for tests. One thread at a time; nothing outlives it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from baselines.chain import check, decide, digests_after
from baselines.packing import fold
from baselines.store import (
    TURNS,
    Adopted,
    BucketRead,
    Commit,
    Delta,
    Outcome,
    Partition,
    PartitionState,
    Push,
    Put,
    PutField,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class _Buckets:
    """One agent's counts in one partition under one bin set, with the turns of each bucket beside them."""

    minutes: dict[int, Delta] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)
    hours: dict[int, Delta] = field(default_factory=dict)
    packed_turns: dict[int, int] = field(default_factory=dict)

    def add(self, minute: int, delta: Delta) -> None:
        """Add to a minute."""
        self.turns[minute] = self.turns.get(minute, 0) + delta.counts[TURNS]
        bucket = self.minutes.get(minute)
        if bucket is None:
            self.minutes[minute] = Delta(dict(delta.counts), dict(delta.pointers))
            return
        counts = bucket.counts
        for name, count in delta.counts.items():
            counts[name] = counts.get(name, 0) + count
        for name, pointer in delta.pointers.items():
            bucket.pointers.setdefault(name, pointer)


@dataclass(slots=True)
class _Agent:
    """One agent's state."""

    fence: int = 0
    values: dict[str, bytes] = field(default_factory=dict)
    hashes: defaultdict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    lists: defaultdict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))


class MemoryStore:
    """The state store in process, with the answers of RedisStore.

    `read` hands out its own buckets without copying: the reader's to look at, until the next commit.
    """

    def __init__(self) -> None:
        self._topics: dict[str, int] = {}
        self._states: dict[Partition, PartitionState] = {}
        self._attempts: dict[Partition, tuple[int, int]] = {}
        self._ids: defaultdict[Partition, dict[str, bytes]] = defaultdict(dict)
        self._buckets: defaultdict[tuple[Partition, str, str], _Buckets] = defaultdict(_Buckets)
        self._agents: defaultdict[str, _Agent] = defaultdict(_Agent)

    def register(self, topic: str, partitions: int) -> None:
        """As PartitionStore; the largest number ever seen stands."""
        self._topics[topic] = max(partitions, self._topics.get(topic, 0))

    def partitions(self) -> Sequence[Partition]:
        """As PartitionStore, in order."""
        return sorted(Partition(topic, n) for topic, count in self._topics.items() for n in range(count))

    def state(self, partition: Partition) -> PartitionState:
        """As PartitionStore."""
        return self._states.get(partition, PartitionState())

    def commit(self, commit: Commit) -> Outcome:
        """As PartitionStore.

        Raises:
            ValueError: no store may apply it (chain.check).
        """
        check(commit)
        stored = self.state(commit.partition)
        outcome = decide(stored, commit)
        if outcome is not Outcome.APPLIED:
            return outcome
        for key, delta in commit.buckets.items():
            self._buckets[commit.partition, key.agent, key.bin_set].add(key.minute, delta)
        if commit.ids is not None:
            self._ids[commit.partition].update(commit.ids.added)
            for name in commit.ids.dropped:
                self._ids[commit.partition].pop(name, None)
        adopted = {agent: at for agent, at in stored.adopted.items() if agent in digests_after(commit)}
        here = Adopted(stored.next_offset or 0, stored.watermark)
        adopted |= {switch.agent: here for switch in commit.switches if switch.to}
        watermarks = [mark for mark in (stored.watermark, commit.watermark) if mark is not None]
        self._states[commit.partition] = PartitionState(
            next_offset=commit.next,
            topic_id=commit.topic_id,
            digests=digests_after(commit),
            watermark=max(watermarks, default=None),
            caught_up=commit.caught_up,
            at=commit.at,
            gaps=stored.gaps if commit.gaps is None else tuple(commit.gaps),
            adopted=adopted,
        )
        return outcome

    def ids(self, partition: Partition) -> Mapping[str, bytes]:
        """As PartitionStore."""
        return dict(self._ids[partition])

    def attempt(self, partition: Partition, offset: int) -> int:
        """As PartitionStore."""
        before, count = self._attempts.get(partition, (offset, 0))
        self._attempts[partition] = offset, (count if before == offset else 0) + 1
        return self._attempts[partition][1]

    def report(self, partition: Partition, expected: int, *, caught_up: bool, at: float) -> bool:
        """As PartitionStore."""
        stored = self.state(partition)
        if stored.next_offset != expected:
            return False
        self._states[partition] = replace(stored, caught_up=caught_up, at=at)
        return True

    def pack(
        self, partition: Partition, agent: str, bin_set: str, hour: int, expected: int, *, keep_hours: int
    ) -> bool:
        """As PartitionStore."""
        if self.state(partition).next_offset != expected:
            return False
        buckets = self._buckets[partition, agent, bin_set]
        folded = [minute for minute in range(hour * 60, hour * 60 + 60) if minute in buckets.minutes]
        if folded:
            parts = [buckets.hours.get(hour, Delta()), *(buckets.minutes.pop(minute) for minute in folded)]
            buckets.hours[hour] = fold(parts)
            buckets.packed_turns[hour] = buckets.hours[hour].counts[TURNS]
            for minute in folded:
                del buckets.turns[minute]
        for old in [known for known in buckets.hours if known < hour - keep_hours]:
            del buckets.hours[old], buckets.packed_turns[old]
        return True

    def minutes(self, partition: Partition, agent: str, bin_set: str) -> Sequence[int]:
        """As PartitionStore."""
        return sorted(self._buckets[partition, agent, bin_set].minutes)

    def read(
        self,
        partition: Partition,
        agent: str,
        bin_set: str,
        minutes: Mapping[int, int],
        hours: Mapping[int, int],
    ) -> BucketRead:
        """As PartitionStore. A known hour that is gone comes as an empty Delta."""
        buckets = self._buckets[partition, agent, bin_set]
        turns, packed = buckets.turns, buckets.packed_turns
        found = {hour: buckets.hours[hour] for hour, count in packed.items() if hours.get(hour, 0) != count}
        for hour, count in hours.items():
            if count and hour not in packed:
                found[hour] = Delta()
        return BucketRead(
            minutes={
                minute: buckets.minutes[minute]
                for minute, count in turns.items()
                if minutes.get(minute, 0) != count or minute // 60 in found
            },
            hours=found,
            gone={minute for minute, count in minutes.items() if count and minute not in turns},
        )

    def write(self, agent: str, token: int, writes: Sequence[Write]) -> bool:
        """As AgentStore."""
        state = self._agents[agent]
        if token < state.fence:
            return False
        state.fence = token
        for write in writes:
            match write:
                case Put(name, None):
                    state.values.pop(name, None)
                case Put(name, bytes() as value):
                    state.values[name] = value
                case PutField(name, key, value):
                    state.hashes[name][key] = value
                case Push(name, entry, keep):
                    entries = state.lists[name]
                    entries.append(entry)
                    del entries[:-keep]
        return True

    def token(self, agent: str) -> int:
        """As AgentStore."""
        return self._agents[agent].fence

    def get(self, agent: str, name: str) -> bytes | None:
        """As AgentStore."""
        return self._agents[agent].values.get(name)

    def fields(self, agent: str, name: str) -> Mapping[str, bytes]:
        """As AgentStore."""
        return dict(self._agents[agent].hashes[name])

    def newest(self, agent: str, name: str, count: int) -> Sequence[bytes]:
        """As AgentStore."""
        return self._agents[agent].lists[name][-count:] if count else []
