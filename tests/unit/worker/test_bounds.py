"""What waits in memory for the next commit is bounded by its size, not by time alone."""

from __future__ import annotations

import time

import pytest

from tests.unit.worker.memory_log import Clock, Log, ShakyStore, turn
from tests.unit.worker.test_ingest import BINS, P0, TWO, Worker
from worker.ingesting.chain import RECORDS_A_COMMIT, REJECTED_A_COMMIT, ActiveBinSet
from worker.ingesting.ingest import FIRST_RECORDS, MAX_RECORDS


def read_in_one_second(*records: bytes) -> int | None:
    """Up to where is committed what came, before a second has passed."""
    log, store = Log(), ShakyStore()
    log.add(0, turn(0, agent="sales"))
    bins = ActiveBinSet(BINS, {P0: 0})
    worker = Worker(log, store, Clock(), agents=TWO, active={agent.name: bins for agent in TWO})
    worker.member.give(0)
    worker.pass_seconds(3)
    worker.ingest.tick()
    log.add(0, *records)
    for _ in range(3 + len(records) // 1_000):
        worker.ingest.tick()
    return store.state(P0).next_offset


@pytest.mark.fault("K9")
def test_large_bad_records_are_flushed_and_committed_before_the_second_is_over() -> None:
    size = 1 << 19
    assert read_in_one_second(*[bytes(size)] * (REJECTED_A_COMMIT // size)) == 1 + REJECTED_A_COMMIT // size
    assert read_in_one_second(*[bytes(size)] * (REJECTED_A_COMMIT // size - 1)) == 1


@pytest.mark.parametrize("agent", ["sales", "nobody"])
def test_many_turns_are_committed_before_the_second_is_over_whoever_counts_them(agent: str) -> None:
    told = turn(1, agent=agent)
    assert read_in_one_second(*[told] * RECORDS_A_COMMIT) == 1 + RECORDS_A_COMMIT
    assert read_in_one_second(*[told] * 100) == 1


def test_only_quick_passes_of_many_records_make_the_next_one_larger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)
    log = Log()
    log.add(0, turn(0))
    worker = Worker(log, ShakyStore(), Clock())
    worker.member.give(0)
    worker.pass_seconds(3, ticks=10)
    taken = []
    for backlog in (MAX_RECORDS, 2 * MAX_RECORDS):
        log.add(0, *[turn(1)] * backlog)
        before = worker.member.position(P0) or 0
        worker.ingest.tick()
        taken.append((worker.member.position(P0) or 0) - before)
        worker.pass_seconds(5)
    assert [FIRST_RECORDS, MAX_RECORDS] == taken
