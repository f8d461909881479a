"""Records that cannot be had leave a gap of their true size; a store that lost its state stops the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.errors import StateLost
from baselines.gaps import Gap
from baselines.memory import MemoryStore
from tests.unit.worker.memory_log import START, Clock, Log, ShakyStore, turn
from tests.unit.worker.test_ingest import BINS, FINER, P0, TWO, Worker, turns
from worker.ingesting.chain import ActiveBinSet
from worker.lead import Judging

if TYPE_CHECKING:
    from worker.judging.judge import AgentJudge


@pytest.fixture
def store() -> ShakyStore:
    return ShakyStore()


def reading(log: Log, store: ShakyStore) -> Worker:
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(3)
    return worker


def log_of(count: int) -> Log:
    log = Log()
    log.add(0, *(turn(number) for number in range(count)))
    return log


def test_records_dropped_unread_are_a_gap_between_the_events_around_them(store: ShakyStore) -> None:
    log = log_of(50)
    worker = reading(log, store)
    worker.ledger.close()
    log.add(0, *(turn(number) for number in range(50, 100)))
    log.drop(0, 80)
    worker = reading(log, store)

    assert (Gap(50, 80, 30, START + 49, START + 80, "dropped"),) == store.state(P0).gaps
    assert worker.ledger.stats.lost == {"dropped": 30}
    assert turns(store) == 70


def test_a_gap_without_an_event_after_it_reaches_up_to_now(store: ShakyStore) -> None:
    log = log_of(50)
    reading(log, store).ledger.close()
    log.add(0, *(turn(number) for number in range(50, 60)))
    log.drop(0, 60)
    worker = reading(log, store)
    (gap,) = store.state(P0).gaps

    assert (10, START + 49) == (gap.records, gap.since)
    assert START + 10_000 <= gap.until <= START + 10_000 + worker.clock()
    assert (store.state(P0).next_offset, store.state(P0).caught_up) == (60, True)


def test_gaps_stay_with_the_partition_whoever_owns_it(store: ShakyStore) -> None:
    log = log_of(50)
    for begin, end in ((60, 100), (140, 150)):
        reading(log, store).ledger.close()
        log.add(0, *(turn(number) for number in range(log.ends[P0], end)))
        log.drop(0, begin)
    reading(log, store)

    assert [10, 40] == [gap.records for gap in store.state(P0).gaps]


def test_what_lies_between_learning_and_counting_is_that_agents_gap(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number, agent=("support", "sales")[number % 2]) for number in range(100)))
    worker = Worker(log, store, Clock(), agents=TWO, active={"support": ActiveBinSet(BINS, {P0: 0})})
    worker.member.give(0)
    worker.pass_seconds(3)
    worker.active["sales"] = ActiveBinSet(FINER, {P0: 90})
    worker.pass_seconds(3)

    assert (Gap(90, 100, 10, None, START + 99, "learning", "sales"),) == store.state(P0).gaps


def test_a_store_that_goes_away_while_a_partition_is_placed_loses_nothing(store: ShakyStore) -> None:
    store.breaks = "placed"
    worker = reading(log_of(50), store)
    assert turns(store) == 0
    store.breaks = None
    worker.pass_seconds(3)
    assert (50, 50) == (turns(store), store.state(P0).next_offset)


@pytest.mark.fault("R9")
@pytest.mark.parametrize("idle", [False, True])
def test_a_store_emptied_under_the_worker_stops_it(idle: bool, store: ShakyStore) -> None:
    log = log_of(50)
    worker = reading(log, store)
    store._states.clear()
    store._buckets.clear()
    if not idle:
        log.add(0, turn(50))
    with pytest.raises(StateLost, match=r"turns-0, counted up to offset 50, .*restore its backup, or take"):
        worker.pass_seconds(10)
    assert store.state(P0).next_offset is None


@pytest.mark.fault("R9")
def test_a_store_emptied_while_nobody_looked_is_seen_by_what_kafka_was_told(store: ShakyStore) -> None:
    worker = Worker(log_of(50), store, Clock())
    worker.member.committed[P0] = 50
    worker.member.give(0)
    with pytest.raises(StateLost, match="counted up to offset 50"):
        worker.pass_seconds(3)
    assert turns(store) == 0


@pytest.mark.fault("R9")
def test_a_leader_that_counts_nothing_itself_sees_that_the_store_was_emptied(store: ShakyStore) -> None:
    reading(log_of(50), store)

    def nobody(_: str, __: object) -> AgentJudge:
        raise NotImplementedError

    judging = Judging(("support",), frozenset([P0.topic]), store, nobody, lambda: START)
    judging.slice(1)
    judging.forget()
    judging.store = MemoryStore()
    with pytest.raises(StateLost):
        judging.slice(1)


def test_a_group_that_kafka_forgot_changes_nothing(store: ShakyStore) -> None:
    log = log_of(50)
    reading(log, store).ledger.close()
    log.add(0, *(turn(number) for number in range(50, 60)))
    worker = reading(log, store)

    assert worker.member.committed == {}
    assert turns(store) == 60


def test_a_commit_that_a_rival_made_already_brings_its_gaps_along(store: ShakyStore) -> None:
    log = log_of(50)
    zombie, owner = reading(log, store), reading(log, store)
    zombie.ingest.tick()
    log.add(0, *(turn(number) for number in range(50, 100)))
    zombie.ingest.tick()  # what it read it has not committed yet
    log.drop(0, 80)
    owner.pass_seconds(2)
    zombie.pass_seconds(2)
    assert 1 == zombie.ledger.stats.commits["already"]
    log.add(0, *(turn(number) for number in range(100, 150)))
    log.drop(0, 130)
    zombie.pass_seconds(2)

    assert [(50, 80), (100, 130)] == [(gap.first, gap.end) for gap in store.state(P0).gaps]
    assert turns(store) == 50 + 20 + 20
