"""The whole worker over real sockets: a Kafka-protocol broker, Valkey, receivers of alerts, HTTP."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from tests.integration.alerts.conftest import Answer, Receiver
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
READY = {"status": "ok", "problems": []}


def scenario(*shifts: Shift) -> Scenario:
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=2, shift_h=3, calm_h=4, shifts=shifts)
    begin = latest_begin(time.time(), shape.end // 3600 + 1)
    return Scenario(begin=begin, turns_per_hour=300, warm_h=2, shift_h=3, calm_h=4, shifts=shifts)


def records(played: Scenario) -> Iterator[tuple[str, bytes]]:
    for sent in generate(played):
        yield sent.key, sent.record()


@pytest.fixture
def topic(kafka_broker: Broker) -> str:
    name = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{name}.dead-letters", 1)
    kafka_broker.create_topic(name, PARTITIONS)
    return name


@pytest.fixture
def slack() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def pagerduty() -> Iterator[Receiver]:
    server = Receiver()
    server.answer(Answer(202, b'{"status":"success"}'))
    yield server
    server.stop()


def test_a_silent_model_update_is_found_told_once_and_resolved(
    kafka_broker: Broker,
    valkey: ValkeyServer,
    redis_prefix: str,
    topic: str,
    slack: Receiver,
    pagerduty: Receiver,
    tmp_path: Path,
) -> None:
    played = scenario(Shift.MODEL)
    sent = produce(kafka_broker, topic, PARTITIONS, records(played))
    produce(kafka_broker, topic, PARTITIONS, [("x", b'{"trace_id": "secret words", "timestamp": "never"}')])
    paging = {"routing_key": "k" * 32, "url": pagerduty.url}
    sinks = {"slack": {"webhook_url": slack.url}, "pagerduty": paging}
    config = settings(kafka_broker, valkey, redis_prefix, topic, alerts={"sinks": sinks, "max_age": "30d"})
    worker = WorkerProcess(config, tmp_path, "leader").start()
    replica = WorkerProcess(config, tmp_path, "replica").start()

    def told() -> bool:
        return len(pagerduty.requests) >= 2 and len(slack.requests) >= 2

    eventually("both sinks are told of the episode and of its end", told)

    actions = [body["event_action"] for _, body in pagerduty.requests]
    assert actions == ["trigger", "resolve"]
    assert len({body["dedup_key"] for _, body in pagerduty.requests}) == 1
    assert len(slack.requests) == 2
    assert "system_changed" in json.dumps(slack.requests[0][1])
    assert "/playbooks/system_changed" in json.dumps(slack.requests[0][1])

    psi = eventually("the leader answers", lambda: worker.get("/v1/psi"))
    assert psi["status"] == "ok"
    newest = eventually("the replica has the same verdicts", lambda: _same(worker, replica))
    assert newest["quadrant"] == "steady"
    page = eventually("the page is served", lambda: _text(worker, "/playbooks/system_changed"))
    assert "system" in page.lower()
    assert sent > 5000
    assert "secret words" not in json.dumps(worker.lines + replica.lines)
    assert [worker.stop(), replica.stop()] == [0, 0]


def test_counting_and_judging_work_split_over_two_processes(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, topic: str, tmp_path: Path
) -> None:
    produce(kafka_broker, topic, PARTITIONS, records(scenario()))
    config = settings(kafka_broker, valkey, redis_prefix, topic)
    pair = [WorkerProcess(config, tmp_path, role, role).start() for role in ("judge", "ingest")]

    def verdict() -> Any:
        answer = pair[1].get("/v1/psi")
        return answer and answer["quadrant"]

    assert eventually("the one that counts answers what the other judged", verdict) == "steady"
    eventually("both are ready", lambda: [w.get("/readyz") for w in pair] == [READY, READY])
    assert [w.stop() for w in pair] == [0, 0]
    assert [bool(w.events("agent_adopted")) for w in pair] == [False, True]
    assert [bool(w.events("leading")) for w in pair] == [True, False]


def _same(one: WorkerProcess, other: WorkerProcess) -> dict[str, Any] | None:
    found = [w.get("/v1/verdicts", limit=50) for w in (one, other)]
    if None in found or found[0]["verdicts"] != found[1]["verdicts"]:
        return None
    verdict: dict[str, Any] = found[0]["verdicts"][0]
    return verdict


def _text(worker: WorkerProcess, path: str) -> str | None:
    answer = worker.ask(path)
    return answer.text if answer is not None and answer.is_success else None
