"""The demo's Kafka-protocol broker: a mock cluster in this process, or the one that KAFKA_BOOTSTRAP names."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from worker.demo.process import DemoError

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC = "agent-turns"
DEAD_LETTERS = "agent-turns.dead-letters"
PARTITIONS = 4  # what the mock cluster gives every topic
MOCK_VERSION = "2.1"  # it does not tell its version in a way that every client understands
TIMEOUT_S = 15.0

_SENDER = {"linger.ms": 20, "compression.type": "lz4", "queue.buffering.max.messages": 200_000}
_QUIET = logging.getLogger("quadrift.demo.librdkafka")  # its lines would tear the view


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is, what its topics are called, and a producer connected to it."""

    bootstrap: str
    topic: str
    dead_letters: str
    api_version: str | None
    producer: Producer


@contextmanager
def broker() -> Iterator[Broker]:
    """A broker with the two topics. The mock cluster ends with the block; a real one loses the topics."""
    _QUIET.addHandler(logging.NullHandler())
    _QUIET.propagate = False
    given = os.environ.get("KAFKA_BOOTSTRAP")
    with _real(given) if given else _mock() as found:
        try:
            yield found
        finally:
            found.producer.purge()
            found.producer.flush(TIMEOUT_S)


@contextmanager
def _mock() -> Iterator[Broker]:
    """It keeps about 5 MB a partition, more than this demo sends in all once compressed."""
    producer = _producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock"})
    listed = producer.list_topics(timeout=TIMEOUT_S)
    for topic in (TOPIC, DEAD_LETTERS):
        producer.list_topics(topic, timeout=TIMEOUT_S)  # asking for a topic creates it
    bootstrap = ",".join(f"{node.host}:{node.port}" for node in listed.brokers.values())
    yield Broker(bootstrap, TOPIC, DEAD_LETTERS, MOCK_VERSION, producer)


@contextmanager
def _real(bootstrap: str) -> Iterator[Broker]:
    """Topics of its own for each run: nothing older is learned from, and nobody's records are touched."""
    run = secrets.token_hex(3)
    topics = [f"{TOPIC}-{run}", f"{TOPIC}-{run}.dead-letters"]
    admin = AdminClient({"bootstrap.servers": bootstrap}, logger=_QUIET)
    created = admin.create_topics([NewTopic(topic, PARTITIONS) for topic in topics])
    try:
        for future in created.values():
            future.result(TIMEOUT_S)
    except (KafkaException, TimeoutError) as error:
        raise DemoError(f"could not create topics on KAFKA_BOOTSTRAP={bootstrap}: {error}") from None
    try:
        yield Broker(bootstrap, topics[0], topics[1], None, _producer({"bootstrap.servers": bootstrap}))
    finally:
        for future in admin.delete_topics(topics).values():
            future.exception(TIMEOUT_S)


def _producer(where: dict[str, Any]) -> Producer:
    return Producer({**_SENDER, **where}, logger=_QUIET)
