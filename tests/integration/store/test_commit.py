from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from baselines.gaps import Gap
from baselines.ids import IdChanges
from baselines.store import Adopted, BucketKey, Commit, Delta, Outcome, Partition, PartitionState, Switch
from tests.integration.store.cases import MINUTE, ORDERS, commit, delta, everything, first, one, totals

if TYPE_CHECKING:
    from baselines.store import Store


def test_a_partition_that_was_never_committed_has_no_offset(store: Store) -> None:
    assert PartitionState() == store.state(ORDERS)


def test_the_first_commit_adopts_the_bin_set_and_sets_the_offset(store: Store) -> None:
    outcome = store.commit(first(10))
    assert Outcome.APPLIED is outcome
    adopted = {"support": Adopted(0, None)}
    assert PartitionState(
        10, "topic-id", {"support": "d1"}, None, False, 1.5, adopted=adopted
    ) == store.state(ORDERS)


def test_counts_add_up_and_the_first_pointer_stays(store: Store) -> None:
    store.commit(first())
    key = BucketKey("support", MINUTE, "d1")
    store.commit(commit(10, 12, {key: Delta({"#": 2, "3": 2, "plan=pro/#": 1}, {"*0": "one", "*2": "two"})}))
    store.commit(
        commit(12, 15, {key: Delta({"#": 1, "3": 1, "@model=x/1": 1}, {"*0": "new", "*1": "three"})})
    )
    bucket = store.read(ORDERS, "support", "d1", {}, {}).minutes[MINUTE]
    assert {"#": 3, "3": 3, "plan=pro/#": 1, "@model=x/1": 1} == bucket.counts
    assert {"*0": "one", "*1": "three", "*2": "two"} == bucket.pointers


def test_the_watermark_never_goes_back(store: Store) -> None:
    store.commit(first())
    for expected, mark in ((10, 1_700_000_000.123456), (11, 1_600_000_000.0), (12, None)):
        store.commit(commit(expected, expected + 1, watermark=mark))
    assert store.state(ORDERS).watermark == 1_700_000_000.123456


def test_an_offset_moves_over_markers_without_counts(store: Store) -> None:
    store.commit(first())
    assert Outcome.APPLIED is store.commit(commit(10, 400, caught_up=True, at=9.25))
    state = store.state(ORDERS)
    assert (400, True, 9.25) == (state.next_offset, state.caught_up, state.at)


def test_an_offset_keeps_every_digit(store: Store) -> None:
    high = 2**62 + 1
    store.commit(first(high))
    assert Outcome.REFUSED is store.commit(commit(high - 1, high + 1))
    assert high == store.state(ORDERS).next_offset


def test_our_own_commit_whose_reply_was_lost_is_recognised_and_not_counted_again(store: Store) -> None:
    store.commit(first())
    ours = commit(10, 12, one(s3=1))
    assert Outcome.APPLIED is store.commit(ours)
    assert Outcome.ALREADY is store.commit(ours)
    assert {"#": 1, "3": 1} == totals(store)


def test_the_first_commit_repeated_is_recognised(store: Store) -> None:
    store.commit(first(0))
    assert Outcome.ALREADY is store.commit(first(0))


def test_a_switch_that_moves_no_offset_is_recognised_when_repeated(store: Store) -> None:
    store.commit(first())
    switch = commit(10, 10, switches=[Switch("support", "d1", "d2")])
    assert [Outcome.APPLIED, Outcome.ALREADY] == [store.commit(switch), store.commit(switch)]
    assert {"support": "d2"} == store.state(ORDERS).digests


def test_a_minute_in_which_the_bin_set_changes_holds_the_counts_of_both_apart(store: Store) -> None:
    store.commit(first())
    store.commit(commit(10, 12, {BucketKey("support", MINUTE, "d1"): delta(2, s1=2)}, watermark=60.5))
    switch = Switch("support", "d1", "d2")
    store.commit(commit(12, 15, {BucketKey("support", MINUTE, "d2"): delta(3, s1=3)}, switches=[switch]))
    assert {"#": 2, "1": 2} == totals(store)
    assert {"#": 3, "1": 3} == totals(store, bin_set="d2")
    assert {"support": Adopted(12, 60.5)} == store.state(ORDERS).adopted


REFUSALS: list[tuple[Commit, Outcome]] = [
    (commit(9, 13, one(s1=1)), Outcome.REFUSED),
    (commit(11, 13, one(s1=1)), Outcome.REFUSED),
    (commit(None, 13, one(s1=1)), Outcome.REFUSED),
    (commit(10, 13, one(bin_set="d2", s1=1), digests={"support": "d2"}), Outcome.DIGEST),
    (commit(10, 13, {}, digests={}), Outcome.DIGEST),
    (commit(10, 13, one(s1=1), digests={"support": "d1", "sales": "d1"}), Outcome.DIGEST),
    (commit(10, 13, {}, switches=[Switch("support", "d0", "d2")]), Outcome.DIGEST),
    (commit(10, 13, {}, switches=[Switch("sales", "d0", "d2")]), Outcome.DIGEST),
    (commit(8, 10, one(bin_set="d2", s1=1), digests={"support": "d2"}), Outcome.DIGEST),
    (commit(10, 13, one(s1=1), topic_id="another"), Outcome.TOPIC),
]


