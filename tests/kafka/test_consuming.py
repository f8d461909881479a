"""The consumer against a broker: every record is counted once, whatever the log and the group look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.store import Partition
from tests.kafka.support import (
    ACTIVE,
    Process,
    caught_up,
    counted,
    options,
    produce,
    spread,
    wait_for,
)
from tests.unit.worker.memory_log import turn
from worker.dead_letters import DeadLetters
from worker.kafka_client import KafkaUnavailable
from worker.ranges import KafkaRanges
from worker.source import KafkaSource

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker


@pytest.mark.fault("K3")
def test_every_record_is_counted_once_over_joins_and_leaves_of_the_group(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster refuses a sync that a second rebalance overtakes (InvalidRequest)")
    shared = options(kafka_broker)
    produce(kafka_broker, topic, spread(range(4_000)))
    first = Process(KafkaSource(shared, [topic]), store, ACTIVE)
    wait_for(lambda: counted(store, topic) > 0, first)
    second = Process(KafkaSource(shared, [topic]), store, ACTIVE)
    produce(kafka_broker, topic, spread(range(4_000, 8_000)))
    wait_for(lambda: bool(second.ledger._chains), first, second)
    produce(kafka_broker, topic, spread(range(8_000, 12_000)))
    wait_for(lambda: caught_up(store, topic, [3_000] * 4), first, second)
    first.stop()
    produce(kafka_broker, topic, spread(range(12_000, 16_000)))
    wait_for(lambda: caught_up(store, topic, [4_000] * 4), second)
    third = Process(KafkaSource(shared, [topic]), store, ACTIVE)
    produce(kafka_broker, topic, spread(range(16_000, 20_000)))
    second.stop(crash=True)
    wait_for(lambda: caught_up(store, topic, [5_000] * 4), third)
    third.stop()

    assert counted(store, topic) == 20_000


def test_a_restarted_worker_goes_on_from_the_store(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    for run in range(3):
        produce(kafka_broker, topic, spread(range(run * 400, (run + 1) * 400)))
        process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
        wait_for(lambda end=(run + 1) * 100: caught_up(store, topic, [end] * 4), process)  # type: ignore[misc]
        process.stop()

    assert counted(store, topic) == 1_200


def test_a_range_is_read_to_its_end_and_no_further(kafka_broker: Broker, topic: str) -> None:
    produce(kafka_broker, topic, spread(range(4_000)))
    ranges = KafkaRanges(options(kafka_broker), [topic])
    partition = Partition(topic, 1)
    bounds = ranges.bounds()
    offsets = [offset for chunk in ranges.read(partition, 10, 900) for offset, _ in chunk]
    values = [value for chunk in ranges.read(Partition(topic, 2), 0, 1_000) for _, value in chunk]
    nothing = list(ranges.read(partition, 5, 5))
    ranges.close()

    assert {Partition(topic, number): (0, 1_000) for number in range(4)} == bounds
    assert list(range(10, 900)) == offsets
    assert [turn(number, words=number % 7 + 1) for number in range(2, 4_000, 4)] == values
    assert nothing == []


def test_a_topic_that_does_not_exist_is_named_at_the_start(kafka_broker: Broker) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster makes every topic that is asked for")
    with pytest.raises(
        KafkaUnavailable, match=r"^topic no-such-topic does not exist at 127\.0\.0\.1:\d+; create it"
    ):
        KafkaSource(options(kafka_broker), ["no-such-topic"])
    with pytest.raises(KafkaUnavailable, match="topic no-such-letters does not exist"):
        DeadLetters(options(kafka_broker), "no-such-letters")


def test_kafka_is_told_how_far_we_got(kafka_broker: Broker, topic: str, store: RedisStore) -> None:
    from kafka import TopicPartition  # noqa: PLC0415

    shared = options(kafka_broker)
    produce(kafka_broker, topic, spread(range(400)))
    process = Process(KafkaSource(shared, [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [100] * 4), process)
    process.stop()
    follower = KafkaSource(shared, [topic])
    told = follower._consumer.committed(TopicPartition(topic, 0))
    follower.close({})

    assert told == 100


def test_aborted_transactions_are_stepped_over(kafka_broker: Broker, topic: str, store: RedisStore) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster writes no transaction markers")
    from confluent_kafka import Producer  # noqa: PLC0415

    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap, "transactional.id": topic})
    producer.init_transactions(20)
    for attempt, commits in enumerate((True, False, True, False)):
        producer.begin_transaction()
        for number in range(5):
            producer.produce(topic, value=turn(attempt * 5 + number), partition=0)
        producer.flush(20)  # an abort would throw away what was not sent yet
        (producer.commit_transaction if commits else producer.abort_transaction)(20)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [24, 0, 0, 0]), process)
    process.stop()
    ranges = KafkaRanges(options(kafka_broker), [topic])
    offsets = [offset for chunk in ranges.read(Partition(topic, 0), 0, 24) for offset, _ in chunk]
    ranges.close()

    assert counted(store, topic) == 10
    assert offsets == [0, 1, 2, 3, 4, 12, 13, 14, 15, 16]
