"""learn: a recorded offset range -> bin set + fixed reference. The leader does it once for each agent.

Everything depends on the recorded offsets alone, so a leader that dies while learning is followed by one that
ends with the same bin set and the same counts.
"""

from __future__ import annotations

import heapq
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import msgspec
import structlog

from baselines.history import ALL
from baselines.lanes import SLOT, learn_lanes
from baselines.learned import PLAN, Active, Plan, PlannedRange, bin_set_name, encode_reference, reference_name
from baselines.store import Put
from binning.binset import Binned
from binning.counts import learning_hours
from binning.learn import learn_bin_set
from worker.decode import Malformed, decode_turn
from worker.records import Record
from worker.survey import LearnRule, Progress, Survey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from baselines.learned import Hours
    from baselines.store import AgentStore, Partition
    from binning.binset import BinSet, BinSpec
    from binning.encoders import Encoder
    from binning.turn import Turn
    from worker.records import Letters

log = structlog.get_logger()

_CHUNK = 500


class DeposedError(Exception):
    """Another leads by now: what this process has in memory is nobody's truth."""


class Ranges(Protocol):
    """Reads records by offset, outside any consumer group."""

    def bounds(self) -> Mapping[Partition, tuple[int, int]]:
        """First offset and log-end offset of every partition."""

    def read(
        self, partition: Partition, start: int, end: int
    ) -> Iterator[Sequence[tuple[int, bytes | None]]]:
        """The records from `start` up to `end`, in chunks of (offset, value)."""

    def close(self) -> None:
        """Let go of the connection."""


@dataclass(frozen=True, slots=True)
class LearnFrom:
    """Where learning starts: the first retained record, the log's end as first seen, or an event time."""

    latest: bool = False
    since: float | None = None


