"""The leader's half of a process: learns agents that are new, judges the others, in short slices.

Every process runs it; only the one that holds the lease does anything. Whatever goes wrong in a slice, what
was judged in memory is dropped and read again from the store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from baselines.errors import StoreUnavailable
from baselines.learned import ACTIVE, Active
from baselines.store import Put
from baselines.watermark import watermark
from worker.dead_letters import DeadLettersUnavailable
from worker.kafka_client import KafkaUnavailable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from baselines.store import Lease, Store
    from baselines.watermark import Watermark
    from worker.health import Health
    from worker.judge import AgentJudge
    from worker.learn import Learner

log = structlog.get_logger()

_STEPS_A_SLICE = 12
_IDLE_S = 0.5
UNAVAILABLE = (StoreUnavailable, KafkaUnavailable, DeadLettersUnavailable)
"""What passes by: the slice is tried again."""


class Leadership:
    """Renews the lease in its own thread, so that long learning does not lose it."""

    def __init__(self, lease: Lease, ttl_s: float, health: Health) -> None:
        self._lease = lease
        self._ttl_s = ttl_s
        self._health = health
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
        try:
            self._lease.release()
        except StoreUnavailable:
            log.info("lease_not_released")  # it expires by itself

    def renounce(self) -> None:
        """Give up the token: a write without an answer may still land, and must not pass for a later one."""
        self._token, self._until = None, 0.0
        try:
            self._lease.release()
        except StoreUnavailable as error:
            self._health.store_failed(str(error))

    def renew(self) -> None:
        """One attempt to take or renew the lease."""
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


@dataclass(slots=True)
class Leader:
    """Learns and judges for the agents of the config, one slice at a time.

    Only partitions of `topics` hold windows back. `learner` and `judge` make what an agent needs; `clock`
    is the wall clock.
    """

    agents: tuple[str, ...]
    topics: frozenset[str]
    store: Store
    learner: Callable[[str], Learner]
    judge: Callable[[str, Active], AgentJudge]
    clock: Callable[[], float]
    _learners: dict[str, Learner] = field(default_factory=dict, init=False)
    _learned: dict[str, Active] = field(default_factory=dict, init=False)
    _judges: dict[str, AgentJudge] = field(default_factory=dict, init=False)
    _told: dict[str, bytes] = field(default_factory=dict, init=False)

    def run(self, leadership: Leadership, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Slices until told to stop; a store that cannot answer is waited for. `beat` says that we live."""
        failing = False
        while not stop.is_set():
            beat()
            token, busy = leadership.token, False
            if token is None:
                self.forget()
            else:
                try:
                    busy = self.slice(token)
                    failing = _told_of(failing)
                except UNAVAILABLE as error:
                    self.forget()
                    leadership.renounce()
                    failing = _told_of(failing, str(error))
            if not busy:
                stop.wait(_IDLE_S)

    def forget(self) -> None:
        """Drop what is only in memory; the store has the truth."""
        self._judges.clear()
        for agent in list(self._learners):
            self._learners.pop(agent).close()
        self._learned.clear()
        self._told.clear()

    def slice(self, token: int) -> bool:
        """Learn what can be learned, judge a few steps of every agent; whether more is to be done at once."""
        active = {agent: self._active(agent) for agent in self.agents}
        for agent, found in active.items():
            if found is None and agent not in self._learned:
                self._learn(agent, token)
        if self._learned:
            self._activate(token)
            return True
        partitions = [p for p in self.store.partitions() if p.topic in self.topics]
        mark = watermark({p: self.store.state(p) for p in partitions}, self.clock())
        judged = [
            self._judge(agent, found, mark, token) for agent, found in active.items() if found is not None
        ]
        return any(judged)

    def _active(self, agent: str) -> Active | None:
        if agent in self._judges:
            return self._judges[agent].active
        stored = self.store.get(agent, ACTIVE)
        return Active.from_bytes(stored) if stored is not None else None

    def _learn(self, agent: str, token: int) -> None:
        if agent not in self._learners:
            self._learners[agent] = self.learner(agent)
        if (learned := self._learners[agent].step(token)) is not None:
            self._learned[agent] = learned

    def _activate(self, token: int) -> None:
        """Make the agents of this round active; each names all, so that none starts without the others."""
        names = tuple(sorted(self._learned))
        for agent in names:
            learned = msgspec.structs.replace(self._learned[agent], round=names)
            self.store.write(agent, token, [Put(ACTIVE, learned.to_bytes())])
            self._learners.pop(agent).close()
            log.info("active", agent=agent, bin_set=learned.digest)
        self._learned.clear()

    def _judge(self, agent: str, active: Active, mark: Watermark, token: int) -> bool:
        """A few steps of one agent; whether any was judged."""
        if agent not in self._judges:
            self._judges[agent] = self.judge(agent, active)
        judge = self._judges[agent]
        verdicts = judge.advance(mark.at, token, limit=_STEPS_A_SLICE) if mark.at is not None else []
        if verdicts is None:
            self.forget()
            return False
        self._tell(agent, judge, mark, token)
        return bool(verdicts)

    def _tell(self, agent: str, judge: AgentJudge, mark: Watermark, token: int) -> None:
        """Keep the agent's status current: judged up to where, and what holds it back."""
        status = msgspec.json.encode(
            {
                "state": "stale" if mark.lagging else "ok",
                "reason": f"no word from the owner of {', '.join(mark.lagging[:5])}"
                if mark.lagging
                else None,
                "bin_set": judge.active.digest,
                "judged_to": judge.judged_to,
                "watermark": mark.at,
            }
        )
        if self._told.get(agent) != status:
            self.store.write(agent, token, [Put("status", status)])
            self._told[agent] = status


def _told_of(failing: bool, reason: str | None = None) -> bool:
    """Log when waiting begins and ends; whether it is waited now."""
    if reason is not None and not failing:
        log.warning("judge_waits", reason=reason)
    if reason is None and failing:
        log.info("judge_goes_on")
    return reason is not None
