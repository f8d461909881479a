"""Which partitions count for what.

What was counted stays in an agent's history until it is 35 days old, also of a topic that was taken out of
the config: windows and references are made of every partition that the store knows. What holds windows back,
goes over to other bins and is shown are the partitions of the configured topics: nobody reads the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from baselines.store import Partition, PartitionState, PartitionStore


def followed(store: PartitionStore, topics: Collection[str]) -> dict[Partition, PartitionState]:
    """What is stored of each partition of these topics, the configured ones."""
    return {
        partition: store.state(partition) for partition in store.partitions() if partition.topic in topics
    }
