"""What only the leader does, in short slices: learn agents that are new, judge the others.

Every process runs both lines; only the one that holds the lease does anything. Whatever goes wrong in a
slice, what is only in memory is dropped and read again from the store.
"""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from baselines.errors import StoreUnavailable
from baselines.learned import ACTIVE, Active
from baselines.store import Put
from baselines.watermark import watermark
from worker.dead_letters import DeadLettersUnavailable
from worker.kafka_client import KafkaUnavailable
from worker.learn import DeposedError
from worker.placing import state_lost
from worker.reclustering import asked_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from baselines.lease import Lease
    from baselines.store import AgentStore, Partition, PartitionState, Store
    from baselines.watermark import Watermark
    from worker.health import Health
    from worker.judge import AgentJudge
    from worker.learn import Learner
    from worker.reclustering import Reclusterer

log = structlog.get_logger()

_STEPS_A_SLICE = 12
_IDLE_S = 0.5
PASSING = (StoreUnavailable, KafkaUnavailable, DeadLettersUnavailable)
"""What passes by itself: the slice is tried again."""


class Leadership:
    """Renews the lease in its own thread, so that no slice, however long, loses it."""

    def __init__(self, lease: Lease, ttl_s: float, health: Health) -> None:
        self._lease = lease
        self._ttl_s = ttl_s
        self._health = health
        self._turn = threading.Lock()
        self._token: int | None = None
        self._until = 0.0

    @property
    def token(self) -> int | None:
        """The fencing token while the lease is ours, None otherwise."""
        return self._token if time.monotonic() < self._until else None

    def run(self, stop: threading.Event) -> None:
        """Take or renew the lease until told to stop, then give it up."""
        while not stop.is_set():
            self.renew()
            stop.wait(self._ttl_s / 3)
        self.renounce()

    def renounce(self) -> None:
        """Give up the token: a write without an answer may still land, and must not pass for a later one."""
        with self._turn:
            self._token, self._until = None, 0.0
            try:
                self._lease.release()
            except StoreUnavailable as error:
                self._health.store_failed(str(error))  # the lease then expires by itself

    def renew(self) -> None:
        """One attempt to take or renew the lease."""
        with self._turn:
            asked = time.monotonic()
            try:
                token = self._lease.acquire()
            except StoreUnavailable as error:
                self._health.store_failed(str(error))
                return
            self._health.store_answered(time.monotonic())
            if token is not None and token != self._token:
                log.info("leading", token=token)
            if token is None and self._token is not None:
                log.info("no_longer_leading")
            self._token = token
            self._until = asked + self._ttl_s if token is not None else 0.0


class Line(Protocol):
    """One line of the leader's work."""

    def slice(self, token: int) -> bool:
        """Do a little of it; whether there is more to do at once."""

    def forget(self) -> None:
        """Drop what is only in memory; the store has the truth."""


def lead(line: Line, leadership: Leadership, stop: threading.Event, beat: Callable[[], None]) -> None:
    """Slices of a line while we lead, until told to stop. `beat` says that the thread lives."""
    failing = False
    while not stop.is_set():
        beat()
        token, busy = leadership.token, False
        if token is None:
            line.forget()
        else:
            try:
                busy = line.slice(token)
                failing = False
            except DeposedError:
                line.forget()
            except PASSING as error:
                line.forget()
                if isinstance(error, StoreUnavailable):
                    leadership.renounce()
                if not failing:
                    log.warning("line_waits", line=type(line).__name__, reason=str(error))
                failing = True
        if not busy:
            stop.wait(_IDLE_S)
    line.forget()


