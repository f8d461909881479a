"""What tests against a broker share: topics of their own, a producer, workers on a store in memory."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from baselines.store import TURNS, Partition
from tests.unit.worker.memory_log import NoEncoder, turn
from tests.unit.worker.test_ingest import BINS
from worker.decode import AgentMatch
from worker.ingesting.chain import ActiveBinSet
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.ingesting.sieve import NO_LIMITS, Limits
from worker.kafka.client import KafkaOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from baselines.redis_store import RedisStore
    from baselines.store import PartitionStore
    from tests.servers import Broker
    from worker.ingesting.dead_letters import DeadLetters
    from worker.kafka.source import KafkaSource

AGENT = "support"
ACTIVE = {AGENT: ActiveBinSet(BINS, {})}
PARTITIONS = 4
PATIENCE_S = 240.0
"""How long to wait for what has to come, however busy the machine: on an idle one it takes a few seconds."""


def new_topic(broker: Broker, partitions: int = 4) -> str:
    """A topic of this test alone, with four partitions unless the broker is a real one."""
    name = f"turns-{uuid.uuid4().hex[:12]}"
    broker.create_topic(name, partitions)
    return name


def options(broker: Broker, **more: Any) -> KafkaOptions:
    """How a client of ours reaches the broker; a group of its own."""
    return KafkaOptions(
        tuple(broker.bootstrap.split(",")),
        group=more.pop("group", uuid.uuid4().hex),
        api_version=broker.api_version,
        session_timeout_ms=more.pop("session_timeout_ms", 6_000),
        **more,
    )


def produce(broker: Broker, topic: str, records: Iterable[tuple[int, bytes | None]], **config: Any) -> None:
    """Write (partition, value) records and wait until they are there."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 5, **config})
    for partition, value in records:
        producer.produce(topic, value=value, partition=partition)
        producer.poll(0)
    assert producer.flush(PATIENCE_S) == 0


def read_back(broker: Broker, topic: str, partitions: int, count: int) -> list[Any]:
    """The first `count` messages of a topic."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": uuid.uuid4().hex})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    messages: list[Any] = []
    limit = time.monotonic() + PATIENCE_S
    while len(messages) < count and time.monotonic() < limit:
        rest = consumer.consume(count - len(messages), 1.0)
        messages += [message for message in rest if message.error() is None]
    consumer.close()
    return messages


def letters_of(broker: Broker, topic: str, count: int) -> dict[str, Any]:
    """The dead letters of `count` records by their keys; after a time-out one may be there twice."""
    found: dict[str, Any] = {}
    limit = time.monotonic() + PATIENCE_S
    wanted = count
    while len(found) < count and time.monotonic() < limit:
        found = {message.key().decode(): message for message in read_back(broker, topic, PARTITIONS, wanted)}
        wanted += count - len(found)
    return found


class Process:
    """One worker's ingest on a real consumer, in a thread of its own as in life."""

    def __init__(
        self,
        source: KafkaSource,
        store: PartitionStore,
        active: Mapping[str, ActiveBinSet],
        letters: DeadLetters | None = None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self.source = source
        self.ledger = Ledger(source, store, [AGENT], lambda: active, letters=letters)
        self.ingest = Ingest(
            source, self.ledger, NoEncoder(), [AgentMatch(AGENT)], letters=letters, limits=limits
        )
        self.failure: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self.ingest.tick()
        except Exception as error:  # noqa: BLE001 - the test's thread looks at it
            self.failure = error

    def describe(self) -> str:
        """Where it stands, for the message of a test that waited in vain."""
        chains = [(str(c.partition), c.expected, c.next, c.told) for c in self.ledger._chains.values()]
        paused = self.source._consumer.paused()
        return f"{self.ledger.stats} parked {self.source.parked()} chains {chains} paused {paused}"

    def stop(self, *, crash: bool = False) -> None:
        """Leave in order, or fall silent as a process does that is killed: nothing more is committed."""
        self._stop.set()
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            raise RuntimeError("its thread does not end: " + self.describe())
        if crash:
            self.source._consumer.close(autocommit=False, timeout_ms=1_000)
        else:
            self.ledger.close()


def wait_for(done: Callable[[], bool], *processes: Process, seconds: float = PATIENCE_S) -> None:
    """Wait until it is done, or a process has failed."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while not done():
        assert time.monotonic() < limit, "not done in time: " + "; ".join(map(Process.describe, processes))
        for process in processes:
            if process.failure is not None:
                raise process.failure
        pause.wait(0.02)


def counted(store: RedisStore, topic: str, partitions: int = PARTITIONS) -> int:
    total: Counter[str] = Counter()
    for number in range(partitions):
        for delta in store.read(Partition(topic, number), AGENT, BINS.digest, {}, {}).minutes.values():
            total.update(delta.counts)
    return total[TURNS]


def caught_up(store: RedisStore, topic: str, ends: Sequence[int]) -> bool:
    states = [store.state(Partition(topic, number)) for number in range(len(ends))]
    return all(state.next_offset == end and state.caught_up for state, end in zip(states, ends, strict=True))


def spread(numbers: range) -> list[tuple[int, bytes | None]]:
    return [(number % PARTITIONS, turn(number, words=number % 7 + 1)) for number in numbers]


def widen(broker: Broker, topic: str, size: int) -> None:
    """Let a topic take larger messages."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"max.message.bytes": str(size)})
    for changed in admin.alter_configs([resource]).values():
        changed.result(PATIENCE_S)


def recreate(broker: Broker, topic: str) -> None:
    """Deletion is finished a moment after it was answered."""
    limit = time.monotonic() + PATIENCE_S
    while True:
        try:
            broker.create_topic(topic, PARTITIONS)
        except Exception:
            if time.monotonic() > limit:
                raise
        else:
            return
