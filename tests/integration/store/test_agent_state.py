from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.store import Push, Put, PutField, Write

if TYPE_CHECKING:
    from baselines.store import Store


def test_what_was_never_written_is_nothing(store: Store) -> None:
    found = (store.get("support", "x"), store.fields("support", "x"), store.newest("support", "x", 5))
    assert (None, {}, []) == found


def test_all_writes_of_a_step_are_made(store: Store) -> None:
    rows: list[Write] = [
        Put("x", b"\xff\x00"),
        PutField("x", "f", b"1"),
        PutField("x", "g", b""),
        Push("x", b"v", 3),
    ]
    assert store.write("support", 7, rows)
    assert b"\xff\x00" == store.get("support", "x")
    assert {"f": b"1", "g": b""} == store.fields("support", "x")
    assert [b"v"] == store.newest("support", "x", 5)
    assert store.get("sales", "x") is None


def test_a_token_below_the_highest_seen_writes_nothing(store: Store) -> None:
    assert store.write("support", 7, [Put("x", b"new")])
    assert not store.write("support", 6, [Put("x", b"old"), Push("l", b"old", 3)])
    assert store.write("support", 7, [Put("y", b"same holder")])
    found = (store.get("support", "x"), store.get("support", "y"), store.newest("support", "l", 3))
    assert (b"new", b"same holder", []) == found


def test_a_new_leader_can_shut_the_old_one_out_by_an_empty_write(store: Store) -> None:
    assert store.write("support", 8, [])
    assert not store.write("support", 7, [Put("x", b"old")])
    assert store.get("support", "x") is None


def test_each_agent_has_a_fence_of_its_own(store: Store) -> None:
    store.write("support", 9, [Put("x", b"1")])
    assert store.write("sales", 3, [Put("x", b"2")])
    assert not store.write("support", 3, [Put("x", b"2")])


def test_a_list_keeps_its_newest_entries_oldest_first(store: Store) -> None:
    for i in range(6):
        store.write("support", 1, [Push("verdicts", str(i).encode(), 4)])
    assert [b"2", b"3", b"4", b"5"] == store.newest("support", "verdicts", 100)
    assert [b"4", b"5"] == store.newest("support", "verdicts", 2)
    assert [] == store.newest("support", "verdicts", 0)


def test_a_deleted_value_is_gone_and_can_be_set_again(store: Store) -> None:
    assert store.write("support", 1, [Put("x", b"1"), Put("y", b"2")])
    assert store.write("support", 1, [Put("x", None), Put("never", None)])
    assert (None, b"2") == (store.get("support", "x"), store.get("support", "y"))
    assert store.write("support", 1, [Put("x", None), Put("x", b"3")])
    assert b"3" == store.get("support", "x")
