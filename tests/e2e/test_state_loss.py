"""A store that was emptied is never begun anew in silence: the worker stops and says what to do."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.e2e.counts import caught_up
from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from worker.demo.scenario import Scenario, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
SAYS = "quadrift: redis has lost its state: nothing of"


@pytest.mark.fault("R9")
def test_a_flushed_store_stops_the_worker_each_time_until_another_prefix_is_taken(
    kafka_broker: Broker, own_valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    topic = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{topic}.dead-letters", 1)
    kafka_broker.create_topic(topic, PARTITIONS)
    shape = Scenario(begin=0, turns_per_hour=120, learning_h=3, warm_h=1, shifts=())
    begin = latest_begin(time.time(), shape.end // 3600 + 1)
    played = generate(Scenario(begin=begin, turns_per_hour=120, learning_h=3, warm_h=1, shifts=()))
    produce(kafka_broker, topic, PARTITIONS, ((sent.key, sent.record()) for sent in played))
    over = {"learn": {"at_least": "1h", "turns": 100}}
    config = settings(kafka_broker, own_valkey, redis_prefix, topic, **over)

    def done(prefix: str) -> bool:
        return caught_up(kafka_broker, own_valkey, prefix, topic, PARTITIONS)

    worker = WorkerProcess(config, tmp_path, "first").start()
    eventually("everything is counted", lambda: done(redis_prefix))
    own_valkey.client().flushall()
    assert worker.wait() == 1
    again = WorkerProcess(config, tmp_path, "again").start()
    assert again.wait() == 1

    for ended in (worker, again):
        (said,) = [line["event"] for line in ended.lines if str(line["event"]).startswith(SAYS)]
        assert "restore its backup, or take another redis.prefix" in said
    assert not again.events("learned")

    other = settings(kafka_broker, own_valkey, f"{redis_prefix}-anew", topic, **over)
    other["kafka"]["group"] = config["kafka"]["group"]
    anew = WorkerProcess(other, tmp_path, "anew").start()
    eventually("everything is counted anew", lambda: done(f"{redis_prefix}-anew"))
    assert anew.stop() == 0
