"""What the HTTP server answers from: an immutable picture of the store, made anew once a second.

It comes from the store alone, so a worker that is not the leader answers the same as the one that is.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from alerts.verdict import Verdict, decode
from baselines.errors import StoreError
from baselines.followed import followed
from baselines.learned import ACTIVE, Active
from baselines.watermark import EventClock
from worker.judging.verdicts import Histogram

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from baselines.store import Partition, PartitionState, Store

log = structlog.get_logger()

HISTORY = 500
"""Verdicts of an agent that are kept at hand."""
_RECENT = 24
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent: each segment's latest verdict and histograms, newest verdicts (oldest first), learning."""

    name: str
    latest: Mapping[str, Verdict] = field(default_factory=dict)
    history: tuple[Verdict, ...] = ()
    histograms: Mapping[str, Sequence[Histogram]] = field(default_factory=dict)
    status: Mapping[str, Any] = field(default_factory=dict)
    bin_set: str | None = None
    outbox: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that can be asked for, as of the wall clock `at` (0 before the store first answered).

    `watermark` is event time, None while nothing was read; `lagging` are the partitions that hold it back.
    """

    at: float
    agents: Mapping[str, AgentView]
    partitions: Mapping[Partition, PartitionState] = field(default_factory=dict)
    watermark: float | None = None
    lagging: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """An agent's newest verdicts, the last of them as stored, and what `latest` was when they were read."""

    latest: Mapping[str, bytes] = field(default_factory=dict)
    newest: bytes = b""
    verdicts: tuple[Verdict, ...] = ()


class Refresher:
    """Keeps a snapshot fresh in its own thread. While the store is away the last one stands, and ages."""

    def __init__(
        self,
        store: Store,
        agents: Sequence[str],
        topics: Sequence[str],
        *,
        clock: Callable[[], float] = time.time,
        every_s: float = EVERY_S,
    ) -> None:
        self._store = store
        self._topics = frozenset(topics)
        self._clock = clock
        self._every_s = every_s
        self._read = {name: _Read() for name in agents}
        self._event_clock = EventClock()
        self._snapshot = Snapshot(at=0.0, agents={name: AgentView(name) for name in agents})
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshot", daemon=True)

    def __call__(self) -> Snapshot:
        """The newest snapshot."""
        return self._snapshot

    def start(self) -> None:
        """Begin to refresh."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a read under way is waited for."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def refresh(self) -> None:
        """Read the store once.

        Raises:
            StoreError: it did not answer; the last snapshot stands.
        """
        now = self._clock()
        partitions = followed(self._store, self._topics)
        mark = self._event_clock.read(partitions, now)
        agents = {name: self._agent(name) for name in self._read}
        self._snapshot = Snapshot(now, agents, partitions, mark.at, mark.lagging)

    def _run(self) -> None:
        failing = False
        while not self._stopped.is_set():
            try:
                self.refresh()
                failing = False
            except StoreError as error:
                if not failing:
                    log.warning("snapshot_is_ageing", reason=str(error))
                failing = True
            self._stopped.wait(self._every_s)

    def _agent(self, name: str) -> AgentView:
        latest = self._store.fields(name, "latest")
        if latest != self._read[name].latest:
            self._read[name] = self._verdicts(name, latest)
        status, active = self._store.get(name, "status"), self._store.get(name, ACTIVE)
        return AgentView(
            name=name,
            latest={segment: decode(raw) for segment, raw in sorted(latest.items())},
            history=self._read[name].verdicts,
            histograms={
                segment: msgspec.json.decode(raw, type=list[Histogram])
                for segment, raw in self._store.fields(name, "histograms").items()
            },
            status=msgspec.json.decode(status) if status else {},
            bin_set=Active.from_bytes(active).digest if active else None,
            outbox=len(self._store.fields(name, "outbox")),
        )

    def _verdicts(self, agent: str, latest: Mapping[str, bytes]) -> _Read:
        """The newest verdicts; where a few join those known, only the few are read."""
        known = self._read[agent]
        recent = self._store.newest(agent, "verdicts", _RECENT)
        if known.newest in recent:
            fresh = recent[recent.index(known.newest) + 1 :]
            verdicts = (*known.verdicts, *map(decode, fresh))[-HISTORY:]
            return _Read(latest, [known.newest, *fresh][-1], verdicts)
        found = self._store.newest(agent, "verdicts", HISTORY)
        return _Read(latest, found[-1] if found else b"", tuple(map(decode, found)))
