"""`quadrift check` against real servers: all well, a wrong password, a missing topic, an evicting server."""

import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.store import Partition
from config.load import load
from config.settings import Settings
from tests.kafka.support import new_topic, wait_for
from tests.servers import Broker, ValkeyServer
from worker.commands.check import check
from worker.connect import kafka_options
from worker.kafka.source import KafkaSource

SECRET = "s3cr3t-Tr0ub4dor"


@pytest.fixture(scope="module")
def topics(kafka_broker: Broker) -> tuple[str, str]:
    names = f"traces-{uuid.uuid4().hex[:8]}", f"dead-{uuid.uuid4().hex[:8]}"
    for name in names:
        kafka_broker.create_topic(name, 2)
    return names


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"), {"requirepass": SECRET}).start()
    yield server
    server.kill()


def settings(broker: Broker, topics: tuple[str, str], redis: str, **more: str) -> Settings:
    environ = {
        "QUADRIFT__KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap,
        "QUADRIFT__KAFKA__TOPICS": topics[0],
        "QUADRIFT__KAFKA__DEAD_LETTER_TOPIC": topics[1],
        "QUADRIFT__AGENTS": "bot",
        "QUADRIFT__REDIS__URL": redis,
    }
    if broker.api_version:
        environ["QUADRIFT__KAFKA__API_VERSION"] = ".".join(map(str, broker.api_version))
    return load(None, environ | more)


def run(chosen: Settings) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    status = check(chosen, as_json=True, out=out)
    assert SECRET not in out.getvalue()
    return status, {entry["what"]: entry for entry in json.loads(out.getvalue())["checks"]}


def test_all_well(kafka_broker: Broker, topics: tuple[str, str], guarded: ValkeyServer) -> None:
    status, found = run(settings(kafka_broker, topics, guarded.url, QUADRIFT__REDIS__PASSWORD=SECRET))
    assert [] == [entry["says"] for entry in found.values() if not entry["ok"]]
    assert 0 == status
    assert f"{topics[0]} (" in found["kafka"]["says"]


def test_nothing_stays_behind(kafka_broker: Broker, topics: tuple[str, str], guarded: ValkeyServer) -> None:
    run(settings(kafka_broker, topics, guarded.url, QUADRIFT__REDIS__PASSWORD=SECRET))
    with guarded.client(password=SECRET) as client:
        assert 0 == client.dbsize()


def test_a_wrong_redis_password_is_named(
    kafka_broker: Broker, topics: tuple[str, str], guarded: ValkeyServer
) -> None:
    for more in ({}, {"QUADRIFT__REDIS__PASSWORD": f"{SECRET}x"}):
        status, found = run(settings(kafka_broker, topics, guarded.url, **more))
        assert 1 == status
        assert "check redis.username and redis.password" in found["redis"]["says"]
        assert found["kafka"]["ok"]


def test_a_server_that_evicts_is_refused(
    kafka_broker: Broker, topics: tuple[str, str], tmp_path: Path
) -> None:
    server = ValkeyServer(tmp_path, {"maxmemory": "50mb", "maxmemory-policy": "allkeys-lru"}).start()
    try:
        status, found = run(settings(kafka_broker, topics, server.url))
    finally:
        server.kill()
    assert 1 == status
    assert "set it to noeviction" in found["redis"]["says"]


@pytest.mark.parametrize("missing", ["topics", "dead letters"])
def test_a_topic_that_does_not_exist_is_named(
    kafka_broker: Broker, topics: tuple[str, str], guarded: ValkeyServer, missing: str
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster makes every topic that it is asked about")
    asked = ("none-such", topics[1]) if missing == "topics" else (topics[0], "none-such")
    status, found = run(settings(kafka_broker, asked, guarded.url))
    assert 1 == status
    assert "topic none-such does not exist" in found["kafka"]["says"]


@pytest.mark.fault("R9")
def test_counts_that_redis_has_lost_are_named_with_what_to_do(
    kafka_broker: Broker, guarded: ValkeyServer
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster does not list what a group has committed")
    names = new_topic(kafka_broker), new_topic(kafka_broker)
    chosen = settings(kafka_broker, names, guarded.url, QUADRIFT__REDIS__PASSWORD=SECRET)
    source = KafkaSource(kafka_options(chosen.kafka), [names[0]], chosen.redis.prefix)
    wait_for(lambda: source.poll() == {} and Partition(names[0], 0) in source.parked())
    source.place(Partition(names[0], 0), 0)
    source.close({Partition(names[0], 0): 7})
    status, found = run(chosen)
    assert 1 == status
    assert {"counts"} == {what for what, entry in found.items() if not entry["ok"]}
    says = f"redis has lost its state: nothing of {names[0]}-0, counted up to offset 7, is there; restore its"
    assert found["counts"]["says"].startswith(says)
