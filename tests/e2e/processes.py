"""The worker as its users run it: a process of its own, its log read line by line, its HTTP asked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from confluent_kafka import Producer

from tests.servers import _die_with_parent, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PATIENCE_S = 240.0
"""How long to wait for what has to come, however busy the machine: on an idle one it takes a few seconds."""


def eventually(what: str, found: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """Ask until the answer is true, and return it.

    Raises:
        AssertionError: it did not become true in time; the message says what was waited for.
    """
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < limit:
        if answer := found():
            return answer
        pause.wait(0.1)
    raise AssertionError(f"did not happen within {seconds:.0f} s: {what}")


def settings(broker: Broker, valkey: ValkeyServer, prefix: str, topic: str, **over: Any) -> dict[str, Any]:
    """A config for one worker; `over` replaces whole sections."""
    kafka: dict[str, Any] = {
        "bootstrap_servers": [broker.bootstrap],
        "topics": [topic],
        "group": prefix,
        "dead_letter_topic": f"{topic}.dead-letters",
        "session_timeout_ms": 6000,
    }
    if broker.api_version is not None:
        kafka["api_version"] = ".".join(str(part) for part in broker.api_version)
    return {
        "agents": [{"name": "support-agent"}],
        "kafka": kafka,
        "redis": {"url": valkey.url, "prefix": prefix},
        "http": {"port": 0},
        "log": {"format": "json", "level": "info"},
        **over,
    }


@dataclass(slots=True)
class WorkerProcess:
    """One `quadrift run`. Its log lines are JSON, kept in `lines`.

    The first of the processes that share `deadly` to log one of its events is killed at that line. `module`
    is what is run: the worker, or what a test puts in its place.
    """

    config: Mapping[str, Any]
    folder: Path
    name: str = "worker"
    role: str = "all"
    module: str = "worker"
    port: int = field(default_factory=free_port)
    deadly: set[str] = field(default_factory=set)
    lines: list[dict[str, Any]] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None

    def start(self) -> WorkerProcess:
        """Start it; it is not ready yet."""
        path = self.folder / f"{self.name}.yaml"
        path.write_text(yaml.safe_dump({**self.config, "http": {"port": self.port}}), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, "-m", self.module, "run", "--config", str(path), "--role", self.role],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"},  # as in the image
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call, no lock is taken
        )
        self._reader = threading.Thread(target=self._read, args=(self._process.stderr,), daemon=True)
        self._reader.start()
        return self

    def _read(self, stream: Iterable[str]) -> None:
        for line in stream:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"event": line.rstrip()})
            if self.lines[-1].get("level") != "info":
                sys.stderr.write(f"{self.name}: {line}")  # which pytest shows of a test that failed
            if self.lines[-1].get("event") in self.deadly:
                self.deadly.clear()
                self.kill()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.lines if line.get("event") == name]

    def ask(self, path: str, **query: Any) -> httpx.Response | None:
        """What it answers; None while nobody does."""
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", params=query, timeout=30)
        return None

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path; None while nobody answers, or not well."""
        answer = self.ask(path, **query)
        return answer.json() if answer is not None and answer.is_success else None

    def kill(self) -> None:
        """kill -9."""
        self.signal(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """Its exit status, once it has ended and all that it logged is in `lines`."""
        if self._process is None or self._reader is None:
            raise RuntimeError("not started")
        status = self._process.wait(seconds)
        self._reader.join(30)
        return status

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal, if it has not ended."""
        if self.running and self._process is not None:
            self._process.send_signal(number)


def produce(broker: Broker, topic: str, partitions: int, turns: Iterable[tuple[str, bytes]]) -> int:
    """Send (key, value) records, a key always to the same partition; how many there were."""
    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000}
    )
    count = 0
    for key, value in turns:
        producer.produce(topic, value, key, partition=sum(key.encode()) % partitions)
        count += 1
        if count % 5000 == 0:
            producer.poll(0)
    if producer.flush(PATIENCE_S):
        raise RuntimeError("the broker did not take every record")
    return count


@contextlib.contextmanager
def flowing(
    broker: Broker, topic: str, partitions: int, turns: Iterator[tuple[str, bytes]]
) -> Iterator[None]:
    """Inside the block records come, a few thousand a second, as long as there are any."""
    over = threading.Event()

    def flow() -> None:
        while not over.wait(0.05) and produce(broker, topic, partitions, islice(turns, 200)):
            pass

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
