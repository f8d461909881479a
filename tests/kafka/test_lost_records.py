"""Records that cannot be had, and logs that are not the same any more, against a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from baselines.store import Commit, Outcome, Partition, Switch
from tests.kafka.support import (
    ACTIVE,
    AGENT,
    PATIENCE_S,
    Process,
    caught_up,
    counted,
    options,
    produce,
    recreate,
    spread,
    wait_for,
)
from tests.unit.worker.memory_log import turn
from tests.unit.worker.test_ingest import BINS
from worker.ingesting.chain import ActiveBinSet
from worker.kafka.source import KafkaSource
from worker.records import SourceFailed

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker


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
        deleted.result(PATIENCE_S)
    recreate(kafka_broker, topic)
    produce(kafka_broker, topic, spread(range(800)))

    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    with pytest.raises(SourceFailed, match="is not the one that was counted"):
        wait_for(lambda: False, process)
    process.source.close({})
    assert counted(store, topic) == 400


@pytest.mark.fault("K12")
def test_records_that_the_log_dropped_are_a_gap(kafka_broker: Broker, topic: str, store: RedisStore) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster deletes no records")
    from confluent_kafka import TopicPartition  # noqa: PLC0415

    produce(kafka_broker, topic, [(0, turn(number)) for number in range(100)])
    active = {AGENT: ActiveBinSet(BINS, {Partition(topic, 0): 10})}
    admin = AdminClient({"bootstrap.servers": kafka_broker.bootstrap})
    for deleted in admin.delete_records([TopicPartition(topic, 0, 40)]).values():
        deleted.result(PATIENCE_S)
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
        wait_for(lambda: False, process)
    process.stop(crash=True)
