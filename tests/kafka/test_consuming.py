"""The consumer against a broker: every record is counted once, whatever the log and the group look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from baselines.store import Outcome, Partition
from tests.kafka.support import (
    ACTIVE,
    PATIENCE_S,
    Process,
    caught_up,
    counted,
    options,
    produce,
    spread,
    wait_for,
)
from tests.unit.worker.memory_log import turn
from worker.ingesting.dead_letters import DeadLetters
from worker.kafka import patience
from worker.kafka.client import KafkaUnavailable
from worker.kafka.ranges import KafkaRanges
from worker.kafka.source import KafkaSource

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


@pytest.mark.fault("K3")
def test_a_storm_of_members_that_come_and_go_counts_exactly(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster refuses a sync that a second rebalance overtakes (InvalidRequest)")
    shared = options(kafka_broker)
    steady = Process(KafkaSource(shared, [topic]), store, ACTIVE)
    guests: list[Process] = []
    for round_ in range(12):
        produce(kafka_broker, topic, spread(range(round_ * 400, (round_ + 1) * 400)))
        guests.append(Process(KafkaSource(shared, [topic]), store, ACTIVE))
        if len(guests) > 2:
            guests.pop(0).stop(crash=round_ % 4 == 0)
    for guest in guests:
        guest.stop()
    wait_for(lambda: caught_up(store, topic, [1_200] * 4), steady)
    steady.stop()

    assert counted(store, topic) == 4_800


@pytest.mark.fault("K4")
def test_a_member_asleep_past_its_session_overwrites_nothing(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster refuses a sync that a second rebalance overtakes (InvalidRequest)")
    produce(kafka_broker, topic, spread(range(400)))
    sleeper = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [100] * 4), sleeper)
    chains = dict(sleeper.ledger._chains)
    sleeper.stop(crash=True)
    produce(kafka_broker, topic, spread(range(400, 800)))
    owner = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [200] * 4), owner)
    stale = []
    for chain in chains.values():  # what it had read before it fell asleep, committed when it wakes up
        chain.next += 50
        stale.append(store.commit(chain.commit(caught_up=False, at=0.0)))
    owner.stop()

    assert [Outcome.REFUSED] * 4 == stale
    assert counted(store, topic) == 800


@pytest.mark.fault("K13")
@pytest.mark.parametrize("poll_ms", [patience.POLL_MS, 1], ids=["usual", "hasty"])
def test_partitions_that_are_added_are_read_from_their_beginning_however_often_a_poll_ends_while_joining(
    kafka_broker: Broker, topic: str, store: RedisStore, monkeypatch: pytest.MonkeyPatch, poll_ms: int
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster adds no partitions")
    monkeypatch.setattr(patience, "POLL_MS", poll_ms)
    source = KafkaSource(options(kafka_broker, metadata_max_age_ms=1_000), [topic])
    process = Process(source, store, ACTIVE)
    produce(kafka_broker, topic, spread(range(400)))
    wait_for(lambda: caught_up(store, topic, [100] * 4), process)
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    for made in admin.create_partitions([NewPartitions(topic, 6)]).values():
        made.result(PATIENCE_S)
    wait_for(lambda: len(admin.list_topics(topic, timeout=60).topics[topic].partitions) == 6, process)
    produce(kafka_broker, topic, [(4 + number % 2, turn(number)) for number in range(400, 600)])
    wait_for(lambda: caught_up(store, topic, [100] * 6), process)
    process.stop()

    assert counted(store, topic, partitions=6) == 600
