"""Bin sets that were replaced: kept while anything is counted under them, then deleted with all of theirs."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

import msgspec

from baselines.learned import ACTIVE, bin_set_name, layout_name, reference_name
from baselines.store import Put
from worker.judging.inheriting import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Collection

    from baselines.learned import Active
    from baselines.store import Partition, PartitionStore


def replacing(
    store: PartitionStore, agent: str, partitions: Collection[Partition], before: Active, now: Active
) -> tuple[Put, ...]:
    """The writes that put `now` in force in place of `before`, and delete what nothing needs any more.

    Whoever still counts under a bin set that is deleted is refused by the partition, which has another one.
    """

    def needed(digest: str) -> bool:
        return any(_holds(store, partition, agent, digest) for partition in partitions)

    past = tuple(dropwhile(lambda digest: not needed(digest), before.past))
    lost = tuple(digest for digest in before.lost if digest != now.digest and needed(digest))
    gone = [digest for digest in before.past if digest not in past]
    following = msgspec.structs.replace(now, past=(*past, before.digest), lost=lost)
    names = [name for digest in gone for name in _values(digest)]
    return (*(Put(name, None) for name in names), Put(ACTIVE, following.to_bytes()))


def _holds(store: PartitionStore, partition: Partition, agent: str, digest: str) -> bool:
    if store.state(partition).digests.get(agent) == digest:
        return True
    read = store.read(partition, agent, digest, {}, {})
    return bool(read.minutes or read.hours)


def _values(digest: str) -> tuple[str, ...]:
    return bin_set_name(digest), layout_name(digest), reference_name(digest), f"{PROGRESS}:{digest}"
