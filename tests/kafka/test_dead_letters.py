"""Records that are no turns, against a broker: none is lost, and they never drain a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from baselines.store import Partition
from tests.kafka.support import (
    ACTIVE,
    PATIENCE_S,
    Process,
    caught_up,
    counted,
    letters_of,
    new_topic,
    options,
    produce,
    read_back,
    recreate,
    spread,
    wait_for,
    widen,
)
from tests.unit.worker.memory_log import turn
from worker.decode import Malformed, Reason
from worker.ingesting.dead_letters import DeadLetters, DeadLettersUnavailable
from worker.ingesting.sieve import Limits
from worker.kafka.source import KafkaSource
from worker.records import Record

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker


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
        key: ({name: text.decode() for name, text in message.headers()}, message.value())
        for key, message in letters_of(kafka_broker, letters_topic, 4).items()
    }
    assert counted(store, topic) == 3
    assert {f"{topic}-0-1", f"{topic}-1-0", f"{topic}-1-1", f"{topic}-2-0"} == set(found)
    headers, value = found[f"{topic}-1-0"]
    assert headers.pop("detail") == "$.trace_id"
    told = {"reason": "wrong_type", "topic": topic, "partition": "1", "offset": "0", "bytes": "17"}
    assert told == headers
    assert value == b'{"trace_id": [1]}'
    headers, value = found[f"{topic}-2-0"]
    assert headers["reason"] == "too_large"
    assert headers["bytes"] == str(len(five_megabytes))
    assert five_megabytes.startswith(value)
    assert found[f"{topic}-0-1"][1] is None


POISON = (b"\xff\xfe", b"[" * 100_000, b'{"trace_id": "t", "timestamp": NaN}', b'{"trace_id": 7}', None)


@pytest.mark.fault("K9")
def test_a_third_of_poison_costs_no_turn_and_leaves_a_letter_for_each_record(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster keeps a few megabytes of each partition")
    letters_topic = new_topic(kafka_broker, 1)
    records = spread(range(6_000))
    poisoned = [(p, POISON[n % 5] if n % 10 < 3 else value) for n, (p, value) in enumerate(records)]
    produce(kafka_broker, topic, poisoned)
    letters = DeadLetters(options(kafka_broker), letters_topic)
    source = KafkaSource(options(kafka_broker), [topic])
    process = Process(source, store, ACTIVE, letters, Limits(0.5, 200))
    wait_for(lambda: caught_up(store, topic, [1_500] * 4), process)
    process.stop()

    keys = letters_of(kafka_broker, letters_topic, 1_800).keys()
    assert counted(store, topic) == 4_200
    assert {f"{topic}-{n % 4}-{n // 4}" for n in range(6_000) if n % 10 < 3} == keys


@pytest.mark.fault("K10")
def test_nothing_is_committed_while_dead_letters_cannot_be_written(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster deletes no topic")
    letters_topic = new_topic(kafka_broker, 1)
    letters = DeadLetters(options(kafka_broker), letters_topic, flush_s=0.5)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE, letters)
    produce(kafka_broker, topic, spread(range(400)))
    wait_for(lambda: caught_up(store, topic, [100] * 4), process)
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    for deleted in admin.delete_topics([letters_topic]).values():
        deleted.result(PATIENCE_S)
    produce(kafka_broker, topic, [(0, b"bad"), (1, b"bad"), (0, turn(400)), *spread(range(401, 800))])
    wait_for(lambda: process.ledger.stats.held, process)

    assert f"dead letters are not written to topic {letters_topic}" in str(process.ledger.stats.waits_for)
    assert counted(store, topic) < 800
    assert store.state(Partition(topic, 0)).next_offset == 100
    recreate(kafka_broker, letters_topic)
    wait_for(lambda: counted(store, topic) == 800, process)
    process.stop()
    keys = letters_of(kafka_broker, letters_topic, 2).keys()
    assert {f"{topic}-0-100", f"{topic}-1-100"} == keys
    assert process.ledger.stats.waits_for is None


def test_a_letter_that_the_topic_no_longer_takes_is_cut_until_it_does(kafka_broker: Broker) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster has no limit for a topic")
    letters_topic = new_topic(kafka_broker, 1)
    letters = DeadLetters(options(kafka_broker), letters_topic)
    widen(kafka_broker, letters_topic, 50_000)
    letters.put(Partition("turns", 3), Record(7, b"key", b"x" * 300_000), Malformed(Reason.NOT_JSON))
    tried = 0
    while tried < 20:
        try:
            letters.flush()
        except DeadLettersUnavailable:
            tried += 1
        else:
            break
    letters.close()
    (message,) = read_back(kafka_broker, letters_topic, 1, 1)

    assert 0 < len(message.value()) < 50_000
    assert {"bytes": b"300000", "key": b"key"}.items() <= dict(message.headers()).items()


@pytest.mark.fault("K9")
def test_a_bad_deploy_upstream_blocks_its_partition_and_drains_nothing(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    letters_topic = new_topic(kafka_broker, 1)
    produce(kafka_broker, topic, spread(range(400)))
    produce(kafka_broker, topic, [(0, b"{}")] * 500 + [(0, turn(500))])
    limits = Limits(0.5, 50)
    letters = DeadLetters(options(kafka_broker), letters_topic)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE, letters, limits)
    blocked = Partition(topic, 0)
    wait_for(lambda: store.state(blocked).next_offset == 150, process)
    produce(kafka_broker, topic, [(1, turn(501))])
    wait_for(lambda: store.state(Partition(topic, 1)).next_offset == 101, process)

    assert [blocked] == list(process.ledger.blocked)
    assert "at offset 150: more than 50 records in a row are no turns" in process.ledger.blocked[blocked]
    assert store.state(blocked).next_offset == 150
    assert process.ledger.lag[blocked] == 451
    process.stop()

    letters = DeadLetters(options(kafka_broker), letters_topic)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE, letters)
    wait_for(lambda: store.state(blocked).next_offset == 601, process)
    process.stop()
    assert counted(store, topic) == 402
