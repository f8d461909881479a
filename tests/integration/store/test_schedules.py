"""Random schedules of racing workers: whatever happens, the counts are those of one clean run, bit by bit.

A schedule is made from a seed, which a failure names; QUADRIFT_SEED=n runs that one alone.
"""

from __future__ import annotations

import copy
import os
import random
from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import pytest

from baselines.connection import connect
from baselines.memory import MemoryStore
from baselines.redis_store import RedisStore
from baselines.store import BucketKey, Commit, Delta, Outcome, Switch
from tests.integration.store.cases import HOUR, MINUTE, ORDERS, commit, totals

if TYPE_CHECKING:
    from tests.servers import ValkeyServer

RECORDS = 60
SEEDS = [int(os.environ["QUADRIFT_SEED"])] if "QUADRIFT_SEED" in os.environ else range(200)
AGENTS = {"support": 0, "sales": 23}
"""Agent -> the offset from which it is counted: the second appears later."""


@dataclass(frozen=True)
class Record:
    """One turn of the log; late and early ones are mixed over three hours."""

    agent: str
    minute: int
    slots: tuple[int, ...]


def make_log(dice: random.Random) -> list[Record]:
    return [
        Record(
            dice.choice(list(AGENTS)), MINUTE + dice.choice([0, 1, 59, 60, 61, 130]), (dice.randrange(9), 9)
        )
        for _ in range(RECORDS)
    ]


def buckets_of(log: list[Record], start: int, end: int) -> dict[BucketKey, Delta]:
    """What a worker counts of the records from `start` up to `end`."""
    buckets: defaultdict[BucketKey, Delta] = defaultdict(Delta)
    for offset in range(start, end):
        record = log[offset]
        if offset < AGENTS[record.agent]:
            continue
        bucket = buckets[BucketKey(record.agent, record.minute)]
        for name in ("#", *(str(slot) for slot in record.slots)):
            bucket.counts[name] = bucket.counts.get(name, 0) + 1
    return dict(buckets)


def counts_of(log: list[Record], agent: str) -> dict[str, int]:
    """The oracle: one clean run."""
    counts: dict[str, int] = {}
    for key, delta in buckets_of(log, 0, len(log)).items():
        for name, count in delta.counts.items() if key.agent == agent else ():
            counts[name] = counts.get(name, 0) + count
    return counts


def link(log: list[Record], start: int | None, end: int, watermark: float) -> Commit:
    """The commit of a range, with the switches that are due at its start."""
    at = start or 0
    adopted = {agent: "d1" for agent, begins in AGENTS.items() if start is not None and begins < at}
    switches = [Switch(agent, "", "d1") for agent, begins in AGENTS.items() if begins == at]
    return commit(
        start, end, buckets_of(log, at, end), digests=adopted, switches=switches, watermark=watermark, at=at
    )


@dataclass
class Worker:
    """A worker that believes that `position` is stored; `waiting` is a commit that it may still send."""

    position: int | None = None
    waiting: Commit | None = None


