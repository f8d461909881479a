"""Where a partition that is ours starts: at the stored offset, if log and store are still the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from baselines.errors import StateLost, StoreUnavailable
from worker.ingesting.chain import Chain, ahead_of
from worker.ingesting.repeats import Repeats
from worker.records import NEW_GROUND, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.store import Partition, PartitionStore
    from worker.ingesting.chain import ActiveBinSet
    from worker.records import RecordSource

ATTEMPTS = 2
"""Starts at the same offset without a commit behind it; the next one looks first at what it would read."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Placing:
    """Places the partitions that `source` gives us, for the agents of this worker."""

    source: RecordSource
    store: PartitionStore
    agents: frozenset[str]
    drop_repeats: bool = False

    def place(self, partition: Partition, active: Mapping[str, ActiveBinSet]) -> Chain | None:
        """The partition's chain from here on, None while it cannot be placed.

        Raises:
            SourceFailed: the topic is another one than was counted.
            StateLost: Kafka has been told of offsets that the store no longer knows.
            StoreUnavailable: the store cannot answer now.
        """
        state, topic_id = self.store.state(partition), self.source.topic_id(partition.topic)
        if state.topic_id is not None and state.topic_id != topic_id:
            raise other_topic(partition)
        if any(agent in self.agents and agent not in active for agent in state.digests):
            return None  # another worker counts for an agent that is not active here yet
        if ahead_of(state.digests, active):
            return None
        if state.next_offset is None and (told := self.source.told(partition)):
            raise state_lost(partition, told)
        start = state.next_offset if state.next_offset is not None else _first_offset(partition, active)
        placed = self.source.place(partition, start)
        if placed is None:
            return None
        try:
            repeats = self._prepared(partition, placed)
        except StoreUnavailable:
            self.source.park(partition)  # else it would be read, and nobody would count it
            raise
        return Chain(
            partition,
            topic_id,
            state.next_offset,
            placed,
            dict(state.digests),
            state.watermark,
            state.adopted,
            marked=state.watermark,
            gaps=state.gaps,
            repeats=repeats,
        )

    def _prepared(self, partition: Partition, placed: int) -> Repeats | None:
        """Look ahead where starting here failed before; what repeats are known by."""
        if self.store.attempt(partition, placed) > ATTEMPTS:
            self.source.probe(partition, placed)
        return Repeats(self.store.ids(partition)) if self.drop_repeats else None


def adopt(chain: Chain, active: Mapping[str, ActiveBinSet]) -> Counter[str]:
    """Count under `active` from here on; records that are not in its counts, by agent that changes."""
    gaps: Counter[str] = Counter()
    for agent in chain.adopt(active):
        gaps[agent] = chain.left_behind(agent, active[agent])
        log.info(
            "agent_adopted",
            agent=agent,
            partition=str(chain.partition),
            bin_set=active[agent].digest,
            offset=chain.next,
            gap=gaps[agent],
        )
    return gaps


def other_topic(partition: Partition) -> SourceFailed:
    """What to say of a topic that is not the one that was counted."""
    return SourceFailed(
        f"topic {partition.topic} is not the one that was counted: it was made anew; {NEW_GROUND}"
    )


def state_lost(partition: Partition, offset: int) -> StateLost:
    """What to say where the store has lost what was counted up to `offset`."""
    return StateLost(
        f"redis has lost its state: nothing of {partition}, counted up to offset {offset}, is there; "
        "restore its backup, or take another redis.prefix to learn and count anew what the topics still hold"
    )


def refuse_lost_state(store: PartitionStore, told: Mapping[Partition, int]) -> None:
    """Refuse to begin anew where Kafka has been `told` of offsets that the store knows nothing of.

    Raises:
        StateLost: it has lost its state.
    """
    for partition, offset in sorted(told.items()):
        if store.state(partition).next_offset is None:
            raise state_lost(partition, offset)


def _first_offset(partition: Partition, active: Mapping[str, ActiveBinSet]) -> int | None:
    """Where a partition never committed begins: the smallest learned end; None, its start, without one."""
    ends = [bins.ends[partition] for bins in active.values() if partition in bins.ends]
    return min(ends) if len(ends) == len(active) else None
