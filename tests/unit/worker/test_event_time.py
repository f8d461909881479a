"""Event time is the payload's alone: neither order nor lateness nor a wrong clock changes what is counted."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.store import Partition
from baselines.watermark import EventClock
from binning.binset import BinSet
from binning.dimensions.length import InputLength
from tests.unit.worker.memory_log import START, TOPIC, Clock, Log, Member, NoEncoder, ShakyStore, turn
from worker.decode import AgentMatch
from worker.ingesting.chain import ActiveBinSet
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

P0, P1 = Partition(TOPIC, 0), Partition(TOPIC, 1)
BINS = BinSet("none", [("input.length", InputLength((3, 6)))], {}, ())
DAY = 86_400


def counted(records: Iterable[bytes], now: float = START + 10_000) -> tuple[ShakyStore, Ingest]:
    """A store in which the records were counted in this order, and what counted them."""
    log, store, clock = Log(), ShakyStore(), Clock()
    log.add(0, *records)
    member, active = Member(log), {"support": ActiveBinSet(BINS, {P0: 0})}
    ledger = Ledger(member, store, ["support"], lambda: active, monotonic=clock, clock=clock)
    ingest = Ingest(member, ledger, NoEncoder(), (AgentMatch("support"),), clock=lambda: now, monotonic=clock)
    member.give(0)
    for _ in range(3):
        ingest.tick()
        clock.seconds += 1
    return store, ingest


def reader(member: Member, store: ShakyStore, clock: Clock) -> Ingest:
    active = {"support": ActiveBinSet(BINS, {P0: 0, P1: 0})}
    ledger = Ledger(member, store, ["support"], lambda: active, monotonic=clock, clock=clock)
    return Ingest(
        member, ledger, NoEncoder(), (AgentMatch("support"),), clock=lambda: START + DAY, monotonic=clock
    )


def buckets(store: ShakyStore) -> dict[int, Counter[str]]:
    read = store.read(P0, "support", BINS.digest, {}, {})
    return {minute: Counter(delta.counts) for minute, delta in read.minutes.items()}


@pytest.mark.fault("K6")
@settings(max_examples=40)
@given(st.permutations(list(range(0, 7200, 90))))
def test_any_order_of_the_records_ends_in_the_same_counts_and_watermark(order: list[int]) -> None:
    shuffled, _ = counted(turn(number, words=1 + number % 8) for number in order)
    in_order, _ = counted(turn(number, words=1 + number % 8) for number in sorted(order))
    assert buckets(in_order) == buckets(shuffled)
    assert in_order.state(P0).watermark == shuffled.state(P0).watermark == START + max(order)


@pytest.mark.fault("K8")
@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        (START + DAY, "in_future"),
        (START + 302, "in_future"),
        (0, "too_old"),
        (946_684_799, "too_old"),
    ],
)
def test_a_clock_that_is_wrong_is_a_dead_letter_and_moves_no_watermark(timestamp: float, reason: str) -> None:
    wrong = b'{"trace_id": "x", "timestamp": %d, "input": {"text": "hello"}}' % timestamp
    store, ingest = counted([turn(0), wrong, turn(1)], now=START + 1)
    assert ingest.stats.dead_letters == {reason: 1}
    assert store.state(P0).watermark == START + 1
    assert sum(bucket["#"] for bucket in buckets(store).values()) == 2


@pytest.mark.fault("K8")
@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000, 1_000_000_000])
def test_the_unit_of_a_timestamp_is_told_by_its_size(scale: int) -> None:
    store, _ = counted([b'{"trace_id": "x", "timestamp": %d, "input": {"text": "hi"}}' % (START * scale)])
    assert buckets(store).keys() == {int(START // 60)}


def test_an_old_topic_is_no_fault() -> None:
    store, ingest = counted([turn(0)], now=START + 400 * DAY)
    assert ingest.stats.dead_letters == {}
    assert buckets(store).keys() == {int(START // 60)}


class SlowBroker(Member):
    """It takes seconds to say where the logs end, and records come in meanwhile."""

    def __init__(self, log: Log, clock: Clock) -> None:
        super().__init__(log)
        self.clock, self.asked = clock, 0.0

    def ends(self, partitions: Collection[Partition]) -> Mapping[Partition, int]:
        self.asked, found = self.clock(), super().ends(partitions)
        self.clock.seconds += 7
        return found


def test_the_word_of_having_caught_up_is_as_old_as_the_question() -> None:
    log, store, clock = Log(), ShakyStore(), Clock()
    log.add(0, turn(0))
    worker = reader(member := SlowBroker(log, clock), store, clock)
    member.give(0)
    for _ in range(5):
        clock.seconds += 1
        worker.tick()
    assert (True, member.asked) == (store.state(P0).caught_up, store.state(P0).at)


def test_what_another_worker_reads_moves_no_window_past_the_turns_of_one_that_died() -> None:
    log, store, clock, event_clock = Log(), ShakyStore(), Clock(), EventClock()
    members = (Member(log), Member(log))
    workers = [reader(member, store, clock) for member in members]
    for number, member in enumerate(members):
        log.add(number, turn(number))
        member.give(number)

    def tick(*numbers: int) -> float | None:
        for _ in range(8):
            clock.seconds += 1
            for number in numbers:
                workers[number].tick()
            mark = event_clock.read({p: store.state(p) for p in (P0, P1)}, clock())
        return mark.at

    assert tick(0, 1) == START + 1
    log.add(0, turn(600))
    log.add(1, turn(7200))
    assert tick(1) == START + 1
    assert tick(0, 1) == START + 7200
