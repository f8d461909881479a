"""What only the leader does, in short slices: learn agents that are new, judge the others.

Every process runs both lines; only the one that holds the lease does anything. Whatever goes wrong in a
slice, what is only in memory is dropped and read again from the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from baselines.errors import StoreUnavailable
from baselines.followed import followed
from baselines.learned import ACTIVE, Active
from baselines.store import Put
from baselines.watermark import EventClock
from worker.ingesting.dead_letters import DeadLettersUnavailable
from worker.ingesting.placing import state_lost
from worker.judging.tracked import IncompatibleError, OutdatedError
from worker.kafka.client import KafkaUnavailable
from worker.leadership import DeposedError
from worker.learning.reclustering import asked_for

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from baselines.store import AgentStore, Partition, PartitionState, Store
    from baselines.watermark import Watermark
    from worker.judging.judge import AgentJudge
    from worker.leadership import Leadership
    from worker.learning.learn import Learner
    from worker.learning.orphans import Orphans
    from worker.learning.reclustering import Reclusterer

log = structlog.get_logger()

_STEPS_A_SLICE = 12
_IDLE_S = 0.5
GOING_OVER_S = 30.0
"""Partitions that take longer than this to go over to another bin set are told of."""
PASSING = (StoreUnavailable, KafkaUnavailable, DeadLettersUnavailable)
"""What passes by itself: the slice is tried again."""


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
    """Learns the agents that nobody has learned yet (`learner`), or anew, as asked (`reclusterer`).

    Where a fail-over has taken back what was learned last, `orphans` has the others go on with what there is.
    """

    agents: tuple[str, ...]
    store: AgentStore
    learner: Callable[[str], Learner]
    reclusterer: Callable[[str], Reclusterer]
    orphans: Orphans
    _learners: dict[str, Learner] = field(default_factory=dict, init=False)
    _reclusterers: dict[str, Reclusterer] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """As Line."""
        self.orphans.forget()
        for busy in (self._learners, self._reclusterers):
            while busy:
                busy.popitem()[1].close()

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
            else:
                self.orphans.adopt(agent, token)
        self._activate(learned, token)
        return False

    def _recluster(self, agent: str, token: int) -> None:
        """An error that ends the process leaves it open, and thereby word of where it was."""
        self._reclusterers[agent] = self.reclusterer(agent)
        self._reclusterers[agent].run(token)
        self._reclusterers.pop(agent).close()

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
    _event_clock: EventClock = field(default_factory=EventClock, init=False)
    _judges: dict[str, AgentJudge] = field(default_factory=dict, init=False)
    _told: dict[str, bytes] = field(default_factory=dict, init=False)
    _counted: dict[Partition, int] = field(default_factory=dict, init=False)
    _behind_since: dict[str, float] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """As Line."""
        self._event_clock = EventClock()
        self._judges.clear()
        self._told.clear()
        self._behind_since.clear()

    def slice(self, token: int) -> bool:
        """As Line: judge what the watermark has passed."""
        states = followed(self.store, self.topics)
        self._refuse_lost_state(states)
        mark = self._event_clock.read(states, self.clock())
        judged = [self._judge(agent, states, mark, token) for agent in self.agents]
        return any(judged)

    def _refuse_lost_state(self, states: Mapping[Partition, PartitionState]) -> None:
        """What was counted stays counted, or the store has been emptied under us."""
        for partition, offset in self._counted.items():
            if partition not in states or states[partition].next_offset is None:
                raise state_lost(partition, offset)
        self._counted = {p: s.next_offset for p, s in states.items() if s.next_offset is not None}

    def _judge(
        self, agent: str, states: Mapping[Partition, PartitionState], mark: Watermark, token: int
    ) -> bool:
        """A few steps of one agent; whether any was judged.

        While partitions go over to another bin set nothing is judged: some count under it, some do not yet.
        """
        stored = self.store.get(agent, ACTIVE)  # after the partitions' states: never older than they are
        if stored is None:
            return False
        active = Active.from_bytes(stored)
        behind = [str(p) for p, s in states.items() if s.digests.get(agent, active.digest) != active.digest]
        if behind:
            self._say_behind(agent, token, self._status(active, None, mark), behind)
            return False
        self._behind_since.pop(agent, None)
        if agent not in self._judges or self._judges[agent].active.digest != active.digest:
            try:
                self._judges[agent] = self.judge(agent, active)
            except OutdatedError as error:
                self._say(agent, token, {"state": "stale", "reason": str(error), "bin_set": active.digest})
                return False
            except IncompatibleError:
                if self.store.get(agent, ACTIVE) == stored:
                    raise
                return True  # another bin set came into force meanwhile, and what this one needs is deleted
        judge = self._judges[agent]
        verdicts = judge.advance(mark.at, token, limit=_STEPS_A_SLICE) if mark.at is not None else []
        if verdicts is None:
            raise DeposedError
        self._say(agent, token, self._status(active, judge.judged_to, mark))
        return bool(verdicts)

    def _say_behind(
        self, agent: str, token: int, status: dict[str, str | float | None], behind: Sequence[str]
    ) -> None:
        """Going over is a matter of a second; where it takes longer, say which partitions do not."""
        late = self.clock() - self._behind_since.setdefault(agent, self.clock()) > GOING_OVER_S
        if late and status["reason"] is None:
            named = ", ".join(behind[:5])
            why = f"{named} still counted under other bins: is a worker of another version reading there?"
            status |= {"state": "stale", "reason": why}
        if status["reason"] is not None:
            self._say(agent, token, status)

    def _status(
        self, active: Active, judged_to: int | None, mark: Watermark
    ) -> dict[str, str | float | None]:
        """Judged up to where, and what holds it back."""
        held = ", ".join(mark.lagging[:5])
        return {
            "state": "stale" if held else "ok",
            "reason": f"no word from the owner of {held}" if held else None,
            "bin_set": active.digest,
            "judged_to": judged_to,
            "watermark": None if mark.at is None else float(mark.at),
        }

    def _say(self, agent: str, token: int, told: Mapping[str, str | float | None]) -> None:
        """Keep the agent's status current."""
        status = msgspec.json.encode(told)
        if self._told.get(agent) != status:
            self.store.write(agent, token, [Put("status", status)])
            self._told[agent] = status
