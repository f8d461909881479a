"""The worker's own judging of generated counts: a store that hands out minutes, and a segment that judges.

`History` and `Segment` are the worker's; only Kafka, Redis and the words of a verdict are left out.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from alerts.persistence import alerting
from baselines.history import ALL, History
from baselines.lanes import SLOT, learn_lanes
from baselines.parsing import Era
from baselines.store import TURNS, BucketRead, Delta, Partition, PartitionState
from baselines.windows import HOUR, STEP
from worker.commands.replay import default_settings
from worker.judging.judgement import Judgement, judged
from worker.judging.scanning import scan
from worker.judging.segment import Segment, learned_segment
from worker.judging.step import step
from worker.judging.verdicts import dimension_verdict
from worker.wiring import rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alerts.verdict import Verdict
    from binning.layout import Layout
    from streams.world import Counts
    from worker.judging.tracked import Rules

AGENT = "bench"
PART = Partition("bench", 0)
PACK_AFTER = 6  # hours after which minutes are folded into hours, as the worker does


@dataclass(slots=True)
class Minutes:
    """Counts of one partition: minutes, and packed hours."""

    minutes: dict[int, Delta] = field(default_factory=dict)
    hours: dict[int, Delta] = field(default_factory=dict)
    vectors: dict[int, Counts] = field(default_factory=dict)

    def pack(self, hour: int, counts: Counts) -> None:
        """Note an hour that is over, and fold the minutes of one that ended some hours ago."""
        self.vectors[hour] = counts
        old = hour - PACK_AFTER
        if old in self.vectors:
            self.hours[old] = _delta(self.vectors.pop(old))
            for minute in range(old * 60, old * 60 + 60):
                self.minutes.pop(minute, None)

    def partitions(self) -> list[Partition]:
        """The only one."""
        return [PART]

    def state(self, partition: Partition) -> PartitionState:
        """Nothing is missing from it."""
        del partition
        return PartitionState()

    def read(
        self,
        partition: Partition,
        agent: str,
        bin_set: str,
        minutes: Mapping[int, int],
        hours: Mapping[int, int],
    ) -> BucketRead:
        """What the caller does not know yet."""
        del partition, agent, bin_set
        return BucketRead(
            {m: d for m, d in self.minutes.items() if m not in minutes},
            {h: d for h, d in self.hours.items() if h not in hours},
            set(minutes) - set(self.minutes),
        )


def _delta(row: Counts) -> Delta:
    used = np.flatnonzero(row)
    counts = dict(zip(map(str, used.tolist()), row[used].tolist(), strict=True))
    counts[TURNS] = int(row.sum())
    return Delta(counts, {})


@dataclass(slots=True)
class Watched:
    """One installation under watch: what it was told, and the segment that judges it."""

    store: Minutes
    history: History
    segment: Segment

    @classmethod
    def learn(cls, layout: Layout, hours: dict[int, Counts], by_rules: Rules) -> Watched:
        """Learn from hours since the epoch -> turns of (60 minutes, slots); judging begins right after."""
        totals = {hour: counts.sum(0) for hour, counts in hours.items()}
        store = Minutes()
        history = History(AGENT, layout, [ALL], store, [Era("")])  # type: ignore[arg-type]  # reads only
        history.seed(ALL, totals)
        until = float((max(hours) + 1) * HOUR)
        dimensions = sum(len(dimension.bins) for dimension in layout.dimensions)
        slots = {
            (hour * HOUR + i * SLOT) // SLOT: each.sum(0)[:dimensions]
            for hour, counts in hours.items()
            for i, each in enumerate(np.split(counts, HOUR // SLOT))
        }
        lanes = learn_lanes(layout, totals, slots)
        return cls(store, history, learned_segment(ALL, layout, by_rules, until, totals, lanes))

    def hour(self, hour: int, counts: Counts) -> Iterator[tuple[int, dict[str, int]]]:
        """Judge an hour of (60, slots): ends that were judged, with the dimensions that alert and since when.

        Every step has an end, and every minute in which a dimension became alerting.
        """
        for i in range(HOUR // STEP):
            self.put(hour, i, counts)
            yield from self.step(hour * HOUR + (i + 1) * STEP)

    def put(self, hour: int, i: int, counts: Counts) -> None:
        """Hand over the ten minutes of step `i` of an hour."""
        for minute in range(i * STEP // 60, (i + 1) * STEP // 60):
            if counts[minute].any():
                self.store.minutes[hour * 60 + minute] = _delta(counts[minute])
        if i == HOUR // STEP - 1:
            self.store.pack(hour, counts.sum(0))

    def step(self, end: int) -> Iterator[tuple[int, dict[str, int]]]:
        """Judge one step, as `AgentJudge` does: the fast lane by the minute, then the ladder."""
        self.history.refresh(end)
        for minute in range(end - STEP + 60, end, 60):
            if scan(self.segment, minute, self.history):
                yield minute, self.alerts()
        step(self.segment, end, self.history)
        scan(self.segment, end, self.history)
        yield end, self.alerts()

    def alerts(self) -> dict[str, int]:
        """The dimensions that alert now, with their onset."""
        return alerting(self.segment.streaks)

    def by(self, key: str) -> str:
        """What its latest evaluation rests on: the reference that exceeds, and the length of the window."""
        tracked = self.segment.tracked[key]
        names = [name for name, each in tracked.latest.items() if each.exceeds]
        length = tracked.shown.window.length_s // 60 if tracked.shown is not None else 0
        return f"{' and '.join(names)}, {length} min"

    def driver(self, key: str) -> str | None:
        """The bin that a verdict would name first for this dimension."""
        shown = self.segment.tracked[key].shown
        if shown is None:
            return None
        drivers = dimension_verdict(shown, self.segment.layout.dimension(key), deciding=True).drivers
        return drivers[0].bin if drivers else None

    def verdict(self, end: int) -> Verdict:
        """What the worker would say now."""
        return judged(Judgement(AGENT, "", end, self.segment, self.history))

    def fork(self) -> Watched:
        """A copy that goes its own way."""
        return copy.deepcopy(self)


def shipped_rules(*, false_pages: float = 1.0) -> Rules:
    """As shipped, for one agent; every dimension of the benchmark decides."""
    return dataclasses.replace(
        rules(default_settings()), decides=lambda _: True, false_pages_per_month=false_pages
    )
