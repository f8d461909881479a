"""Commits and counts for the tests of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.packing import fold
from baselines.store import BucketKey, Commit, Delta, Partition, Switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.store import Store

ORDERS = Partition("orders", 0)
HOUR = 493_000
MINUTE = HOUR * 60


def delta(turns: int = 1, **slots: int) -> Delta:
    """A bucket with `turns` turns; s3=2 counts two in slot 3."""
    return Delta({"#": turns, **{name.removeprefix("s"): count for name, count in slots.items()}})


def commit(
    expected: int | None,
    following: int,
    buckets: Mapping[BucketKey, Delta] | None = None,
    *,
    partition: Partition = ORDERS,
    digests: Mapping[str, str] | None = None,
    switches: Sequence[Switch] = (),
    topic_id: str = "topic-id",
    watermark: float | None = None,
    caught_up: bool = False,
    at: float = 1.5,
) -> Commit:
    """A commit of a partition that counts the agent `support` under `d1`."""
    return Commit(
        partition=partition,
        expected=expected,
        next=following,
        topic_id=topic_id,
        digests={"support": "d1"} if digests is None else digests,
        switches=switches,
        watermark=watermark,
        caught_up=caught_up,
        at=at,
        buckets=buckets or {},
    )


def first(following: int = 10, partition: Partition = ORDERS, agents: Sequence[str] = ("support",)) -> Commit:
    """The commit that starts a partition, adopting `d1` for each agent."""
    switches = [Switch(agent, "", "d1") for agent in agents]
    return commit(None, following, digests={}, switches=switches, partition=partition)


def one(
    minute: int = MINUTE, agent: str = "support", bin_set: str = "d1", **slots: int
) -> dict[BucketKey, Delta]:
    """One turn in one bucket."""
    return {BucketKey(agent, minute, bin_set): delta(1, **slots)}


def totals(
    store: Store, partition: Partition = ORDERS, agent: str = "support", bin_set: str = "d1"
) -> dict[str, int]:
    """All counts of an agent in a partition under a bin set, minutes and packed hours together."""
    read = store.read(partition, agent, bin_set, {}, {})
    return dict(fold([*read.minutes.values(), *read.hours.values()]).counts)


def everything(store: Store) -> list[object]:
    """All that a commit could have changed."""
    under = [
        (store.read(ORDERS, "support", bin_set, {}, {}), store.minutes(ORDERS, "support", bin_set))
        for bin_set in ("d1", "d2")
    ]
    return [store.state(ORDERS), *under]