@dataclass(slots=True)
class Learner:
    """Learns for one agent. `step` does what can be done now and says whether the agent is learned."""

    agent: str
    ranges: Ranges
    store: AgentStore
    owns: Callable[[Turn], bool]
    spec: BinSpec
    encoder: Encoder
    rule: LearnRule
    start: LearnFrom
    clock: Callable[[], float]
    letters: Letters | None = None
    _survey: Survey | None = field(default=None, init=False)

    def step(self, token: int) -> Active | None:
        """Record the range, read on, and once there is enough learn from it; None while there is not.

        What is learned is stored, not yet active: the caller activates the agents of one round together.
        """
        plan = self._recorded_plan(token)
        if plan.until is None:
            sealed = self._survey_on(plan, token)
            if sealed is None:
                return None
            self._write(token, Put(PLAN, sealed.to_bytes()))
            plan = sealed
        return self._learn(plan, token)

    def close(self) -> None:
        """Let go of what it reads from and writes to."""
        self.ranges.close()
        if self.letters is not None:
            self.letters.close()

    def _recorded_plan(self, token: int) -> Plan:
        if (stored := self.store.get(self.agent, PLAN)) is not None:
            return Plan.from_bytes(stored)
        ranges = tuple(
            PlannedRange(partition.topic, partition.number, end if self.start.latest else begin, end)
            for partition, (begin, end) in sorted(self.ranges.bounds().items())
        )
        plan = Plan(ranges)
        self._write(token, Put(PLAN, plan.to_bytes()))
        return plan

    def _survey_on(self, plan: Plan, token: int) -> Plan | None:
        if self._survey is None:  # the recorded ends first, alone: they decide how much is left to be judged
            self._survey = Survey(plan)
            self._survey.read_on(((r.partition, r.end) for r in plan.ranges), self._times)
            until = self._survey.until(self.rule)
        else:
            self._survey.read_on(((p, end) for p, (_, end) in self.ranges.bounds().items()), self._times)
            until = self._survey.until(replace(self.rule, leave_s=None))
        self._tell(token, "waiting", self._survey.progress)
        return None if until is None else self._survey.seal(until, self.clock())

    def _times(self, partition: Partition, start: int, end: int) -> Iterator[list[tuple[int, float]]]:
        for chunk in self._turns(partition, start, end, self.clock()):
            yield [(offset, turn.at) for offset, turn in chunk]

    def _turns(
        self, partition: Partition, start: int, end: int, now: float, letters: Letters | None = None
    ) -> Iterator[list[tuple[int, Turn]]]:
        """The agent's turns of an offset range; records that are no turns go to `letters`."""
        for records in self.ranges.read(partition, start, end):
            chunk = []
            for offset, value in records:
                turn = decode_turn(value, now=now)
                if isinstance(turn, Malformed):
                    if letters is not None:
                        letters.put(partition, Record(offset, None, value), turn)
                elif self.owns(turn) and (self.start.since is None or turn.at >= self.start.since):
                    chunk.append((offset, turn))
            yield chunk

    def _learn(self, plan: Plan, token: int) -> Active:
        sample, hourly = self._sample(plan)
        self._tell(token, "learning", Progress(len(sample), 0.0))
        log.info("learning_bin_set", agent=self.agent, turns=len(sample))
        bin_set = learn_bin_set(sample, self.spec, self.encoder, hourly=hourly)
        turns, segments, slots = self._count(plan, bin_set)
        lanes = learn_lanes(bin_set.layout, segments[ALL], slots)
        self._write(
            token,
            Put(bin_set_name(bin_set.digest), bin_set.to_bytes()),
            Put(reference_name(bin_set.digest), encode_reference(segments, lanes)),
        )
        until = plan.until if plan.until is not None else 0.0
        log.info("learned", agent=self.agent, bin_set=bin_set.digest, turns=turns, until=until)
        return Active(bin_set.digest, until, turns, plan.ranges, (self.agent,), self.spec.digest)

    def _planned(self, plan: Plan, letters: Letters | None = None) -> Iterator[list[Turn]]:
        """The turns of a sealed plan in order of (partition, offset), stragglers left out."""
        since, now = plan.since or 0.0, plan.at or self.clock()
        for planned in plan.ranges:
            for chunk in self._turns(planned.partition, planned.begin, planned.end, now, letters):
                yield [turn for _, turn in chunk if turn.at >= since]

    def _sample(self, plan: Plan) -> tuple[list[Turn], float]:
        """At most `spec.max_turns` turns, by the smallest hash of their ids, by (partition, offset).

        And how many turns an hour there are, of which these are a sample.
        """
        heap: list[tuple[int, int, Turn]] = []
        position = 0
        for chunk in self._planned(plan):
            for turn in chunk:
                entry = (-zlib.crc32(turn.identity.encode()), -position, turn)
                position += 1
                if len(heap) < self.spec.max_turns:
                    heapq.heappush(heap, entry)
                else:
                    heapq.heappushpop(heap, entry)
        hours = ((plan.until or 0.0) - (plan.since or 0.0)) / 3600
        hourly = position / hours if hours > 0 else 0.0
        return [turn for _, _, turn in sorted(heap, key=lambda entry: -entry[1])], hourly

    def _count(self, plan: Plan, bin_set: BinSet) -> tuple[int, dict[str, Hours], Hours]:
        """Every turn of the range, counted by segment and hour; of the whole, also by five minutes."""
        segments: dict[str, Hours] = {ALL: {}}
        slots: Hours = {}
        dimensions = sum(len(dimension.bins) for dimension in bin_set.layout.dimensions)
        total = 0
        for chunk in self._planned(plan, self.letters):
            for start in range(0, len(chunk), _CHUNK):
                turns = chunk[start : start + _CHUNK]
                total += len(turns)
                binned = bin_set.assign(turns, self.encoder)
                _add_hours(segments, bin_set, binned, turns)
                for slot, counts in learning_hours(bin_set, binned, turns, unit_s=SLOT).items():
                    _add(slots, slot, counts[:dimensions])
            if self.letters is not None:
                self.letters.flush()  # chunk by chunk: they are kept in memory until they have arrived
        return total, segments, slots

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


def _add_hours(segments: dict[str, Hours], bin_set: BinSet, binned: Binned, turns: Sequence[Turn]) -> None:
    members: dict[str, list[int]] = {ALL: list(range(len(turns)))}
    for index, names in enumerate(binned.segments):
        for name in names:
            members.setdefault(name, []).append(index)
    for name, indices in members.items():
        part = Binned(binned.slots[indices], [binned.segments[i] for i in indices])
        for hour, counts in learning_hours(bin_set, part, [turns[i] for i in indices]).items():
            _add(segments.setdefault(name, {}), hour, counts)


def _add(hours: Hours, hour: int, counts: NDArray[np.int64]) -> None:
    hours[hour] = hours[hour] + counts if hour in hours else counts
