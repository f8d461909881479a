"""learn: a recorded offset range -> bin set + fixed reference. The leader does it once for each agent.

Everything depends on the recorded offsets alone, so a leader that dies while learning is followed by one that
ends with the same bin set and the same counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import structlog

from baselines.learned import PLAN, Active, Plan, PlannedRange
from baselines.store import Put
from worker.leadership import DeposedError
from worker.learning.bookmark import Bookmark
from worker.learning.survey import LearnRule, Progress, Survey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.store import AgentStore, Partition
    from worker.learning.study import Study

    Bounds = Mapping[Partition, tuple[int, int]]

log = structlog.get_logger()


@dataclass(slots=True)
class Learner:
    """Learns for one agent. `step` does what can be done now and says whether the agent is learned."""

    agent: str
    store: AgentStore
    study: Study
    rule: LearnRule
    latest: bool = False
    _survey: Survey | None = field(default=None, init=False)

    def step(self, token: int) -> Active | None:
        """Record the range, read on, and once there is enough learn from it; None while there is not.

        What is learned is stored, not yet active: the caller activates the agents of one round together.
        """
        bookmark = self.study.watched(Bookmark(self.agent, self.store, token))
        bounds = self.study.ranges.bounds()
        plan = self._recorded_plan(bounds, token)
        if plan.until is None:
            sealed = self._survey_on(plan, bounds, token)
            if sealed is None:
                bookmark.close()
                return None
            self._write(token, Put(PLAN, sealed.to_bytes()))
            plan = sealed
        return self._learn(plan, token)

    def close(self) -> None:
        """Let go of what it reads from and writes to."""
        self.study.close()

    def _recorded_plan(self, bounds: Bounds, token: int) -> Plan:
        stored = self.store.get(self.agent, PLAN)
        if stored is not None and (recorded := Plan.from_bytes(stored)).within(bounds):
            return recorded
        ranges = tuple(
            PlannedRange(partition.topic, partition.number, end if self.latest else begin, end)
            for partition, (begin, end) in sorted(bounds.items())
        )
        plan = Plan(ranges)
        self._write(token, Put(PLAN, plan.to_bytes()))
        return plan

    def _survey_on(self, plan: Plan, bounds: Bounds, token: int) -> Plan | None:
        if self._survey is None:  # the recorded ends first, alone: they decide how much is left to be judged
            self._survey = Survey(plan)
            self._survey.read_on(((r.partition, r.end) for r in plan.ranges), self.study.times)
            until = self._survey.until(self.rule)
        else:
            self._survey.read_on(((p, end) for p, (_, end) in bounds.items()), self.study.times)
            until = self._survey.until(replace(self.rule, leave_s=None))
        self._tell(token, "waiting", self._survey.progress)
        return None if until is None else self._survey.seal(until, self.study.clock())

    def _learn(self, plan: Plan, token: int) -> Active:
        sample, hourly = self.study.sample(plan)
        self._tell(token, "learning", Progress(len(sample), 0.0))
        log.info("learning_bin_set", agent=self.agent, turns=len(sample))
        learned = self.study.learn(plan, sample, hourly)
        self._write(token, *learned.writes)
        digest, until = learned.bin_set.digest, plan.until if plan.until is not None else 0.0
        log.info("learned", agent=self.agent, bin_set=digest, turns=learned.turns, until=until)
        spec = self.study.spec.digest
        return Active(digest, until, learned.turns, plan.ranges, (self.agent,), spec)

    def _write(self, token: int, *writes: Put) -> None:
        if not self.store.write(self.agent, token, writes):
            raise DeposedError

    def _tell(self, token: int, stage: str, progress: Progress) -> None:
        status = {
            "state": "learning",
            "stage": stage,
            "turns": progress.turns,
            "turns_needed": self.rule.turns,
            "hours": round(progress.hours, 2),
            "hours_needed": round(self.rule.at_least_s / 3600, 2),
        }
        self._write(token, Put("status", msgspec.json.encode(status)))
