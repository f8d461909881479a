"""The picture of the store: the same from every worker, and an old one while the store is away."""

import threading
from collections.abc import Mapping
from itertools import pairwise
from typing import NoReturn

import msgspec
import pytest

from alerts.verdict import encode
from baselines.errors import StoreUnavailable
from baselines.learned import ACTIVE, Active
from baselines.memory import MemoryStore
from baselines.store import Push, Put, PutField, Write
from tests.unit.worker.snapshots import AT, NOW, verdict
from worker.serving.snapshot import HISTORY, Refresher


class Absent(MemoryStore):
    """A store that can go away."""

    away = False
    reads = 0

    def fields(self, agent: str, name: str) -> Mapping[str, bytes]:
        if self.away:
            refuse()
        return super().fields(agent, name)

    def newest(self, agent: str, name: str, count: int) -> list[bytes]:
        self.reads += count
        return list(super().newest(agent, name, count))


class GoesAway(Absent):
    """Away from when its verdicts were read: what else there is to read is refused."""

    def newest(self, agent: str, name: str, count: int) -> list[bytes]:
        self.away = True
        return super().newest(agent, name, count)


def refuse() -> NoReturn:
    raise StoreUnavailable("redis cache:6379: cannot be reached")


def judge(store: MemoryStore, *ends: int) -> None:
    for end in ends:
        raw = encode(verdict(at=end))
        writes: list[Write] = [PutField("latest", "all", raw), Push("verdicts", raw, 2000)]
        store.write("bot", 1, writes)


def test_a_worker_that_never_judged_shows_what_the_leader_wrote() -> None:
    store = MemoryStore()
    judge(store, AT - 600, AT)
    status = {"state": "ok"}
    active = Active("0123456789abcdef", 0.0, 1000, (), ("bot",))
    store.write("bot", 1, [Put("status", msgspec.json.encode(status)), Put(ACTIVE, active.to_bytes())])
    follower = Refresher(store, ["bot"], ["traces"], clock=lambda: NOW)
    follower.refresh()
    view = follower().agents["bot"]
    assert [AT - 600, AT] == [found.at for found in view.history]
    assert (AT, status, "0123456789abcdef") == (view.latest["all"].at, view.status, view.bin_set)


def test_before_the_first_answer_there_is_an_empty_picture() -> None:
    taken = Refresher(MemoryStore(), ["a", "b"], ["traces"])()
    assert (0.0, ["a", "b"]) == (taken.at, list(taken.agents))


def test_while_the_store_is_away_the_last_picture_stands() -> None:
    store, now = Absent(), NOW
    judge(store, AT)
    refresher = Refresher(store, ["bot"], ["traces"], clock=lambda: now)
    refresher.refresh()
    store.away, now = True, NOW + 60
    with pytest.raises(StoreUnavailable):
        refresher.refresh()
    assert (NOW, AT) == (refresher().at, refresher().agents["bot"].latest["all"].at)


def test_a_running_refresher_has_its_first_picture_at_once() -> None:
    store = MemoryStore()
    judge(store, AT)
    refresher = Refresher(store, ["bot"], ["traces"], clock=lambda: NOW, every_s=3600.0)
    answered = threading.Event()
    store.partitions = lambda: answered.set() or []  # type: ignore[method-assign, func-returns-value]
    refresher.start()
    assert answered.wait(60.0)
    refresher.stop()
    assert NOW == refresher().at


def test_only_new_verdicts_are_read_again() -> None:
    store = Absent()
    judge(store, *(AT + 600 * step for step in range(60)))
    refresher = Refresher(store, ["bot"], ["traces"], clock=lambda: NOW)
    refresher.refresh()
    store.reads = 0
    refresher.refresh()
    assert 0 == store.reads
    judge(store, AT + 600 * 60)
    refresher.refresh()
    assert store.reads < 60
    assert [AT + 600 * step for step in range(61)] == [
        found.at for found in refresher().agents["bot"].history
    ]


def test_after_a_long_absence_history_has_no_hole() -> None:
    store = MemoryStore()
    judge(store, AT)
    refresher = Refresher(store, ["bot"], ["traces"], clock=lambda: NOW)
    refresher.refresh()
    judge(store, *(AT + 600 * step for step in range(1, HISTORY + 100)))
    refresher.refresh()
    ends = [found.at for found in refresher().agents["bot"].history]
    assert HISTORY == len(ends)
    assert [600] * (HISTORY - 1) == [after - before for before, after in pairwise(ends)]


def test_what_was_read_before_the_store_went_away_is_in_the_next_picture() -> None:
    store = GoesAway()
    refresher = Refresher(store, ["bot"], ["traces"], clock=lambda: NOW)
    for end in (AT, AT + 600, AT + 1200):
        judge(store, end)
        with pytest.raises(StoreUnavailable):
            refresher.refresh()
        store.away = False
        refresher.refresh()
        assert end == refresher().agents["bot"].history[-1].at
    assert [AT, AT + 600, AT + 1200] == [found.at for found in refresher().agents["bot"].history]
