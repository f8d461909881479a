"""The consumer against a broker: exact counts over rebalances, gaps, dead letters, recreated topics."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from baselines.redis_store import RedisStore
from baselines.store import TURNS, Commit, Outcome, Partition, Switch
from tests.kafka.support import AGENT, Process, new_topic, options, produce, read_back, wait_for
from tests.servers import KafkaServer, kafka_home
from tests.unit.worker.memory_log import turn
from tests.unit.worker.test_ingest import BINS
from worker.chain import ActiveBinSet
from worker.dead_letters import DeadLetters
from worker.kafka_client import KafkaUnavailable
from worker.ranges import KafkaRanges
from worker.records import SourceFailed
from worker.source import KafkaSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

ACTIVE = {AGENT: ActiveBinSet(BINS, {})}
PARTITIONS = 4


def counted(store: RedisStore, topic: str) -> int:
    total: Counter[str] = Counter()
    for number in range(PARTITIONS):
        for delta in store.read(Partition(topic, number), AGENT, BINS.digest, {}, {}).minutes.values():
            total.update(delta.counts)
    return total[TURNS]


def caught_up(store: RedisStore, topic: str, ends: Sequence[int]) -> bool:
    states = [store.state(Partition(topic, number)) for number in range(len(ends))]
    return all(state.next_offset == end and state.caught_up for state, end in zip(states, ends, strict=True))


def spread(numbers: range) -> list[tuple[int, bytes | None]]:
    return [(number % PARTITIONS, turn(number, words=number % 7 + 1)) for number in numbers]


@pytest.fixture
def store(valkey: ValkeyServer, redis_prefix: str) -> RedisStore:
    return RedisStore(valkey.client(), redis_prefix)


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    return new_topic(kafka_broker, PARTITIONS)


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


@pytest.mark.fault("K9")
def test_bad_records_become_dead_letters_that_say_where_they_came_from(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    letters_topic = new_topic(kafka_broker, 1)
    five_megabytes = turn(1, words=1_000_000)
    produce(
        kafka_broker,
        topic,
        [(0, turn(0)), (0, None), (1, b'{"trace_id": [1]}'), (1, b"\xff\xfe"), (0, turn(2))],
    )
    if kafka_broker.kind == "real":
        widen(kafka_broker, topic, 10_000_000)
    produce(kafka_broker, topic, [(2, five_megabytes), (2, turn(3))], **{"message.max.bytes": 10_000_000})
    letters = DeadLetters(options(kafka_broker), letters_topic)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE, letters)
    wait_for(lambda: caught_up(store, topic, [3, 2, 2, 0]), process)
    process.stop()

    found = {
        message.key().decode(): ({name: text.decode() for name, text in message.headers()}, message.value())
        for message in read_back(kafka_broker, letters_topic, PARTITIONS, 4)
    }
    assert counted(store, topic) == 3
    assert {f"{topic}-0-1", f"{topic}-1-0", f"{topic}-1-1", f"{topic}-2-0"} == set(found)
    headers, value = found[f"{topic}-1-0"]
    assert (
        headers
        == {
            "reason": "missing_key",
            "detail": "$.timestamp",
            "topic": topic,
            "partition": "1",
            "offset": "0",
        }
        or headers["detail"] == "$.trace_id"
    )
    assert value == b'{"trace_id": [1]}'
    headers, value = found[f"{topic}-2-0"]
    assert headers["reason"] == "too_large"
    assert headers["cut_from_bytes"] == str(len(five_megabytes))
    assert five_megabytes.startswith(value)
    assert found[f"{topic}-0-1"][1] is None


def widen(broker: Broker, topic: str, size: int) -> None:
    """Let a topic take larger messages."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, topic, set_config={"max.message.bytes": str(size)})
    for changed in admin.alter_configs([resource]).values():
        changed.result(20)


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


@pytest.mark.fault("K12")
def test_a_recreated_topic_stops_the_worker_before_it_counts_anything(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster has no topic ids")
    produce(kafka_broker, topic, spread(range(400)))
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [100] * 4), process)
    process.stop()
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    for deleted in admin.delete_topics([topic]).values():
        deleted.result(20)
    recreate(kafka_broker, topic)
    produce(kafka_broker, topic, spread(range(800)))

    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    with pytest.raises(SourceFailed, match="is not the one that was counted"):
        wait_for(lambda: False, process, seconds=20)
    process.source.close({})
    assert counted(store, topic) == 400


def recreate(broker: Broker, topic: str) -> None:
    """Deletion is finished a moment after it was answered."""
    limit = time.monotonic() + 20
    while True:
        try:
            broker.create_topic(topic, PARTITIONS)
        except Exception:
            if time.monotonic() > limit:
                raise
        else:
            return


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


@pytest.mark.fault("K12")
def test_records_that_the_log_dropped_are_a_gap(kafka_broker: Broker, topic: str, store: RedisStore) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster deletes no records")
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    produce(kafka_broker, topic, [(0, turn(number)) for number in range(100)])
    active = {AGENT: ActiveBinSet(BINS, {Partition(topic, 0): 10})}
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 40)]).values():
        deleted.result(20)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, active)
    wait_for(lambda: caught_up(store, topic, [100, 0, 0, 0]), process)
    process.stop()

    assert counted(store, topic) == 60
    assert process.ledger.stats.lost == {"dropped": 30}


@pytest.mark.fault("K12")
def test_an_offset_beyond_the_end_of_the_log_stops_the_worker(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster answers such a fetch with nothing")
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(10)])
    source = KafkaSource(options(kafka_broker), [topic])
    switch = [Switch(AGENT, "", BINS.digest)]
    commit = Commit(
        Partition(topic, 0),
        None,
        11,
        source.topic_id(topic),
        {},
        switch,
        None,
        caught_up=False,
        at=0.0,
        buckets={},
    )
    assert store.commit(commit) is Outcome.APPLIED
    process = Process(source, store, ACTIVE)

    with pytest.raises(SourceFailed, match=r"ends at 10, but has been read up to 11: .* redis\.prefix"):
        wait_for(lambda: False, process, seconds=20)
    process.stop(crash=True)


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
