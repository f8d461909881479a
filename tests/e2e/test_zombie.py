"""A worker that sleeps past its session and wakes up with turns that another has counted by then."""

from __future__ import annotations

import signal
import time
import uuid
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from baselines.connection import connect
from baselines.redis_store import RedisStore
from baselines.store import Partition
from benchmarks.chaos.oracle import differences, expected
from benchmarks.chaos.traffic import logged
from binning.encoders import default_cache, load_encoder
from tests.e2e.counts import caught_up, ends, left
from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from worker.demo.scenario import Scenario, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
HOURS = 30
FIRST, A_NAP = 8_000, 24_000
NAPS = 6
"""One that is caught between two passes holds nothing that could be refused: it is sent to sleep again."""


@pytest.mark.fault("K4")
def test_what_a_worker_holds_when_it_wakes_up_past_its_session_is_refused(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster refuses a sync that a second rebalance overtakes (InvalidRequest)")
    topic = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{topic}.dead-letters", 1)
    kafka_broker.create_topic(topic, PARTITIONS)
    shape = Scenario(latest_begin(time.time(), HOURS + 2), 1, 5000, HOURS - 1, 1, shifts=())
    turns = ((sent.key, sent.record()) for sent in generate(shape))
    config = settings(kafka_broker, valkey, redis_prefix, topic, learn={"at_least": "1h", "turns": 300})
    store = RedisStore(connect(valkey.url), redis_prefix)

    def all_counted() -> bool:
        return caught_up(kafka_broker, valkey, redis_prefix, topic, PARTITIONS)

    produce(kafka_broker, topic, PARTITIONS, islice(turns, FIRST))
    sleeper, other = (WorkerProcess(config, tmp_path, name).start() for name in ("sleeper", "other"))
    eventually("they share", lambda: _share(sleeper, other))
    eventually("the first turns are counted", all_counted)
    for _ in range(NAPS):
        own = [Partition(topic, int(name.rpartition("-")[2])) for name in _placed(sleeper)]
        known = ends(kafka_broker, topic, PARTITIONS)
        batch = list(islice(turns, A_NAP))
        sleeper.signal(signal.SIGSTOP)  # for the moment in which there comes more than it can count at once
        produce(kafka_broker, topic, PARTITIONS, batch)
        sleeper.signal(signal.SIGCONT)
        eventually("the sleeper counts of it", partial(_begun, store, own, known))
        sleeper.signal(signal.SIGSTOP)
        eventually("the other has counted all", all_counted)
        sleeper.signal(signal.SIGCONT)
        eventually("they share again", lambda: _share(sleeper, other))
        if refused := _refused(sleeper):
            break
    assert refused >= 1
    assert sleeper.events("partition_set_back")
    eventually("all is counted", all_counted)
    assert [0, 0] == [sleeper.stop(), other.stop()]
    found = left(valkey, redis_prefix, "support-agent")
    assert found is not None
    encoder = load_encoder("static", cache=default_cache())
    wanted = expected(found, logged(kafka_broker, topic, PARTITIONS), encoder)
    assert differences(wanted, found.counts)[:9] == []


def _begun(store: RedisStore, partitions: Sequence[Partition], known: Sequence[int]) -> bool:
    return any((store.state(p).next_offset or 0) > known[p.number] for p in partitions)


def _share(one: WorkerProcess, other: WorkerProcess) -> bool:
    return len(_placed(one)) == len(_placed(other)) == PARTITIONS // 2


def _placed(worker: WorkerProcess) -> list[str]:
    health = worker.get("/healthz")
    placed: list[str] = health["partitions"]["placed"] if health else []
    return placed


def _refused(worker: WorkerProcess) -> float:
    """Commits of this process that the store refused."""
    answer = eventually("it shows its metrics", lambda: worker.ask("/metrics"))
    samples = (line.rpartition(" ") for line in answer.text.splitlines())
    return sum(float(n) for name, _, n in samples if name == 'quadrift_commits_total{outcome="refused"}')
