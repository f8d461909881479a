"""Fixtures that every test may use. Each server is started once a run, by the first test that needs it."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.fault_matrix import FaultMatrix
from tests.servers import Broker, KafkaServer, MockKafka, ValkeyServer, kafka_home

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TOLD = 7
"""Failures that are named in the last lines: a log cut to its end must still say which test it was."""

for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)  # or pytest tells differences in full, which takes minutes for large counts
settings.load_profile("ci")  # the same examples each time, on however slow a machine


def _kafka_kind() -> str:
    """Which Kafka the tests of this run talk to."""
    if address := os.environ.get("KAFKA_BOOTSTRAP"):
        return f"real, {address} (KAFKA_BOOTSTRAP)"
    if home := kafka_home():
        return f"real, one node of {home.name} (KAFKA_HOME or the folder beside the checkout)"
    return "mock cluster of librdkafka (for a real broker: KAFKA_BOOTSTRAP, or KAFKA_HOME and Java)"


def pytest_configure(config: pytest.Config) -> None:
    """Tell at the end which faults were tried."""
    config.pluginmanager.register(FaultMatrix(), "fault_matrix")


def pytest_report_header() -> list[str]:
    """Say which servers are used."""
    return [f"kafka: {_kafka_kind()}", "redis: a Valkey process of its own"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Name what failed below everything else, a line each, as pages of differences may stand above."""
    yield
    failed = [*terminalreporter.getreports("failed"), *terminalreporter.getreports("error")]
    if not failed:
        return
    terminalreporter.section(f"{len(failed)} failed", red=True)
    for report in failed[:MOST_TOLD]:
        terminalreporter.line(f"{report.nodeid} {_why(report)}"[:200])
    if len(failed) > MOST_TOLD:
        terminalreporter.line(f"and {len(failed) - MOST_TOLD} more")


def _why(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.partition("\n")[0] if crash else f"({report.when})"


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A Valkey process for the whole run: do not stop or fill it, start your own `ValkeyServer` for that."""
    with tempfile.TemporaryDirectory(prefix="valkey-") as folder:
        server = ValkeyServer(Path(folder)).start()
        yield server
        server.stop()


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """The run's Valkey process. Tests keep apart by `redis_prefix`."""
    return valkey_server


@pytest.fixture
def redis_prefix() -> str:
    """A key prefix of this test alone."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey process of this test alone, started: to be killed, paused or filled."""
    server = ValkeyServer(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka_broker() -> Iterator[Broker]:
    """A broker for the whole run: KAFKA_BOOTSTRAP, else a node of KAFKA_HOME, else the mock cluster."""
    if address := os.environ.get("KAFKA_BOOTSTRAP"):
        yield Broker(address, "real")
        return
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        home = kafka_home()
        server = KafkaServer(home, Path(folder)) if home else MockKafka()
        yield server.start()
        server.stop()
