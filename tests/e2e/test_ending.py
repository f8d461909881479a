"""A worker that is told to stop, told twice, or that nobody listens to any more."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid
from itertools import islice
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from baselines.connection import connect
from baselines.redis_store import RedisStore
from baselines.store import Partition
from benchmarks.chaos.oracle import differences, expected
from benchmarks.chaos.traffic import logged
from binning.encoders import default_cache, load_encoder
from tests.e2e.counts import caught_up, ends, left
from tests.e2e.processes import PATIENCE_S, WorkerProcess, eventually, flowing, produce, settings
from tests.servers import _die_with_parent, free_port
from worker.demo.scenario import Scenario, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
LEARN = {"at_least": "1h", "turns": 300}


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    name = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{name}.dead-letters", 1)
    kafka_broker.create_topic(name, PARTITIONS)
    return name


def traffic(hours: int, per_hour: int) -> Iterator[tuple[str, bytes]]:
    begin = latest_begin(time.time(), hours + 2)
    shape = Scenario(begin=begin, turns_per_hour=per_hour, learning_h=hours - 1, warm_h=1, shifts=())
    return ((sent.key, sent.record()) for sent in generate(shape))


@pytest.mark.fault("P1")
def test_sigterm_in_the_middle_leaves_the_group_and_everything_counted_once(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    turns = traffic(hours=30, per_hour=1500)
    produce(kafka_broker, topic, PARTITIONS, islice(turns, 20_000))
    config = settings(kafka_broker, valkey, redis_prefix, topic, learn=LEARN)
    if kafka_broker.kind == "real":  # the mock cluster keeps the place of a member that left
        config["kafka"]["session_timeout_ms"] = 300_000  # so nobody here waits for a session to end
    store = RedisStore(connect(valkey.url), redis_prefix)
    partitions = [Partition(topic, number) for number in range(PARTITIONS)]

    def committed() -> int:
        return sum(store.state(partition).next_offset or 0 for partition in partitions)

    first = WorkerProcess(config, tmp_path, "first").start()
    eventually("it is in the middle", lambda: committed() > 0)
    with flowing(kafka_broker, topic, PARTITIONS, turns):
        asked = time.monotonic()
        assert first.stop() == 0
        assert time.monotonic() - asked < 10
    assert 0 < committed() < sum(ends(kafka_broker, topic, PARTITIONS))

    second = WorkerProcess(config, tmp_path, "second").start()
    eventually("the next one has every partition", lambda: _placed(second))
    eventually("all is counted", lambda: caught_up(kafka_broker, valkey, redis_prefix, topic, PARTITIONS))
    assert second.stop() == 0
    found = left(valkey, redis_prefix, "support-agent")
    assert found is not None
    encoder = load_encoder("static", cache=default_cache())
    wanted = expected(found, logged(kafka_broker, topic, PARTITIONS), encoder)
    assert differences(wanted, found.counts)[:9] == []


def _placed(worker: WorkerProcess) -> bool:
    health = worker.get("/healthz")
    return bool(health) and len(health["partitions"]["placed"]) == PARTITIONS


@pytest.mark.fault("P1")
def test_a_second_signal_ends_it_at_once(
    kafka_broker: Broker, own_valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    produce(kafka_broker, topic, PARTITIONS, traffic(hours=3, per_hour=600))
    config = settings(kafka_broker, own_valkey, redis_prefix, topic, learn=LEARN)
    config["redis"]["timeout_ms"] = 30_000
    worker = WorkerProcess(config, tmp_path).start()
    eventually("it counts", lambda: caught_up(kafka_broker, own_valkey, redis_prefix, topic, PARTITIONS))
    own_valkey.pause()
    worker.signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1.0)

    def ended() -> bool:
        worker.signal(signal.SIGTERM)  # again and again: two that come before the first is seen are one
        return not worker.running

    eventually("it does not wait for the store", ended, 20)
    assert worker.wait() == 128 + signal.SIGTERM
    own_valkey.resume()


@pytest.mark.fault("P4")
def test_a_worker_whose_output_nobody_reads_any_more_goes_on_counting(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    config = settings(kafka_broker, valkey, redis_prefix, topic, learn=LEARN)
    port, path = free_port(), tmp_path / "worker.yaml"
    path.write_text(yaml.safe_dump({**config, "http": {"port": port}}), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "run", "--config", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no lock is taken
    )
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        stream.close()
    produce(kafka_broker, topic, PARTITIONS, traffic(hours=3, per_hour=600))
    eventually("it counts", lambda: caught_up(kafka_broker, valkey, redis_prefix, topic, PARTITIONS))
    assert httpx.get(f"http://127.0.0.1:{port}/livez", timeout=30).is_success
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
