from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from worker.demo.broker import broker
from worker.demo.process import DemoError, child, free_port, wait_for_port
from worker.demo.producer import Feed
from worker.demo.run import settings
from worker.demo.scenario import HOUR, Scenario
from worker.demo.valkey import valkey

if TYPE_CHECKING:
    from pathlib import Path

SHORT = Scenario(begin=1_794_880_800, learning_h=2, warm_h=1, shifts=())


@pytest.fixture(autouse=True)
def _own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_valkey_answers_inside_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    with valkey(tmp_path) as url:
        port = int(url.split(":")[2].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(b"PING\r\n")
            assert connection.recv(16) == b"+PONG\r\n"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=30)


def test_a_given_redis_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere:6379/1")
    with valkey(tmp_path) as url:
        assert url == "redis://elsewhere:6379/1"


def test_the_broker_takes_the_turns_and_the_config_is_valid() -> None:
    with broker() as kafka:
        feed = Feed(kafka, SHORT)
        feed.send_until(SHORT.begin + HOUR)
        kafka.producer.flush(60)
        listed = kafka.producer.list_topics(timeout=60).topics
        assert {kafka.topic, kafka.dead_letters} <= set(listed)
        assert len(feed.times) > 300
        assert feed.count(SHORT.begin, SHORT.begin + HOUR) == len(feed.times)
        made = Settings.model_validate(settings(kafka, "redis://127.0.0.1:1/0", 8321, SHORT))
        assert made.kafka.topics == (kafka.topic,)


def test_a_child_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('no such encoder'); raise SystemExit(3)"]
    with child("worker", command, tmp_path / "log") as running, pytest.raises(DemoError) as raised:
        wait_for_port(free_port(), running)
    assert "worker ended with code 3" in str(raised.value)
    assert "no such encoder" in str(raised.value)
