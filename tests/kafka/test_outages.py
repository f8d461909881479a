"""A broker or a store that is away for a while: counting goes on, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.redis_store import RedisStore
from tests.kafka.support import (
    ACTIVE,
    PARTITIONS,
    Process,
    caught_up,
    counted,
    new_topic,
    options,
    produce,
    spread,
    wait_for,
)
from tests.servers import KafkaServer, kafka_home
from worker.source import KafkaSource

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer


@pytest.mark.fault("R1")
def test_counting_goes_on_after_the_store_was_away(
    kafka_broker: Broker, topic: str, own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    store = RedisStore(own_valkey.client(socket_timeout=0.3), redis_prefix)
    produce(kafka_broker, topic, spread(range(400)))
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [100] * 4), process)
    own_valkey.pause()
    produce(kafka_broker, topic, spread(range(400, 4_000)))
    wait_for(lambda: process.ledger.stats.held, process)
    own_valkey.resume()
    wait_for(lambda: caught_up(store, topic, [1_000] * 4), process)
    process.stop()

    assert counted(store, topic) == 4_000
    assert not process.ledger.stats.held


@pytest.mark.fault("K1")
def test_counting_goes_on_after_the_broker_was_restarted(tmp_path: Path, store: RedisStore) -> None:
    home = kafka_home()
    if home is None:
        pytest.skip("needs a Kafka of its own to stop: KAFKA_HOME and Java")
    server = KafkaServer(home, tmp_path)
    broker = server.start()
    topic = new_topic(broker, PARTITIONS)
    produce(broker, topic, spread(range(4_000)))
    process = Process(KafkaSource(options(broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [1_000] * 4), process)
    server.stop()
    server.start()
    produce(broker, topic, spread(range(4_000, 8_000)))
    wait_for(lambda: caught_up(store, topic, [2_000] * 4), process)
    process.stop()
    server.stop()

    assert counted(store, topic) == 8_000