@dataclass(slots=True)
class Learning:
    """Learns the agents that nobody has learned yet (`learner`), or anew, as asked (`reclusterer`)."""

    agents: tuple[str, ...]
    store: AgentStore
    learner: Callable[[str], Learner]
    reclusterer: Callable[[str], Reclusterer]
    _learners: dict[str, Learner] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """As Line."""
        for agent in list(self._learners):
            self._learners.pop(agent).close()

    def slice(self, token: int) -> bool:
        """As Line: learn what can be learned now, and make it active together."""
        learned = {}
        for agent in self.agents:
            if self.store.get(agent, ACTIVE) is None:
                if agent not in self._learners:
                    self._learners[agent] = self.learner(agent)
                if (found := self._learners[agent].step(token)) is not None:
                    learned[agent] = found
            elif asked_for(self.store, agent):
                self._recluster(agent, token)
        self._activate(learned, token)
        return False

    def _recluster(self, agent: str, token: int) -> None:
        with closing(self.reclusterer(agent)) as reclusterer:
            reclusterer.run(token)

    def _activate(self, learned: dict[str, Active], token: int) -> None:
        """Make the agents of this round active; each names all, so that none starts without the others."""
        names = tuple(sorted(learned))
        for agent in names:
            active = msgspec.structs.replace(learned[agent], round=names)
            if not self.store.write(agent, token, [Put(ACTIVE, active.to_bytes())]):
                raise DeposedError
            self._learners.pop(agent).close()
            log.info("active", agent=agent, bin_set=active.digest)


@dataclass(slots=True)
class Judging:
    """Judges every learned agent, a few steps a slice.

    Only partitions of `topics` hold windows back. `judge` makes what judges one agent; `clock` is the wall
    clock.
    """

    agents: tuple[str, ...]
    topics: frozenset[str]
    store: Store
    judge: Callable[[str, Active], AgentJudge]
    clock: Callable[[], float]
    _judges: dict[str, AgentJudge] = field(default_factory=dict, init=False)
    _told: dict[str, bytes] = field(default_factory=dict, init=False)
    _counted: dict[Partition, int] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """As Line."""
        self._judges.clear()
        self._told.clear()

    def slice(self, token: int) -> bool:
        """As Line: judge what the watermark has passed."""
        partitions = [p for p in self.store.partitions() if p.topic in self.topics]
        states = {p: self.store.state(p) for p in partitions}
        self._refuse_lost_state(states)
        judged = [self._judge(agent, states, token) for agent in self.agents]
        return any(judged)

    def _refuse_lost_state(self, states: Mapping[Partition, PartitionState]) -> None:
        """What was counted stays counted, or the store has been emptied under us."""
        for partition, offset in self._counted.items():
            if partition not in states or states[partition].next_offset is None:
                raise state_lost(partition, offset)
        self._counted = {p: s.next_offset for p, s in states.items() if s.next_offset is not None}

    def _judge(self, agent: str, states: Mapping[Partition, PartitionState], token: int) -> bool:
        """A few steps of one agent; whether any was judged.

        While partitions go over to another bin set nothing is judged: some count under it, some do not yet.
        """
        stored = self.store.get(agent, ACTIVE)  # after the partitions' states: never older than they are
        if stored is None:
            return False
        active = Active.from_bytes(stored)
        if any(state.digests.get(agent, active.digest) != active.digest for state in states.values()):
            return False
        if agent not in self._judges or self._judges[agent].active.digest != active.digest:
            self._judges[agent] = self.judge(agent, active)
        judge, mark = self._judges[agent], watermark(states, self.clock())
        verdicts = judge.advance(mark.at, token, limit=_STEPS_A_SLICE) if mark.at is not None else []
        if verdicts is None:
            raise DeposedError
        self._tell(agent, judge, mark, token)
        return bool(verdicts)

    def _tell(self, agent: str, judge: AgentJudge, mark: Watermark, token: int) -> None:
        """Keep the agent's status current: judged up to where, and what holds it back."""
        held = ", ".join(mark.lagging[:5])
        status = msgspec.json.encode(
            {
                "state": "stale" if held else "ok",
                "reason": f"no word from the owner of {held}" if held else None,
                "bin_set": judge.active.digest,
                "judged_to": judge.judged_to,
                "watermark": mark.at,
            }
        )
        if self._told.get(agent) != status:
            self.store.write(agent, token, [Put("status", status)])
            self._told[agent] = status
