"""While a bad batch is looked for, reading waits, the loop goes on, and our place in the group is kept."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from baselines.store import Partition
from tests.kafka.support import ACTIVE, PARTITIONS, Process, caught_up, counted, options, produce, wait_for
from tests.unit.worker.memory_log import turn
from worker.ingesting.placing import ATTEMPTS
from worker.kafka import probe
from worker.kafka.bombs import MOST_BYTES
from worker.kafka.source import KafkaSource
from worker.records import SourceFailed

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker

BOMB = {"compression.type": "zstd", "message.max.bytes": 1_000_000_000}


def lay_bomb(broker: Broker, topic: str, number: int) -> None:
    """Two turns, a batch that cannot be opened, two more."""
    produce(broker, topic, [(number, turn(n)) for n in (0, 1)])
    produce(broker, topic, [(number, bytes(MOST_BYTES + 1_000))], **BOMB)
    produce(broker, topic, [(number, turn(n)) for n in (2, 3)], **{"compression.type": "zstd"})


def searching(source: KafkaSource) -> int:
    """The other process's id; 0 while there is none."""
    found = source._detours._probe
    return found.pid if found is not None else 0


def reading(broker: Broker, topic: str) -> KafkaSource:
    """A source that has begun all its partitions and come upon the bomb."""
    source = KafkaSource(options(broker), [topic])

    def looks() -> bool:
        source.poll()
        for partition in source.parked():
            source.place(partition, 0)
        return searching(source) != 0

    wait_for(looks)
    return source


@pytest.mark.fault("K11")
def test_the_loop_goes_on_however_long_the_search_takes_and_a_rebalance_changes_nothing(
    kafka_broker: Broker, topic: str
) -> None:
    lay_bomb(kafka_broker, topic, 1)
    source = reading(kafka_broker, topic)
    os.kill(searching(source), signal.SIGSTOP)
    produce(kafka_broker, topic, [(n, turn(n)) for n in range(PARTITIONS)])
    meanwhile = [source.poll() for _ in range(10)]
    source.park(Partition(topic, 1))  # a rebalance, and what is stored is where the bomb lies
    source.place(Partition(topic, 1), 2)
    meanwhile += [source.poll() for _ in range(2)]
    os.kill(searching(source), signal.SIGCONT)
    read = {Partition(topic, n): list[int]() for n in range(PARTITIONS)}

    def all_read() -> bool:
        for partition, records in source.poll().items():
            read[partition] += [record.offset for record in records]
        return [1, 3, 1, 1] == [len(offsets) for offsets in read.values()]

    wait_for(all_read)
    assert [{}] * 12 == meanwhile
    assert [(Partition(topic, 1), 3, "unreadable")] == list(source.jumps())
    assert not source.lost()
    source.close({})


@pytest.mark.fault("K11")
def test_a_search_without_an_end_ends_the_worker_with_a_clear_word(
    kafka_broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "PATIENCE_S", 1.0)
    lay_bomb(kafka_broker, topic, 1)
    source = reading(kafka_broker, topic)
    os.kill(searching(source), signal.SIGSTOP)

    def polled() -> bool:
        source.poll()
        return False

    with pytest.raises(SourceFailed, match="reading from Kafka failed for good: CorruptRecordError"):
        wait_for(polled)
    source.close({})


@pytest.mark.fault("K11")
def test_a_bad_batch_in_every_partition_is_jumped_over_in_each(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster sends nothing more after the first of several bad batches")
    for number in range(PARTITIONS):
        lay_bomb(kafka_broker, topic, number)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: caught_up(store, topic, [5] * PARTITIONS), process)
    process.stop()

    gaps = [gap for number in range(PARTITIONS) for gap in store.state(Partition(topic, number)).gaps]
    assert [(2, 3, "unreadable")] * PARTITIONS == [(gap.first, gap.end, gap.reason) for gap in gaps]
    assert counted(store, topic) == 4 * PARTITIONS
    assert process.ledger.stats.lost == {"unreadable": PARTITIONS}


def test_where_starts_failed_and_no_batch_is_bad_the_place_is_said_and_reading_goes_on(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    produce(kafka_broker, topic, [(1, turn(n)) for n in range(20)])
    for _ in range(ATTEMPTS):
        store.attempt(Partition(topic, 1), 0)
    with capture_logs() as said:
        process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
        wait_for(lambda: caught_up(store, topic, [0, 20, 0, 0]), process)
        process.stop()
    assert [{f"{topic}-1": 0}] == [line["at"] for line in said if line["event"] == "no_bad_batch"]
    assert counted(store, topic) == 20


def test_a_partition_that_was_taken_and_came_back_is_looked_at_once(kafka_broker: Broker, topic: str) -> None:
    produce(kafka_broker, topic, [(1, turn(n)) for n in range(20)])
    partition, source = Partition(topic, 1), KafkaSource(options(kafka_broker), [topic])
    wait_for(lambda: source.poll() == {} and partition in source.parked())
    read: list[int] = []

    def all_read() -> bool:
        read.extend(record.offset for record in source.poll().get(partition, ()))
        return len(read) == 20

    with capture_logs() as said:
        for _ in range(3):
            source.park(partition)
            source.place(partition, 0)
            source.probe(partition, 0)
        wait_for(all_read)
        source.close({})
    assert ["looking_for_a_bad_batch", "no_bad_batch"] == [line["event"] for line in said if "at" in line]
