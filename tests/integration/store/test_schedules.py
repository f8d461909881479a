"""Random schedules of racing workers: whatever happens, the counts are those of one clean run, bit by bit.

A schedule is made from a seed, which a failure names; QUADRIFT_SEED=n runs that one alone.
"""

from __future__ import annotations

import copy
import itertools
import os
import random
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import pytest

from baselines.chain import digests_after
from baselines.connection import connect
from baselines.memory import MemoryStore
from baselines.redis_store import RedisStore
from baselines.store import Commit, Outcome, Switch
from tests.integration.store.cases import HOUR, ORDERS, commit, totals
from tests.integration.store.turns import AGENTS, BIN_SETS, RECORDS, Reader, buckets_of, counts_of, make_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers import ValkeyServer

SEEDS = [int(os.environ["QUADRIFT_SEED"])] if "QUADRIFT_SEED" in os.environ else range(200)


@dataclass
class Worker:
    """A worker that believes that `position` is stored, and `digests`.

    `waiting` is a commit that it may still send.
    """

    position: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    waiting: Commit | None = None


class Schedule:
    """One random history over one store."""

    def __init__(self, seed: int, store: Any) -> None:
        self.dice = random.Random(seed)
        self.log = make_log(self.dice)
        self.store = store
        self.workers = [Worker() for _ in range(3)]
        self.readers = {series: Reader() for series in itertools.product(AGENTS, BIN_SETS)}
        self.active = dict.fromkeys(AGENTS, "d1")
        self.old: list[Commit] = []
        self.saved = snapshot(store)

    def run(self) -> None:
        actions = [self.send, self.send, self.send, self.prepare, self.prepare, self.lose_reply, self.replay]
        actions += [self.place, self.pack, self.look, self.save, self.roll_back, self.relearn]
        for _ in range(80):
            self.dice.choice(actions)()
        self.finish()

    def place(self) -> None:
        """A worker gets the partition: it drops what it held and reads the offset."""
        worker = self.dice.choice(self.workers)
        worker.waiting = None
        self.read_state(worker)

    def read_state(self, worker: Worker) -> None:
        state = self.store.state(ORDERS)
        worker.position, worker.digests = state.next_offset, state.digests

    def relearn(self) -> None:
        """An agent's bins were learned anew: every worker switches to them where it stands."""
        if self.dice.random() < 0.3:
            self.active[self.dice.choice(list(AGENTS))] = "d2"

    def prepare(self) -> None:
        worker = self.dice.choice(self.workers)
        start = worker.position or 0
        end = min(start + self.dice.randint(1, 9), RECORDS)
        for begins in AGENTS.values():
            end = begins if start < begins < end else end
        if worker.waiting is None and start < RECORDS:
            worker.waiting = self.link(worker, end, self.dice.random())

    def link(self, worker: Worker, end: int, watermark: float) -> Commit:
        """The commit of a range, with the switches that are due at its start."""
        at = worker.position or 0
        adopted = {agent: self.active[agent] for agent, begins in AGENTS.items() if begins <= at}
        switches = [
            Switch(agent, worker.digests.get(agent, ""), digest)
            for agent, digest in adopted.items()
            if worker.digests.get(agent) != digest
        ]
        counted = buckets_of(self.log, at, end, adopted)
        told: dict[str, Any] = {"digests": worker.digests, "switches": switches, "watermark": watermark}
        return commit(worker.position, end, counted, at=at, **told)

    def send(self) -> None:
        worker = self.dice.choice(self.workers)
        if worker.waiting is None:
            return
        sent, worker.waiting = worker.waiting, None
        self.old.append(sent)
        outcome = self.store.commit(sent)
        if outcome in (Outcome.APPLIED, Outcome.ALREADY):
            worker.position, worker.digests = sent.next, digests_after(sent)
        else:
            self.read_state(worker)

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
        agent, bin_set = self.dice.choice(list(self.readers))
        if position is not None:
            self.store.pack(ORDERS, agent, bin_set, HOUR + self.dice.randrange(3), position, keep_hours=100)

    def look(self) -> None:
        agent, bin_set = self.dice.choice(list(self.readers))
        self.readers[agent, bin_set].look(self.store, agent, bin_set)

    def save(self) -> None:
        self.saved = snapshot(self.store)

    def roll_back(self) -> None:
        """The server comes back with older data, and nobody is told."""
        if self.dice.random() < 0.3:
            restore(self.store, self.saved)

    def finish(self) -> None:
        """One worker counts what is left."""
        last = Worker()
        self.read_state(last)
        while last.position != RECORDS:
            end = next((begins for begins in AGENTS.values() if begins > (last.position or 0)), RECORDS)
            self.store.commit(self.link(last, end, 1.0))
            self.read_state(last)

    def ranges(self) -> dict[tuple[str, str], tuple[int, int]]:
        """The offsets that were counted under each bin set of each agent, by what the store says."""
        state, found = self.store.state(ORDERS), {}
        for agent, begins in AGENTS.items():
            at = state.adopted[agent].offset if state.digests[agent] == "d2" else RECORDS
            found[agent, "d1"], found[agent, "d2"] = (begins, at), (at, RECORDS)
        return found


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


@pytest.mark.fault("K4", "K5", "R2", "R7", "P2")
@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_any_schedule_of_faults_ends_with_exact_counts(
    kind: str, valkey: ValkeyServer, redis_prefix: str
) -> None:
    with connect(valkey.url) as client:
        for seed in SEEDS:
            store = MemoryStore() if kind == "memory" else RedisStore(client, f"{redis_prefix}-{seed}")
            schedule = Schedule(seed, store)
            schedule.run()
            for (agent, bin_set), (start, end) in schedule.ranges().items():
                oracle = counts_of(schedule.log, agent, start, end)
                told = f"QUADRIFT_SEED={seed}, {agent} {bin_set}"
                assert oracle == totals(store, agent=agent, bin_set=bin_set), told
                reader = schedule.readers[agent, bin_set]
                reader.look(store, agent, bin_set)
                assert oracle == reader.totals(), f"reader, {told}"


def test_the_schedules_reach_what_they_are_about() -> None:
    """Each outcome that a schedule is meant to provoke happens somewhere in the first seeds."""
    seen: set[Outcome] = set()
    switched_at: set[int] = set()

    class Watched(MemoryStore):
        def commit(self, commit: Commit) -> Outcome:
            outcome = super().commit(commit)
            seen.add(outcome)
            replacing = any(switch.old for switch in commit.switches)
            switched_at.update({commit.expected or 0} if replacing and outcome is Outcome.APPLIED else ())
            return outcome

    for seed in range(20):
        Schedule(seed, Watched()).run()
    assert {Outcome.APPLIED, Outcome.ALREADY, Outcome.REFUSED, Outcome.DIGEST} <= seen
    assert len(switched_at) > 5
    assert {"partition", "expected", "buckets"} <= {each.name for each in fields(Commit)}
