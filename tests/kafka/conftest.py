"""A store and a topic of each test's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.redis_store import RedisStore
from tests.kafka.support import PARTITIONS, new_topic

if TYPE_CHECKING:
    from tests.servers import Broker, ValkeyServer


@pytest.fixture
def store(valkey: ValkeyServer, redis_prefix: str) -> RedisStore:
    return RedisStore(valkey.client(), redis_prefix)


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    return new_topic(kafka_broker, PARTITIONS)
