"""Bin sets that were replaced: kept while anything is counted under them, then deleted with all of theirs.

Counts are deleted by who reads their partition. Nobody does with those of a topic that was taken out of the
config: they count until they are 35 days old.
"""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

import msgspec

from baselines.history import KEEP_HOURS
from baselines.learned import ACTIVE, bin_set_name, layout_name, reference_name
from baselines.store import Put
from worker.judging.inheriting import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Collection

    from baselines.learned import Active
    from baselines.store import Partition, PartitionStore


def replacing(
    store: PartitionStore, agent: str, read: Collection[Partition], before: Active, now: Active
) -> tuple[Put, ...]:
    """The writes that put `now` in force in place of `before`, and delete what nothing needs any more.

    `read` are the partitions of the configured topics. Whoever still counts under a bin set that is deleted
    is refused by the partition, which has another one.
    """
    counting = {store.state(partition).digests.get(agent) for partition in read}
    old = int(now.until // 3600) - KEEP_HOURS
    kept = [(partition, 0 if partition in read else old) for partition in store.partitions()]

    def needed(digest: str) -> bool:
        return digest in counting or any(_newest(store, p, agent, digest) >= begin for p, begin in kept)

    past = tuple(dropwhile(lambda digest: not needed(digest), before.past))
    lost = tuple(digest for digest in before.lost if digest != now.digest and needed(digest))
    gone = [digest for digest in before.past if digest not in past]
    following = msgspec.structs.replace(now, past=(*past, before.digest), lost=lost)
    names = [name for digest in gone for name in _values(digest)]
    return (*(Put(name, None) for name in names), Put(ACTIVE, following.to_bytes()))


def _newest(store: PartitionStore, partition: Partition, agent: str, digest: str) -> int:
    """The newest hour since the epoch with counts under a bin set, -1 without any."""
    read = store.read(partition, agent, digest, {}, {})
    return max((*read.hours, *(minute // 60 for minute in read.minutes)), default=-1)


def _values(digest: str) -> tuple[str, ...]:
    return bin_set_name(digest), layout_name(digest), reference_name(digest), f"{PROGRESS}:{digest}"
