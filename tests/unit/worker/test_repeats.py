"""A turn that its producer sent twice is counted once, whoever counts it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.errors import StoreUnavailable
from baselines.store import TURNS, Partition
from binning.binset import BinSet
from binning.dimensions.length import InputLength
from binning.turn import EventTime, Turn
from tests.unit.worker.memory_log import START, TOPIC, Clock, Log, Member, NoEncoder, ShakyStore, turn
from worker.decode import AgentMatch
from worker.ingesting.chain import ActiveBinSet
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.ingesting.repeats import KEPT_MINUTES, Repeats

P0 = Partition(TOPIC, 0)
BINS = BinSet("none", [("input.length", InputLength((3, 6)))], {}, ())


def count(log: Log, store: ShakyStore, *, drop_repeats: bool = True, passes: int = 4) -> Ingest:
    """A worker that counts for some seconds and is gone without a word."""
    clock, member = Clock(), Member(log)
    active = {"support": ActiveBinSet(BINS, {P0: 0})}
    ledger = Ledger(
        member, store, ["support"], lambda: active, drop_repeats=drop_repeats, monotonic=clock, clock=clock
    )
    ingest = Ingest(
        member,
        ledger,
        NoEncoder(),
        (AgentMatch("support"),),
        clock=lambda: START + 10_000,
        monotonic=clock,
    )
    member.give(0)
    for _ in range(passes):
        ingest.tick()
        clock.seconds += 1
    return ingest


def turns(store: ShakyStore) -> int:
    return sum(
        delta.counts[TURNS] for delta in store.read(P0, "support", BINS.digest, {}, {}).minutes.values()
    )


def sent_twice(after: int) -> Log:
    """A hundred turns a second apart, each sent again `after` records later."""
    log = Log()
    for number in range(100 + after):
        if number < 100:
            log.add(0, turn(number))
        if number >= after:
            log.add(0, turn(number - after))
    return log


def test_repeats_are_counted_unless_told_otherwise() -> None:
    store = ShakyStore()
    count(sent_twice(5), store, drop_repeats=False)
    assert turns(store) == 200


@pytest.mark.fault("K5")
def test_a_turn_sent_again_at_a_new_offset_is_counted_once() -> None:
    store = ShakyStore()
    worker = count(sent_twice(5), store)
    assert (turns(store), worker.stats.repeated) == (100, {"support": 100})
    assert store.state(P0).next_offset == 200


@pytest.mark.fault("K5")
def test_the_next_owner_knows_what_the_last_one_counted() -> None:
    log, store = Log(), ShakyStore()
    log.add(0, *(turn(number) for number in range(100)))
    count(log, store)
    log.add(0, *(turn(number) for number in range(100)))
    assert count(log, store).stats.repeated == {"support": 100}
    assert turns(store) == 100


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_records_whose_commit_got_lost_are_no_repeats_of_themselves(breaks: str) -> None:
    log, store = sent_twice(3), ShakyStore()
    count(log, store, passes=1)
    store.breaks = breaks
    with suppress(StoreUnavailable):
        count(log, store)
    store.breaks = None
    count(log, store)
    assert turns(store) == 100


def test_ids_are_kept_for_ten_minutes_of_event_time_and_no_longer() -> None:
    log, store = Log(), ShakyStore()
    log.add(0, turn(0), turn(60 * KEPT_MINUTES))
    count(log, store)
    log.add(0, turn(0), turn(60 * KEPT_MINUTES + 120))
    count(log, store)
    assert turns(store) == 3
    log.add(0, turn(0))
    count(log, store)
    assert turns(store) == 4
    assert len(store.ids(P0)) == 2


def test_more_ids_than_may_be_kept_are_forgotten_from_the_oldest_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.ingesting.repeats.MOST_IDS", 100)
    log, store = Log(), ShakyStore()
    log.add(0, *(turn(number, at=START + number) for number in range(180)))
    count(log, store)
    log.add(0, turn(130))
    worker = count(log, store)
    log.add(0, turn(30), turn(170))
    again = count(log, store)
    assert [{"support": 1}, {"support": 1}] == [worker.stats.repeated, again.stats.repeated]
    assert turns(store) == 181
    assert {str(int(START // 60) + 2)} <= {name.partition(".")[0] for name in store.ids(P0)}


def test_two_agents_may_use_the_same_id() -> None:
    repeats, twice = Repeats({}), Turn(trace_id="t", at=EventTime(START))
    assert [repeats.has(agent, twice) for agent in ("a", "b", "a", "b")] == [False, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 900)), max_size=60), st.integers(1, 7))
def test_what_is_stored_and_read_back_says_the_same_as_what_never_left(
    sent: list[tuple[int, int]], every: int
) -> None:
    undisturbed, stored = Repeats({}), dict[str, bytes]()
    restarted, watermark = Repeats({}), 0.0
    for number, (name, second) in enumerate(sent, 1):
        one = Turn(trace_id=f"t{name}", at=EventTime(START + second))
        watermark = max(watermark, float(one.at))
        assert undisturbed.has("a", one) == restarted.has("a", one)
        if number % every == 0:
            changes = restarted.changes(number, watermark)
            kept = {**stored, **changes.added}
            stored = {n: ids for n, ids in kept.items() if n not in changes.dropped}
            restarted = Repeats(stored)
            undisturbed.changes(number, watermark)
            undisturbed.stored(watermark)
