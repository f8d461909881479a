"""A store and a topic of each test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.redis_store import RedisStore
from tests.kafka.support import PARTITIONS, new_topic
from tests.servers import KafkaServer, kafka_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer


@pytest.fixture
def store(valkey: ValkeyServer, redis_prefix: str) -> RedisStore:
    return RedisStore(valkey.client(), redis_prefix)


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    return new_topic(kafka_broker, PARTITIONS)


@pytest.fixture(scope="session")
def broken_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KafkaServer, Broker]]:
    home = kafka_home()
    if home is None:
        pytest.skip("needs a Kafka of its own to stop: KAFKA_HOME and Java")
    folder: Path = tmp_path_factory.mktemp("kafka")
    server = KafkaServer(home, folder)
    yield server, server.start()
    server.kill()


@pytest.fixture
def own_kafka(broken_kafka: tuple[KafkaServer, Broker]) -> Iterator[tuple[KafkaServer, Broker]]:
    """A node that a test may stop, pause and damage; it runs again for the next one."""
    server, broker = broken_kafka
    yield server, broker
    server.resume()
    if server.process is None or server.process.poll() is not None:
        server.start()
