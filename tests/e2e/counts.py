"""What a worker left in the store, in a form that two runs can be compared by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, TopicPartition

from baselines.connection import connect
from baselines.learned import ACTIVE, Active, bin_set_name, reference_name
from baselines.redis_store import RedisStore
from baselines.store import Partition

if TYPE_CHECKING:
    from tests.servers import Broker, ValkeyServer


@dataclass(frozen=True, slots=True)
class Left:
    """One agent's learning and counts: every bucket summed to its hour, by partition."""

    active: Active
    bin_set: bytes | None
    reference: bytes | None
    counts: dict[tuple[str, int], dict[str, int]]

    @property
    def turns(self) -> int:
        """How many turns were counted after learning."""
        return sum(fields["#"] for fields in self.counts.values())


def left(valkey: ValkeyServer, prefix: str, agent: str) -> Left | None:
    """What is left of an agent; None while it is not learned."""
    store = RedisStore(connect(valkey.url), prefix)
    stored = store.get(agent, ACTIVE)
    if stored is None:
        return None
    active = Active.from_bytes(stored)
    counts: dict[tuple[str, int], Counter[str]] = {}
    for partition in store.partitions():
        read = store.read(partition, agent, active.digest, {}, {})
        for minute, delta in read.minutes.items():
            counts.setdefault((str(partition), minute // 60), Counter()).update(delta.counts)
        for hour, packed in read.hours.items():
            counts.setdefault((str(partition), hour), Counter()).update(packed.counts)
    return Left(
        active,
        store.get(agent, bin_set_name(active.digest)),
        store.get(agent, reference_name(active.digest)),
        {key: dict(fields) for key, fields in counts.items()},
    )


def caught_up(broker: Broker, valkey: ValkeyServer, prefix: str, topic: str, partitions: int) -> bool:
    """Whether the stored offsets are at the end of the log of every partition."""
    store = RedisStore(connect(valkey.url), prefix)
    stored = [store.state(Partition(topic, number)).next_offset for number in range(partitions)]
    return stored == ends(broker, topic, partitions)


def ends(broker: Broker, topic: str, partitions: int) -> list[int]:
    """The end of the log of every partition."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "ends"})
    found = [consumer.get_watermark_offsets(TopicPartition(topic, n), 60)[1] for n in range(partitions)]
    consumer.close()
    return found