@dataclass
class Reader:
    """A judge that keeps what it has read and asks only for what changed."""

    minutes: dict[int, Delta] = field(default_factory=dict)
    hours: dict[int, Delta] = field(default_factory=dict)

    def look(self, store: Any, agent: str) -> None:
        known = [
            {at: each.counts.get("#", 0) for at, each in kept.items()} for kept in (self.minutes, self.hours)
        ]
        read = copy.deepcopy(store.read(ORDERS, agent, *known))
        self.minutes = {at: each for at, each in (self.minutes | read.minutes).items() if at not in read.gone}
        self.hours |= read.hours

    def totals(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for each in (*self.minutes.values(), *self.hours.values()):
            for name, count in each.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts


class Schedule:
    """One random history over one store."""

    def __init__(self, seed: int, store: Any) -> None:
        self.dice = random.Random(seed)
        self.log = make_log(self.dice)
        self.store = store
        self.workers = [Worker() for _ in range(3)]
        self.readers = {agent: Reader() for agent in AGENTS}
        self.old: list[Commit] = []
        self.saved = snapshot(store)

    def run(self) -> None:
        actions = [self.send, self.send, self.send, self.prepare, self.prepare, self.lose_reply, self.replay]
        actions += [self.place, self.pack, self.look, self.save, self.roll_back]
        for _ in range(80):
            self.dice.choice(actions)()
        self.finish()

    def place(self) -> None:
        """A worker gets the partition: it drops what it held and reads the offset."""
        worker = self.dice.choice(self.workers)
        worker.position, worker.waiting = self.store.state(ORDERS).next_offset, None

    def prepare(self) -> None:
        worker = self.dice.choice(self.workers)
        start = worker.position or 0
        end = min(start + self.dice.randint(1, 9), RECORDS)
        for begins in AGENTS.values():
            end = begins if start < begins < end else end
        if worker.waiting is None and start < RECORDS:
            worker.waiting = link(self.log, worker.position, end, self.dice.random())

    def send(self) -> None:
        worker = self.dice.choice(self.workers)
        if worker.waiting is None:
            return
        sent, worker.waiting = worker.waiting, None
        self.old.append(sent)
        outcome = self.store.commit(sent)
        worker.position = sent.next if outcome in (Outcome.APPLIED, Outcome.ALREADY) else None
        if worker.position is None:
            worker.position = self.store.state(ORDERS).next_offset

    def lose_reply(self) -> None:
        """A commit lands and its worker does not know; it keeps it and will send it again."""
        worker = self.dice.choice(self.workers)
        if worker.waiting is not None:
            self.store.commit(worker.waiting)

    def replay(self) -> None:
        """An old commit arrives once more: a zombie, or a request that lay in a buffer."""
        if self.old:
            self.store.commit(self.dice.choice(self.old))

    def pack(self) -> None:
        position = self.dice.choice(self.workers).position
        agent = self.dice.choice(list(AGENTS))
        if position is not None:
            self.store.pack(ORDERS, agent, HOUR + self.dice.randrange(3), position, keep_hours=100)

    def look(self) -> None:
        agent = self.dice.choice(list(AGENTS))
        self.readers[agent].look(self.store, agent)

    def save(self) -> None:
        self.saved = snapshot(self.store)

    def roll_back(self) -> None:
        """The server comes back with older data, and nobody is told."""
        if self.dice.random() < 0.3:
            restore(self.store, self.saved)

    def finish(self) -> None:
        """One worker counts what is left."""
        while (at := self.store.state(ORDERS).next_offset) != RECORDS:
            end = next((begins for begins in AGENTS.values() if begins > (at or 0)), RECORDS)
            self.store.commit(link(self.log, at, end, 1.0))


def snapshot(store: Any) -> dict[str, Any]:
    """All that the store holds, to be restored."""
    if isinstance(store, MemoryStore):
        return copy.deepcopy(vars(store))
    keys = sorted(store._client.scan_iter(f"{store.keys.prefix}:*", count=1000))
    return {key: store._client.dump(key) for key in keys}


def restore(store: Any, saved: dict[str, Any]) -> None:
    if isinstance(store, MemoryStore):
        vars(store).update(copy.deepcopy(saved))
        return
    for key in snapshot(store):
        store._client.delete(key)
    for key, value in saved.items():
        store._client.restore(key, 0, value)


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_any_schedule_of_faults_ends_with_exact_counts(
    kind: str, valkey: ValkeyServer, redis_prefix: str
) -> None:
    with connect(valkey.url) as client:
        for seed in SEEDS:
            store = MemoryStore() if kind == "memory" else RedisStore(client, f"{redis_prefix}-{seed}")
            schedule = Schedule(seed, store)
            schedule.run()
            for agent in AGENTS:
                oracle = counts_of(schedule.log, agent)
                assert oracle == totals(store, agent=agent), f"QUADRIFT_SEED={seed}, {agent}"
                schedule.readers[agent].look(store, agent)
                assert oracle == schedule.readers[agent].totals(), f"reader, QUADRIFT_SEED={seed}, {agent}"


def test_the_schedules_reach_what_they_are_about() -> None:
    """Each outcome that a schedule is meant to provoke happens somewhere in the first seeds."""
    seen: set[Outcome] = set()

    class Watched(MemoryStore):
        def commit(self, commit: Commit) -> Outcome:
            outcome = super().commit(commit)
            seen.add(outcome)
            return outcome

    for seed in range(20):
        Schedule(seed, Watched()).run()
    assert {Outcome.APPLIED, Outcome.ALREADY, Outcome.REFUSED} <= seen
    assert {"partition", "expected", "buckets"} <= {each.name for each in fields(Commit)}
