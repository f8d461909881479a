"""A broker that goes down while a worker begins is waited for, as one that is not up yet."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.kafka.support import options
from worker import connect
from worker.connect import await_kafka
from worker.health import Health
from worker.kafka.client import KafkaAway, KafkaOptions, open_admin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker

RESET = struct.pack("ii", 1, 0)


@pytest.fixture
def resetting() -> Iterator[str]:
    """The address of something that takes connections, and resets them at their first bytes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.recv(1)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.fault("K1")
def test_a_connection_that_is_reset_is_a_broker_that_is_away(resetting: str) -> None:
    with pytest.raises(KafkaAway, match="reset by peer"):
        open_admin(KafkaOptions((resetting,), "group", bootstrap_timeout_ms=2_000))


@pytest.mark.fault("K1")
def test_a_broker_that_answers_and_then_goes_down_is_waited_for(
    kafka_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "WAIT_S", 0.01)
    health, goes_down = Health(), [KafkaAway("it goes down"), KafkaAway("it is not up yet")]

    def begin() -> str:
        if goes_down:
            raise goes_down.pop()
        return "begun"

    assert "begun" == await_kafka(begin, options(kafka_broker), health, threading.Event())
    assert (None, []) == (health.waits_for, goes_down)
