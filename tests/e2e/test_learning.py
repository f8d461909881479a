"""Learning is done once, whoever dies meanwhile; agents that appear later are learned when they can be."""

from __future__ import annotations

import heapq
import time
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from baselines.connection import connect
from baselines.redis_store import RedisStore
from benchmarks.chaos.oracle import differences
from tests.e2e.counts import Left, caught_up, left
from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from tests.unit.worker.test_bookmark import Looked
from worker.demo.scenario import HOUR, Scenario, latest_begin
from worker.demo.traffic import Sent, generate
from worker.learning.bookmark import LEARNING_AT, THIS_PROCESS, Bookmark, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
AGENT = "support-agent"


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    name = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{name}.dead-letters", 1)
    kafka_broker.create_topic(name, PARTITIONS)
    return name


def traffic(begin: int, hours: int, per_hour: int, seed: int = 7) -> Iterator[Sent]:
    played = Scenario(
        begin=begin, seed=seed, turns_per_hour=per_hour, learning_h=hours - 1, warm_h=1, shifts=()
    )
    return generate(played)


def records(sent: Iterable[Sent]) -> Iterator[tuple[str, bytes]]:
    return ((one.key, one.record()) for one in sent)


@pytest.mark.fault("P2")
def test_a_leader_killed_while_learning_leaves_the_same_bin_set_reference_and_counts(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    begin = latest_begin(time.time(), 30)
    produce(kafka_broker, topic, PARTITIONS, records(traffic(begin, 28, 200)))

    def finished(prefix: str) -> Left | None:
        done = caught_up(kafka_broker, valkey, prefix, topic, PARTITIONS)
        return left(valkey, prefix, AGENT) if done else None  # in this order: counts move until it is done

    alone = WorkerProcess(
        settings(kafka_broker, valkey, f"{redis_prefix}-1", topic), tmp_path, "alone"
    ).start()
    undisturbed: Left = eventually("one process is done", lambda: finished(f"{redis_prefix}-1"))
    assert alone.stop() == 0

    config = settings(kafka_broker, valkey, f"{redis_prefix}-2", topic)
    deadly = {"learning_bin_set"}
    pair = [WorkerProcess(config, tmp_path, name, deadly=deadly).start() for name in ("one", "other")]
    leader = eventually("one of them learns and dies of it", lambda: [w for w in pair if not w.running])[0]
    survivor = next(worker for worker in pair if worker is not leader)
    disturbed: Left = eventually("the other is done", lambda: finished(f"{redis_prefix}-2"))
    assert survivor.stop() == 0

    assert not leader.events("active")
    assert undisturbed.bin_set == disturbed.bin_set
    assert undisturbed.reference == disturbed.reference
    assert undisturbed.active == disturbed.active
    assert differences(undisturbed.counts, disturbed.counts)[:9] == []
    assert undisturbed.turns > 200


def test_an_agent_that_appears_an_hour_later_is_learned_and_counted_beside_the_first(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    begin = latest_begin(time.time(), 10)
    first = (_of("first", sent) for sent in traffic(begin, 8, 600))
    second = (_of("second", sent) for sent in traffic(begin + HOUR, 7, 600, seed=8))
    merged = list(heapq.merge(first, second, key=lambda sent: sent.at))
    early = [sent for sent in merged if sent.at < begin + 2 * HOUR]
    late = merged[len(early) :]
    over: dict[str, Any] = {
        "agents": [{"name": name, "match": {"agent": name}} for name in ("first", "second")],
        "learn": {"at_least": "1h", "turns": 200},
    }
    produce(kafka_broker, topic, PARTITIONS, records(early))
    worker = WorkerProcess(settings(kafka_broker, valkey, redis_prefix, topic, **over), tmp_path).start()
    eventually("the first agent is counted", lambda: len(_adopted(worker, "first")) == PARTITIONS)
    assert left(valkey, redis_prefix, "second") is None

    produce(kafka_broker, topic, PARTITIONS, records(late))
    eventually("the second agent is counted", lambda: len(_adopted(worker, "second")) == PARTITIONS)
    eventually("all is read", lambda: caught_up(kafka_broker, valkey, redis_prefix, topic, PARTITIONS))

    for agent in ("first", "second"):
        found = left(valkey, redis_prefix, agent)
        assert found is not None
        starts = {
            entry["partition"]: max(entry["offset"], _end(found, entry["partition"]))
            for entry in _adopted(worker, agent)
        }
        assert _turns_from(merged, topic, agent, starts) == found.turns
        assert found.active.turns >= 200
    assert worker.stop() == 0


def test_a_process_told_to_stop_while_it_fits_bins_has_not_died(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    produce(kafka_broker, topic, PARTITIONS, records(traffic(latest_begin(time.time(), 30), 28, 100)))
    store = RedisStore(connect(valkey.url), redis_prefix)

    def fits() -> bool:
        return not noted(store).topic

    config = settings(kafka_broker, valkey, redis_prefix, topic)
    worker = WorkerProcess(config, tmp_path, module="tests.e2e.fits_for_ever").start()
    eventually("it fits bins", fits)
    assert worker.stop() == 0
    following = Bookmark(AGENT, store, store.token(AGENT))
    following.look(Looked())
    following.fits()
    assert Place(process=THIS_PROCESS) == noted(store)


def noted(store: RedisStore) -> Place:
    """Where learning is."""
    place = store.get(AGENT, LEARNING_AT)
    return msgspec.json.decode(place, type=Place) if place is not None else Place("nowhere")


def _of(agent: str, sent: Sent) -> Sent:
    sent.turn["agent"] = agent
    return sent


def _adopted(worker: WorkerProcess, agent: str) -> list[dict[str, Any]]:
    return [line for line in worker.events("agent_adopted") if line["agent"] == agent]


def _end(found: Left, partition: str) -> int:
    return next(r.end for r in found.active.ends if str(r.partition) == partition)


def _turns_from(merged: list[Sent], topic: str, agent: str, starts: dict[str, int]) -> int:
    """How many of the agent's turns lie at or behind the offset that counting began with."""
    offsets: Counter[str] = Counter()
    count = 0
    for sent in merged:
        partition = f"{topic}-{sum(sent.key.encode()) % PARTITIONS}"
        count += sent.turn["agent"] == agent and offsets[partition] >= starts[partition]
        offsets[partition] += 1
    return count
