"""A broker or a store that is away for a while: counting goes on, exactly."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from baselines.redis_store import RedisStore
from baselines.store import Partition
from tests.kafka.support import (
    ACTIVE,
    PARTITIONS,
    PATIENCE_S,
    Process,
    caught_up,
    counted,
    new_topic,
    options,
    produce,
    spread,
    wait_for,
)
from tests.servers import SHARED_KAFKA, Broker, kafka_home
from worker.kafka.client import KafkaUnavailable
from worker.kafka.ranges import KafkaRanges
from worker.kafka.source import KafkaSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import KafkaServer, ValkeyServer


@pytest.mark.fault("R1")
def test_counting_goes_on_after_the_store_was_away(
    kafka_broker: Broker, topic: str, own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    store = RedisStore(own_valkey.client(socket_timeout=2), redis_prefix)
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
def test_counting_goes_on_after_the_broker_was_away(
    own_kafka: tuple[KafkaServer, Broker], store: RedisStore
) -> None:
    server, broker = own_kafka
    topic = new_topic(broker, PARTITIONS)
    produce(broker, topic, spread(range(4_000)))
    source = KafkaSource(options(broker, session_timeout_ms=60_000), [topic])
    process = Process(source, store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [1_000] * 4), process)
    server.stop()
    silent_since = process.ledger.heard_at
    wait_for(lambda: process.ingest.stats.last_tick > silent_since + 2.0, process)
    assert process.ledger.heard_at <= silent_since + 1.5
    server.start()
    produce(broker, topic, spread(range(4_000, 8_000)))
    wait_for(lambda: caught_up(store, topic, [2_000] * 4), process)
    process.stop()

    assert counted(store, topic) == 8_000
    assert process.ledger.stats.lost == {}


@pytest.mark.fault("K2")
def test_waiting_for_a_broker_that_hangs_costs_next_to_nothing(
    own_kafka: tuple[KafkaServer, Broker],
) -> None:
    server, broker = own_kafka
    source = KafkaSource(options(broker), [new_topic(broker, PARTITIONS)])
    while not source.joined:
        source.poll()

    def shares() -> Iterator[float]:
        """The share of a core that each half second of polling takes, once a heartbeat is overdue."""
        while True:
            began, worked = time.monotonic(), time.process_time()
            while time.monotonic() < began + 0.5:
                source.poll()
            yield (time.process_time() - worked) / (time.monotonic() - began)

    server.pause()
    found = list(islice(shares(), 4, 8))
    server.resume()
    source.close({})
    assert min(found) < 0.25, found  # the client by itself: 0.6 to 0.9, at all times


@pytest.mark.fault("K2")
def test_a_broker_that_hangs_holds_up_nothing_but_the_records(
    own_kafka: tuple[KafkaServer, Broker], store: RedisStore
) -> None:
    server, broker = own_kafka
    topic = new_topic(broker, PARTITIONS)
    produce(broker, topic, spread(range(4_000)))
    process = Process(KafkaSource(options(broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [1_000] * 4), process)
    server.pause()
    ticks: set[float] = set()

    def goes_on() -> bool:
        ticks.add(process.ingest.stats.last_tick)
        return len(ticks) > 5

    wait_for(goes_on, process, seconds=30)  # a second each, as long as the broker hangs
    server.resume()
    produce(broker, topic, spread(range(4_000, 8_000)))
    wait_for(lambda: caught_up(store, topic, [2_000] * 4), process)
    process.stop()

    assert counted(store, topic) == 8_000


@pytest.mark.fault("K1")
def test_counting_follows_the_leaders_of_partitions_and_those_that_have_none_hold_up_no_others(
    three_nodes: dict[str, Any], store: RedisStore
) -> None:
    broker = Broker(three_nodes["bootstrap"], "real")
    fresh, alone, copied = (f"{name}-{uuid.uuid4().hex[:12]}" for name in ("a", "b", "c"))
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    topics = [NewTopic(fresh, PARTITIONS, 1), NewTopic(alone, PARTITIONS, 1), NewTopic(copied, PARTITIONS, 3)]
    for made in admin.create_topics(topics).values():
        made.result(PATIENCE_S)
    produce(broker, copied, spread(range(4_000)), acks="all")
    for topic in (fresh, alone):
        produce(broker, topic, spread(range(400)))
    process = Process(KafkaSource(options(broker), [alone, copied]), store, ACTIVE)
    wait_for(lambda: caught_up(store, copied, [1_000] * 4), process)
    wait_for(lambda: caught_up(store, alone, [100] * 4), process)
    leaders = {n: p.leader for n, p in admin.list_topics(fresh, timeout=60).topics[fresh].partitions.items()}
    os.kill(three_nodes["pids"][leaders[0] - 1], signal.SIGKILL)
    produce(broker, copied, spread(range(4_000, 8_000)), acks="all")
    wait_for(lambda: caught_up(store, copied, [2_000] * 4), process)
    process.stop()
    ranges = KafkaRanges(options(broker), [alone, copied])
    with pytest.raises(KafkaUnavailable, match=f"no leader of {alone}-"):
        ranges.bounds()
    ranges.close()
    process = Process(KafkaSource(options(broker), [fresh, copied]), store, ACTIVE)
    led = [Partition(fresh, number) for number, leader in leaders.items() if leader != leaders[0]]
    wait_for(lambda: all(store.state(partition).next_offset == 100 for partition in led), process)
    process.stop()

    assert counted(store, copied) == 8_000


@pytest.fixture
def three_nodes() -> Iterator[dict[str, Any]]:
    start = Path(SHARED_KAFKA, "start")
    if not start.exists() or kafka_home() is None:
        pytest.skip("needs three Kafka nodes; there is nothing to start them beside the checkout")
    command = [str(start), "--nodes", "3", "--timeout", "240"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        about: dict[str, Any] = json.loads(process.stdout.readline())
        yield about
        for pid in about["pids"]:  # an orderly end takes five seconds, and nobody needs their data
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.communicate()
