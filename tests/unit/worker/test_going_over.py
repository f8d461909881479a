"""Workers that crash, stall and see the new bin set late: each turn is counted once, under one of two."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

from baselines.learned import ACTIVE, Active
from baselines.store import TURNS, Put
from tests.unit.worker.memory_log import START, Clock, Log, ShakyStore, turn
from tests.unit.worker.test_ingest import BINS, FINER, P0, P1, TWO, Worker, turns
from worker.ingesting.chain import ActiveBinSet
from worker.lead import Judging

if TYPE_CHECKING:
    from baselines.store import Partition
    from worker.judging.judge import AgentJudge

OLD = {"support": ActiveBinSet(BINS, {})}
NEW = {"support": ActiveBinSet(FINER, {}, (BINS.digest,))}


RECORDS = 300


def add(log: Log, records: int) -> None:
    """So many more records to each of two partitions, of `RECORDS` in all."""
    begin = log.ends.get(P0, 0)
    for number in range(2 * begin, 2 * min(begin + records, RECORDS), 2):
        log.add(0, turn(number, words=1 + number % 8))
        log.add(1, turn(number + 1, words=1 + number % 8))


def stored(store: ShakyStore, partition: Partition, digest: str) -> Counter[tuple[int, str]]:
    minutes = store.read(partition, "support", digest, {}, {}).minutes
    return Counter({(at, name): n for at, each in minutes.items() for name, n in each.counts.items()})


def oracle(partition: Partition, first: int, last: int, edges: tuple[int, ...]) -> Counter[tuple[int, str]]:
    """What offsets from `first` up to `last` come to, by hand."""
    found: Counter[tuple[int, str]] = Counter()
    for offset in range(first, last):
        number, words = 2 * offset + partition.number, 1 + 2 * offset % 8
        minute = int(START + number) // 60
        found[minute, TURNS] += 1
        found[minute, str(sum(words >= edge for edge in edges))] += 1
    return found


def exact(store: ShakyStore) -> list[int]:
    """Check both partitions; the offsets at which they went over."""
    found = []
    for partition in (P0, P1):
        state = store.state(partition)
        assert {"support": FINER.digest} == state.digests
        at = state.adopted["support"].offset
        found.append(at)
        assert oracle(partition, 0, at, (3, 6)) == stored(store, partition, BINS.digest)
        assert oracle(partition, at, RECORDS, (2, 3, 4, 5)) == stored(store, partition, FINER.digest)
    return found


def play(seed: int) -> ShakyStore:
    """One random history, and one worker that counts what is left."""
    chance, log, store, clock = random.Random(seed), Log(), ShakyStore(), Clock()
    workers = [Worker(log, store, clock, active=OLD) for _ in range(3)]
    for step in range(150):
        index, in_force = chance.randrange(3), NEW if step > 40 else OLD
        add(log, chance.randrange(4))
        match chance.randrange(9):
            case 0:
                workers[index].member.give(chance.randrange(2))
            case 1:
                workers[index].member.take(chance.randrange(2))
            case 2:
                workers[index] = Worker(log, store, clock, active=in_force)
            case 3:
                store.breaks = chance.choice([None, None, "before", "after"])
            case 4:
                workers[index].active.update(in_force)  # until then it goes by what was in force
            case _:
                clock.seconds += chance.random()
                workers[index].ingest.tick()
    add(log, RECORDS)
    store.breaks = None
    for worker in workers:
        worker.active.update(NEW)
        worker.member.give(0, 1)
        worker.member.take(*({0, 1} if worker is not workers[0] else ()))
        worker.pass_seconds(4)
    return store


def test_any_schedule_counts_each_turn_once_before_or_after_the_switch() -> None:
    offsets = [at for seed in range(30) for at in exact(play(seed))]
    assert 30 < sum(0 < at < RECORDS for at in offsets)


def test_a_worker_that_still_sees_the_old_bin_set_waits_and_does_not_switch_back() -> None:
    log, store, clock = Log(), ShakyStore(), Clock()
    add(log, 100)
    ahead = Worker(log, store, clock, active=NEW)
    ahead.member.give(0, 1)
    ahead.pass_seconds(3)
    offset = store.state(P0).next_offset
    ahead.member.take(0, 1)
    behind = Worker(log, store, clock, active=OLD)
    behind.member.give(0, 1)
    add(log, RECORDS)
    behind.pass_seconds(3)
    assert ([P0, P1], offset) == (behind.member.parked(), store.state(P0).next_offset)
    assert {"support": FINER.digest} == store.state(P0).digests

    behind.active.update(NEW)
    behind.pass_seconds(3)
    assert [0, 0] == exact(store)


def test_an_agent_that_another_version_learned_anew_is_counted_on_while_others_change() -> None:
    store, log = ShakyStore(), Log()
    log.add(0, *(turn(number, agent="support") for number in range(10)))
    both = {"support": ActiveBinSet(BINS, {}), "sales": ActiveBinSet(BINS, {})}
    worker = Worker(log, store, Clock(), agents=TWO, active=both)
    worker.member.give(0)
    worker.pass_seconds(3)
    worker.active = {"sales": ActiveBinSet(FINER, {}, (BINS.digest,))}  # this version knows no other
    worker.pass_seconds(3)
    log.add(0, *(turn(number, agent="support") for number in range(10, 20)))
    worker.pass_seconds(3)

    assert {"support": BINS.digest, "sales": FINER.digest} == store.state(P0).digests
    assert 20 == turns(store)


def test_a_partition_that_does_not_go_over_is_told_of() -> None:
    store, log, clock = ShakyStore(), Log(), Clock(START)
    log.add(0, turn(0))
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(3)
    active = Active(FINER.digest, START, 1, (), ("support",), past=(BINS.digest,))
    store.write("support", 1, [Put(ACTIVE, active.to_bytes())])

    def nobody(_: str, __: object) -> AgentJudge:
        raise NotImplementedError

    judging = Judging(("support",), frozenset([P0.topic]), store, nobody, clock)
    told = []
    for _ in range(3):
        judging.slice(1)
        told.append(store.get("support", "status"))
        clock.seconds += 20
        store.report(P0, 1, caught_up=True, at=clock())
    assert [None, None] == told[:2]
    assert b"turns-0 still counted under other bins" in (told[2] or b"")