@pytest.mark.parametrize(("link", "expected"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_refused_commit_changes_nothing(store: Store, link: Commit, expected: Outcome) -> None:
    store.commit(first(10))
    before = everything(store)
    assert expected is store.commit(link)
    assert before == everything(store)


def test_a_partition_may_adopt_replace_and_drop_bin_sets(store: Store) -> None:
    store.commit(first())
    adopt, replace = Switch("sales", "", "d5"), Switch("support", "d1", "d2")
    counted = one(agent="sales", bin_set="d5", s1=1)
    store.commit(commit(10, 12, counted, switches=[adopt, replace]))
    assert {"support": "d2", "sales": "d5"} == store.state(ORDERS).digests
    assert {"#": 1, "1": 1} == totals(store, agent="sales", bin_set="d5")
    drop = commit(12, 14, digests={"support": "d2", "sales": "d5"}, switches=[Switch("support", "d2", "")])
    assert [Outcome.APPLIED, Outcome.ALREADY] == [store.commit(drop), store.commit(drop)]
    assert {"sales": "d5"} == store.state(ORDERS).digests


IMPOSSIBLE = [
    commit(10, 9),
    commit(10, 10, one(s1=1)),
    commit(10, 12, one(agent="sales", s1=1)),
    commit(10, 12, one(bin_set="d2", s1=1)),
    commit(10, 12, one(bin_set="d1", s1=1), switches=[Switch("support", "d1", "d2")]),
    commit(10, 12, {BucketKey("support", MINUTE, "d1"): Delta({"1": 1})}),
]


@pytest.mark.parametrize("link", IMPOSSIBLE, ids=range(len(IMPOSSIBLE)))
def test_a_commit_that_makes_no_sense_is_an_error_and_changes_nothing(store: Store, link: Commit) -> None:
    store.commit(first(10))
    before = everything(store)
    with pytest.raises(ValueError, match="orders-0"):
        store.commit(link)
    assert before == everything(store)


def test_one_commit_counts_for_several_agents_and_thousands_of_fields(store: Store) -> None:
    agents = ["support", "sales", "a:5", "ünï}{ code"]
    store.commit(first(agents=agents))
    wide = {str(slot): slot + 1 for slot in range(9000)}
    buckets = {
        BucketKey(agent, MINUTE + i, "d1"): Delta({"#": 1, **wide}) for agent in agents for i in range(3)
    }
    digests = dict.fromkeys(agents, "d1")
    assert Outcome.APPLIED is store.commit(commit(10, 20, buckets, digests=digests))
    assert Outcome.APPLIED is store.commit(commit(20, 30, buckets, digests=digests))
    for agent in agents:
        assert {"#": 6, **{slot: 6 * count for slot, count in wide.items()}} == totals(store, agent=agent)


def test_the_owner_reports_that_it_has_caught_up_only_at_its_own_offset(store: Store) -> None:
    store.commit(first(10))
    assert store.report(ORDERS, 10, caught_up=True, at=77.5)
    assert not store.report(ORDERS, 9, caught_up=False, at=78.5)
    assert not store.report(Partition("orders", 1), 0, caught_up=True, at=78.5)
    state = store.state(ORDERS)
    assert (True, 77.5) == (state.caught_up, state.at)


def test_a_partition_once_known_stays_known(store: Store) -> None:
    store.register("b.topic", 2)
    store.register("a-topic", 1)
    store.register("b.topic", 1)
    assert [Partition("a-topic", 0), Partition("b.topic", 0), Partition("b.topic", 1)] == store.partitions()


def test_partitions_do_not_share_counts(store: Store) -> None:
    other = Partition("orders", 1)
    store.commit(first())
    store.commit(first(partition=other))
    store.commit(commit(10, 11, {BucketKey("support", MINUTE, "d1"): delta(s4=1)}, partition=other))
    assert {} == totals(store)
    assert {"#": 1, "4": 1} == totals(store, other)


def test_gaps_are_stored_with_the_offset_and_stay_until_others_are(store: Store) -> None:
    lost = Gap(3, 5, 2, 1.25, 2.5, "dropped")
    store.commit(first(5))
    store.commit(replace(commit(5, 7), gaps=[lost]))
    store.commit(commit(7, 9))
    assert (lost,) == store.state(ORDERS).gaps

    assert store.commit(replace(commit(7, 9), gaps=[])) is not Outcome.APPLIED
    assert (lost,) == store.state(ORDERS).gaps


def test_attempts_at_the_same_offset_are_counted_until_reading_gets_on(store: Store) -> None:
    assert [1, 2, 3] == [store.attempt(ORDERS, 0) for _ in range(3)]
    assert store.state(ORDERS) == PartitionState()
    store.commit(first(5))
    assert [1, 2, 1] == [store.attempt(ORDERS, offset) for offset in (5, 5, 6)]
    assert store.state(ORDERS).next_offset == 5


def test_ids_are_added_and_dropped_with_the_offset_or_not_at_all(store: Store) -> None:
    assert store.ids(ORDERS) == {}
    store.commit(replace(first(), ids=IdChanges({"8.10": b"12345678", "9.10": b"abcdefgh"}, ())))
    assert store.ids(ORDERS) == {"8.10": b"12345678", "9.10": b"abcdefgh"}
    assert (
        store.commit(replace(commit(5, 20), ids=IdChanges({"9.20": b"x" * 8}, ["8.10"]))) is Outcome.REFUSED
    )
    assert store.ids(ORDERS).keys() == {"8.10", "9.10"}
    store.commit(replace(commit(10, 20), ids=IdChanges({"9.20": b"x" * 8}, ["8.10"])))
    assert store.ids(ORDERS) == {"9.10": b"abcdefgh", "9.20": b"x" * 8}
