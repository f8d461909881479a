"""A place where learning dies is found by the third start, and said; what ended in order is no death."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from structlog.testing import capture_logs

from baselines.memory import MemoryStore
from baselines.store import Partition
from worker.leadership import DeposedError
from worker.learning.bookmark import THIS_PROCESS, Bookmark, told_to_stop

P0, P1 = Partition("turns", 0), Partition("turns", 1)


class Looked:
    """Ranges of which only `probe` is asked."""

    def __init__(self) -> None:
        self.at: list[tuple[Partition, int]] = []

    def probe(self, partition: Partition, offset: int) -> None:
        self.at.append((partition, offset))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def start(store: MemoryStore, looked: Looked, process: str = "") -> tuple[Bookmark, list[dict[str, Any]]]:
    """A start of learning, in a new process unless one is named, and what it says of the ones before."""
    process = process or uuid.uuid4().hex
    bookmark = Bookmark("support", store, 5, process)
    with capture_logs() as said:
        bookmark.look(looked)
    return bookmark, [dict(line) for line in said]


def test_a_third_start_looks_where_the_two_before_it_died_and_says_where() -> None:
    store, looked, said = MemoryStore(), Looked(), []
    for _ in range(3):
        bookmark, lines = start(store, looked)
        said.append([(line["event"], line["partition"], line["offset"], line["died"]) for line in lines])
        for offset in (0, 2_000, 4_000):
            bookmark.at(P0, offset)
        bookmark.at(P1, 0)
        bookmark.at(P1, 2_000)
    assert [[], [], [("learning_dies", "turns-1", 2_000, 2)]] == said
    assert [(P1, 2_000)] == looked.at


def test_deaths_in_different_places_and_orderly_ends_are_no_reason_to_look() -> None:
    store, looked = MemoryStore(), Looked()
    for offset in (2_000, 4_000, 2_000, 4_000):
        bookmark, said = start(store, looked)
        bookmark.at(P0, offset)
        assert [] == said
    for _ in range(4):
        bookmark, said = start(store, looked)
        bookmark.at(P0, 6_000)
        bookmark.close()
        assert [] == said
    assert [] == looked.at


def test_a_process_that_begins_anew_as_the_store_was_away_has_not_died() -> None:
    store, looked = MemoryStore(), Looked()
    for _ in range(4):
        bookmark, said = start(store, looked, "the same")
        assert [] == said
        bookmark.at(P0, 2_000)
    for died in (1, 2):
        bookmark, said = start(store, looked)
        assert [died] * (died == 2) == [line["died"] for line in said]
        bookmark.at(P0, 2_000)
    assert [(P0, 2_000)] == looked.at


def test_a_process_that_was_told_to_stop_has_not_died_and_makes_no_death_before_it_forgotten() -> None:
    store, looked = MemoryStore(), Looked()
    for process in ("", THIS_PROCESS, ""):
        bookmark, said = start(store, looked, process)
        assert [] == said
        bookmark.at(P0, 2_000)
        if process:
            told_to_stop(store, ["support"], 5)
    _, said = start(store, looked)
    assert [2] == [line["died"] for line in said]
    assert [(P0, 2_000)] == looked.at


def test_a_death_of_fitting_is_said_without_a_place() -> None:
    store, looked = MemoryStore(), Looked()
    for _ in range(2):
        bookmark, _ = start(store, looked)
        bookmark.at(P0, 0)
        bookmark.fits()
    _, (said,) = start(store, looked)
    assert ("fitting bins", 2, False) == (said["doing"], said["died"], "partition" in said)
    assert [] == looked.at


def test_a_leader_that_was_deposed_notes_nothing() -> None:
    store = MemoryStore()
    store.write("support", 9, [])
    with pytest.raises(DeposedError):
        Bookmark("support", store, 5).at(P0, 0)
