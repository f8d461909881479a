"""How many bad records are too many, and what becomes of a partition that has them."""

from __future__ import annotations

import pytest

from tests.unit.worker.memory_log import Clock, Log, ShakyStore, turn
from tests.unit.worker.test_ingest import P0, P1, Worker, turns
from worker.ingesting.sieve import LATEST, Limits, Sieve


def refused(bad: list[int], limits: Limits) -> list[int]:
    """The numbers of the bad records that are one too many."""
    sieve = Sieve(limits)
    return [number for number in bad if sieve.refuses(number) is not None]


def test_too_many_in_a_row_are_refused_and_a_good_one_between_begins_anew() -> None:
    assert [4, 5] == refused([1, 2, 3, 4, 5], Limits(in_a_row=3))
    assert refused([1, 2, 3, 5, 6, 7], Limits(in_a_row=3)) == []


def test_a_share_of_the_latest_thousand_is_refused_and_not_before_there_are_so_many() -> None:
    every_other = list(range(2, 3 * LATEST, 2))
    assert refused(every_other, Limits(share=0.5)) == []
    assert LATEST == refused(every_other, Limits(share=0.499))[0]


def test_bad_records_that_are_long_ago_no_longer_count() -> None:
    early = list(range(1, 601))
    assert refused([*early[::2], *range(3_000, 3_600, 2)], Limits(share=0.4)) == []


@pytest.mark.fault("K9")
def test_a_blocked_partition_keeps_what_was_counted_and_the_others_go_on() -> None:
    log, store = Log(), ShakyStore()
    log.add(0, *(turn(number) for number in range(10)), *[b"{}"] * 30, turn(50))
    log.add(1, *(turn(number) for number in range(100, 150)))
    worker = Worker(log, store, Clock())
    worker.ingest._limits = Limits(in_a_row=5)
    worker.member.give(0, 1)
    worker.pass_seconds(5)

    assert list(worker.ledger.blocked) == [P0]
    assert (store.state(P0).next_offset, store.state(P1).next_offset) == (15, 50)
    assert turns(store) == 60
    assert [offset for _, offset, _ in worker.box.letters] == list(range(10, 15))
    assert (store.state(P0).caught_up, store.state(P1).caught_up) == (False, True)

    store.breaks = "before"
    log.add(1, turn(150))
    worker.pass_seconds(3)
    store.breaks = None
    worker.pass_seconds(5)
    assert (store.state(P0).next_offset, store.state(P1).next_offset) == (15, 51)

    worker.member.take(0)
    worker.member.give(0)
    worker.ingest._limits = Limits()
    worker.pass_seconds(3)
    assert worker.ledger.blocked == {}
    assert turns(store) == 62


@pytest.mark.fault("K11")
def test_after_two_starts_at_the_same_offset_the_third_looks_before_it_reads() -> None:
    log, store = Log(), ShakyStore()
    log.add(0, *(turn(number) for number in range(10)))
    probed = []
    for _ in range(3):  # none of them lives long enough to commit
        worker = Worker(log, store, Clock())
        worker.member.give(0)
        worker.ingest.tick()
        probed.append(list(worker.member.probed))
    worker.pass_seconds(3)
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.ingest.tick()

    assert [[], [], [(P0, 0)]] == probed
    assert worker.member.probed == []
