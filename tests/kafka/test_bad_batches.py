"""Batches that cannot be opened are found, told of and jumped over; nobody spins on them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from baselines.store import Partition
from tests.kafka.support import (
    ACTIVE,
    AGENT,
    PARTITIONS,
    PATIENCE_S,
    Process,
    caught_up,
    counted,
    new_topic,
    options,
    produce,
    wait_for,
    widen,
)
from tests.unit.worker.memory_log import START, turn
from worker.kafka.bombs import MOST_BYTES
from worker.kafka.client import MAX_POLL_RECORDS
from worker.kafka.probe import BadBatch, find_bad_batch
from worker.kafka.ranges import KafkaRanges
from worker.kafka.source import KafkaSource
from worker.learning.bookmark import LEARNING_AT

if TYPE_CHECKING:
    from pathlib import Path

    from baselines.redis_store import RedisStore
    from tests.servers import Broker, KafkaServer, ValkeyServer

SQUEEZED = {"compression.type": "zstd", "message.max.bytes": 1_000_000_000}
MIDDLE = b"damaged-here"


def damage(folder: Path, topic: str) -> None:
    """Change one byte of the batch that holds `MIDDLE`, as a disk does."""
    (log,) = (folder / "data" / f"{topic}-0").glob("*.log")
    content = bytearray(log.read_bytes())
    content[content.index(MIDDLE)] ^= 1
    log.write_bytes(content)


@pytest.mark.fault("K11")
def test_a_damaged_batch_is_a_gap_of_its_true_size(
    own_kafka: tuple[KafkaServer, Broker], store: RedisStore
) -> None:
    server, broker = own_kafka
    topic = new_topic(broker, PARTITIONS)
    for first, last in ((0, 50), (50, 100), (100, 150)):
        batch = [(0, turn(number)) for number in range(first, last)]
        produce(broker, topic, [*batch, (0, turn(60, note=MIDDLE.decode()))] if first == 50 else batch)
    server.stop()
    damage(server.folder, topic)
    server.start()
    process = Process(KafkaSource(options(broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [151, 0, 0, 0]), process)
    process.stop()
    ranges = KafkaRanges(options(broker), [topic])
    learned = [offset for chunk in ranges.read(Partition(topic, 0), 0, 151) for offset, _ in chunk]
    ranges.close()

    (gap,) = store.state(Partition(topic, 0)).gaps
    assert (50, 101, 51, "unreadable") == (gap.first, gap.end, gap.records, gap.reason)
    assert (START + 49, START + 100) == (gap.since, gap.until)
    assert counted(store, topic) == 100
    assert process.ledger.stats.lost == {"unreadable": 51}
    assert [*range(50), *range(101, 151)] == learned


@pytest.mark.fault("K11")
def test_a_bomb_is_jumped_over_by_counting_and_by_learning(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    produce(kafka_broker, topic, [(0, turn(0)), (0, turn(1))])
    produce(kafka_broker, topic, [(0, bytes(MOST_BYTES + 1_000))], **SQUEEZED)
    produce(kafka_broker, topic, [(0, turn(number)) for number in (2, 3)], **{"compression.type": "zstd"})
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [5, 0, 0, 0]), process)
    process.stop()
    ranges = KafkaRanges(options(kafka_broker), [topic])
    learned = [offset for chunk in ranges.read(Partition(topic, 0), 0, 5) for offset, _ in chunk]
    ranges.close()

    assert counted(store, topic) == 4
    assert [2] == [gap.first for gap in store.state(Partition(topic, 0)).gaps]
    assert [0, 1, 3, 4] == learned


@pytest.mark.fault("K11")
@pytest.mark.parametrize("line", ["counting", "learning"])
def test_a_bomb_kills_twice_and_is_jumped_over_by_the_third_start(
    line: str, kafka_broker: Broker, topic: str, store: RedisStore, valkey: ValkeyServer, redis_prefix: str
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster is of this process, which must not be killed")
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(10)])
    lay_deadly_bomb(kafka_broker, topic)
    produce(kafka_broker, topic, [(n % 4, turn(n)) for n in range(10, 50)])

    assert [-9, -9, 0] == three_runs(line, kafka_broker, topic, valkey, redis_prefix)
    if line == "learning":
        status = json.loads(store.get(AGENT, "status") or b"")
        assert (50, None) == (status["turns"], store.get(AGENT, LEARNING_AT))
        return
    assert counted(store, topic) == 50
    (gap,) = store.state(Partition(topic, 0)).gaps
    assert (10, 11, 1, "unreadable") == (gap.first, gap.end, gap.records, gap.reason)


def lay_deadly_bomb(broker: Broker, topic: str) -> None:
    """A batch in partition 0 that takes more memory than a doomed process may have."""
    widen(broker, topic, 1_000_000)
    produce(broker, topic, [(0, bytes(300 << 20))], **SQUEEZED)


def three_runs(line: str, broker: Broker, topic: str, valkey: ValkeyServer, prefix: str) -> list[int]:
    """How each of three processes ended that count or learn one after the other."""
    doomed = [sys.executable, "-m", "tests.kafka.doomed", line, broker.bootstrap, topic]
    command = [*doomed, str(valkey.port), prefix]
    return [subprocess.run(command, timeout=PATIENCE_S, check=False).returncode for _ in range(3)]


@pytest.mark.fault("K11")
def test_a_deadly_batch_behind_offsets_without_records_is_not_opened_by_the_third_start_of_learning(
    kafka_broker: Broker, topic: str, store: RedisStore, valkey: ValkeyServer, redis_prefix: str
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster is of this process, which must not be killed")
    leave_a_hole(kafka_broker, topic, MAX_POLL_RECORDS + 3_000)
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(10)])
    lay_deadly_bomb(kafka_broker, topic)
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(10, 50)])

    assert [-9, -9, 0] == three_runs("learning", kafka_broker, topic, valkey, redis_prefix)
    assert 50 == json.loads(store.get(AGENT, "status") or b"")["turns"]


def leave_a_hole(broker: Broker, topic: str, offsets: int) -> None:
    """So many offsets of partition 0 that nobody will ever see a record of, as a compacted log has them."""
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": topic, **SQUEEZED})
    producer.init_transactions(PATIENCE_S)
    producer.begin_transaction()
    for _ in range(offsets):
        producer.produce(topic, value=b"none", partition=0)
    producer.flush(PATIENCE_S)
    producer.abort_transaction(PATIENCE_S)


def test_where_every_batch_can_be_read_none_is_found(kafka_broker: Broker, topic: str) -> None:
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(100)], **{"compression.type": "lz4"})
    assert find_bad_batch(options(kafka_broker), Partition(topic, 0), 5) is None


def test_a_partition_that_starts_over_is_not_jumped_by_what_was_found_before(
    kafka_broker: Broker, topic: str
) -> None:
    produce(kafka_broker, topic, [(0, turn(number)) for number in range(100)])
    partition, source = Partition(topic, 0), KafkaSource(options(kafka_broker), [topic])
    wait_for(lambda: source.poll(10) == {} and partition in source.parked())
    source.place(partition, 20)
    source._detours._ahead[partition] = BadBatch(partition, 70, 80, 50, 70)  # as found at offset 20
    source.park(partition)
    source.place(partition, 0)
    read: list[int] = []

    def all_read() -> bool:
        read.extend(record.offset for record in source.poll(40).get(partition, ()))
        return len(read) == 100

    wait_for(all_read)
    source.close({})
    assert list(range(100)) == read
    assert [] == source.jumps()
