from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.store import BucketKey, Delta, Outcome
from tests.integration.store.cases import HOUR, MINUTE, ORDERS, commit, delta, everything, first, one, totals

if TYPE_CHECKING:
    from baselines.store import Store


@pytest.fixture
def counted(store: Store) -> Store:
    """Three minutes of one hour, one of the next; the next offset is 20."""
    store.commit(first(10))
    buckets = {
        BucketKey("support", MINUTE, "d1"): Delta(
            {"#": 2, "1": 2, "plan=pro/#": 1, "@model=m/1": 2}, {"*0": "first"}
        ),
        BucketKey("support", MINUTE + 1, "d1"): Delta({"#": 1, "7": 1}, {"*0": "second", "*3": "third"}),
        BucketKey("support", MINUTE + 59, "d1"): delta(3, s700=300, s7=2),
        BucketKey("support", MINUTE + 60, "d1"): delta(1, s1=1),
    }
    store.commit(commit(10, 20, buckets))
    return store


def test_a_packed_hour_equals_its_minutes(counted: Store) -> None:
    before = totals(counted)
    assert counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=840)
    read = counted.read(ORDERS, "support", "d1", {}, {})
    assert before == totals(counted)
    assert [MINUTE + 60] == list(counted.minutes(ORDERS, "support", "d1")) == list(read.minutes)
    assert {"*0": "first", "*3": "third"} == read.hours[HOUR].pointers
    assert 6 == read.hours[HOUR].counts["#"]


def test_a_late_event_reopens_a_packed_hour(counted: Store) -> None:
    counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=840)
    counted.commit(commit(20, 21, one(MINUTE + 1, s7=1)))
    assert [MINUTE + 1, MINUTE + 60] == counted.minutes(ORDERS, "support", "d1")
    before = totals(counted)
    assert counted.pack(ORDERS, "support", "d1", HOUR, 21, keep_hours=840)
    assert before == totals(counted)
    assert 7 == counted.read(ORDERS, "support", "d1", {}, {}).hours[HOUR].counts["#"]


def test_packing_with_a_stale_offset_changes_nothing(counted: Store) -> None:
    before = everything(counted)
    assert not counted.pack(ORDERS, "support", "d1", HOUR, 19, keep_hours=1)
    assert before == everything(counted)


def test_packing_an_hour_without_minutes_keeps_what_is_packed(counted: Store) -> None:
    counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=840)
    before = everything(counted)
    assert counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=840)
    assert counted.pack(ORDERS, "support", "d1", HOUR - 3, 20, keep_hours=840)
    assert before == everything(counted)


def test_packed_hours_older_than_what_is_kept_are_dropped(counted: Store) -> None:
    counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=2)
    counted.commit(commit(20, 21, one(MINUTE + 180, s7=1)))
    counted.pack(ORDERS, "support", "d1", HOUR + 1, 21, keep_hours=2)
    assert [HOUR, HOUR + 1] == sorted(counted.read(ORDERS, "support", "d1", {}, {}).hours)
    counted.pack(ORDERS, "support", "d1", HOUR + 3, 21, keep_hours=2)
    assert [HOUR + 1, HOUR + 3] == sorted(counted.read(ORDERS, "support", "d1", {}, {}).hours)


def test_only_changed_buckets_are_read(counted: Store) -> None:
    known = {
        minute: each.counts["#"]
        for minute, each in counted.read(ORDERS, "support", "d1", {}, {}).minutes.items()
    }
    nothing = counted.read(ORDERS, "support", "d1", known, {})
    assert ({}, {}, set()) == (nothing.minutes, nothing.hours, nothing.gone)
    counted.commit(commit(20, 21, one(MINUTE + 1, s7=1)))
    assert [MINUTE + 1] == list(counted.read(ORDERS, "support", "d1", known, {}).minutes)


def test_a_reader_sees_a_packed_hour_once(counted: Store) -> None:
    known = {
        minute: each.counts["#"]
        for minute, each in counted.read(ORDERS, "support", "d1", {}, {}).minutes.items()
    }
    counted.pack(ORDERS, "support", "d1", HOUR, 20, keep_hours=840)
    read = counted.read(ORDERS, "support", "d1", known, {})
    assert ({}, [HOUR]) == (read.minutes, list(read.hours))
    assert {MINUTE, MINUTE + 1, MINUTE + 59} == read.gone
    again = counted.read(ORDERS, "support", "d1", {MINUTE + 60: 1}, {HOUR: 6})
    assert ({}, {}, set()) == (again.minutes, again.hours, again.gone)


def test_a_known_hour_that_is_gone_comes_back_empty_once(store: Store) -> None:
    store.commit(first())
    read = store.read(ORDERS, "support", "d1", {MINUTE: 0}, {HOUR: 4, HOUR + 1: 0})
    assert {HOUR: Delta()} == read.hours
    assert set() == read.gone


def test_more_buckets_than_lua_can_unpack_at_once_are_read(store: Store) -> None:
    store.commit(first())
    buckets = {BucketKey("support", MINUTE + i, "d1"): delta(1, s1=1) for i in range(9001)}
    assert Outcome.APPLIED is store.commit(commit(10, 20, buckets))
    assert 9001 == len(store.read(ORDERS, "support", "d1", {}, {}).minutes)
