"""Made-up counts for measuring and testing the judge: a layout, turns drawn from shares, commits of them.

Nothing here knows texts or encoders: turns are drawn as bins, so that weeks of traffic take seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.lanes import SLOT, learn_lanes
from baselines.learned import ACTIVE, Active, PlannedRange, encode_reference, reference_name
from baselines.memory import MemoryStore
from baselines.store import TURNS, BucketKey, Commit, Delta, Outcome, Partition, Put, Switch
from binning.layout import DimensionLayout, JointLayout, Layout
from worker.judging.judge import AgentJudge, Telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alerts.episode import Transition
    from alerts.routes import Routes
    from alerts.verdict import Verdict
    from baselines.learned import Hours
    from baselines.store import Store
    from worker.judging.tracked import Rules

    Counts = NDArray[np.int64]
    Shares = NDArray[np.float64]

AGENT, DIGEST, TOPIC = "support", "d1", "turns"
HOUR = 3600
TOKEN = 1


class Dimension(NamedTuple):
    """A dimension of `key` (`side.name`) whose turns fall into its bins with these shares."""

    key: str
    shares: Sequence[float]
    configured: bool = True


def layout_of(dimensions: Sequence[Dimension], joints: Sequence[tuple[str, str]] = ()) -> Layout:
    """The layout of these dimensions and of joints (given, outcome)."""
    entries, offset = [], 0
    for key, shares, configured in dimensions:
        side, _, name = key.partition(".")
        bins = tuple(f"b{i}" for i in range(len(shares)))
        entries.append(
            DimensionLayout("input" if side == "input" else "output", name, 1, bins, offset, configured)
        )
        offset += len(bins)
    sizes, tables = {d.key: len(d.shares) for d in dimensions}, []
    for given, outcome in joints:
        shape = sizes[given], sizes[outcome]
        tables.append(JointLayout(given, outcome, offset, shape))
        offset += shape[0] * shape[1]
    return Layout(tuple(entries), tuple(tables), offset)


@dataclass(slots=True)
class Traffic:
    """Turns of a layout: each dimension drawn by itself, `copies` turns of a session alike (phi = copies)."""

    dimensions: Sequence[Dimension]
    layout: Layout
    rng: np.random.Generator
    copies: int = 1
    replaced: dict[str, Sequence[float]] = field(default_factory=dict)

    def slots(self, turns: int) -> NDArray[np.int64]:
        """The slots of `turns` turns, (turns, dimensions + joints)."""
        sessions = -(-turns // self.copies)
        bins, columns = {}, []
        for dimension, entry in zip(self.dimensions, self.layout.dimensions, strict=True):
            shares = np.cumsum(self.replaced.get(dimension.key, dimension.shares))
            drawn = np.searchsorted(shares / shares[-1], self.rng.random(sessions), side="right")
            bins[dimension.key] = np.repeat(drawn, self.copies)[:turns]
            columns.append(bins[dimension.key] + entry.offset)
        for joint in self.layout.joints:
            cell = bins[joint.given] * joint.shape[1] + bins[joint.outcome]
            columns.append(cell + joint.offset)
        return np.stack(columns, axis=1)

    def counts(self, turns: int) -> Counts:
        """The flat vector of `turns` turns."""
        return np.bincount(self.slots(turns).ravel(), minlength=self.layout.size).astype(np.int64)

    def minutes(self, turns: int, minutes: int) -> list[Counts]:
        """`turns` turns spread over some minutes; a session stays in one."""
        sessions = -(-turns // self.copies)
        at = np.repeat(self.rng.integers(0, minutes, sessions), self.copies)[:turns]
        slots, size = self.slots(turns), self.layout.size
        keyed = (slots + at[:, None] * size).ravel()
        table = np.bincount(keyed, minlength=minutes * size).reshape(minutes, size)
        return list(table.astype(np.int64))


def delta(layout: Layout, counts: Counts, turns: int | None = None) -> Delta:
    """Counts as what a commit adds to a bucket; turns by the first dimension unless given."""
    slots = np.flatnonzero(counts)
    total = int(counts[layout.dimensions[0].slots].sum()) if turns is None else turns
    fields = dict(zip(map(str, slots.tolist()), counts[slots].tolist(), strict=True))
    return Delta(fields | {TURNS: total})


@dataclass(slots=True)
class Log:
    """One partition that is counted into a store, commit by commit, under the bin set `digest`."""

    store: Store
    partition: Partition = field(default_factory=lambda: Partition(TOPIC, 0))
    offset: int | None = None
    partitions: int = 1
    digest: str = DIGEST
    adopted: str = ""
    agent: str = AGENT

    def __post_init__(self) -> None:
        self.store.register(self.partition.topic, self.partitions)

    def add(self, buckets: Mapping[int, Delta], watermark: float) -> None:
        """Commit buckets by minute since the epoch.

        Raises:
            RuntimeError: the store refused it.
        """
        turns = sum(each.counts[TURNS] for each in buckets.values())
        following = (self.offset or 0) + max(turns, 1)
        outcome = self.store.commit(
            Commit(
                self.partition,
                self.offset,
                following,
                "topic-id",
                {self.agent: self.adopted} if self.adopted else {},
                [Switch(self.agent, self.adopted, self.digest)] if self.adopted != self.digest else (),
                watermark,
                caught_up=True,
                at=watermark,
                buckets={BucketKey(self.agent, at, self.digest): each for at, each in buckets.items()},
            )
        )
        if outcome is not Outcome.APPLIED:
            raise RuntimeError(f"the store answered {outcome}")
        self.offset, self.adopted = following, self.digest


def learned(store: Store, layout: Layout, hours: Hours, until: int, fives: Hours | None = None) -> Active:
    """Put what learning leaves behind into the store: counts of the range by hour, and by five minutes."""
    lanes = learn_lanes(layout, hours, fives or {})
    active = Active(DIGEST, float(until), 1000, (PlannedRange(TOPIC, 0, 0, 0),), (AGENT,))
    writes = [
        Put(reference_name(DIGEST), encode_reference({"all": hours}, lanes)),
        Put(ACTIVE, active.to_bytes()),
    ]
    store.write(AGENT, TOKEN, writes)
    return active


def quiet_telling() -> Telling:
    """Every episode is recorded and told nobody."""

    def no_page(_: Verdict) -> None:
        return None

    def no_rows(_: Transition) -> Sequence[tuple[str, bytes]]:
        return ()

    def nobody(_: int) -> Routes:
        return {}

    return Telling(nobody, no_page, no_rows)


@dataclass(frozen=True, slots=True)
class Laid:
    """A bin set of which only the layout is known."""

    layout: Layout


@dataclass(slots=True)
class Installation:
    """An agent that learned some hours of made-up traffic and is judged from then on, in process."""

    traffic: Traffic
    rules: Rules
    store: Store = field(default_factory=MemoryStore)
    log: Log = field(init=False)
    active: Active = field(init=False)
    judge: AgentJudge = field(init=False)
    hour: int = 0

    def learn(self, first: int, turns: int, hours: int = 24) -> None:
        """Learn `hours` hours of `turns` turns each from the hour `first` since the epoch on."""
        layout, counted, fives = self.traffic.layout, {}, {}
        for hour in range(first, first + hours):
            minutes = self.traffic.minutes(turns, 60)
            counted[hour] = np.sum(minutes, axis=0)
            for i in range(0, 60, SLOT // 60):
                fives[hour * HOUR // SLOT + i * 60 // SLOT] = np.sum(minutes[i : i + SLOT // 60], axis=0)
        self.hour = first + hours
        self.active = learned(self.store, layout, counted, self.hour * HOUR - 1, fives)
        self.log = Log(self.store)
        self.take_over()

    def take_over(self) -> None:
        """Another leader goes on."""
        laid = Laid(self.traffic.layout)
        self.judge = AgentJudge.take_over(AGENT, self.active, laid, self.store, self.rules, quiet_telling())

    def play(self, turns: int, hours: int = 1, *, every: int = 1) -> list[Verdict]:
        """Some hours of `turns` turns each, in buckets of `every` minutes; the verdicts on them."""
        verdicts: list[Verdict] = []
        for _ in range(hours):
            self.count(self.traffic.minutes(turns, 60 // every))
            verdicts += self.judged()
        return verdicts

    def count(self, hour: Sequence[Counts]) -> None:
        """One more hour, given as equal parts of it."""
        begin, every = self.hour * 60, 60 // len(hour)
        layout = self.traffic.layout
        buckets = {begin + i * every: delta(layout, counts) for i, counts in enumerate(hour) if counts.any()}
        self.hour += 1
        self.log.add(buckets, self.hour * HOUR + self.rules.lateness_s)

    def judged(self, minute: int = 0) -> list[Verdict]:
        """The verdicts up to `minute` minutes after what was counted (before it where negative)."""
        mark = self.hour * HOUR + minute * 60 + self.rules.lateness_s
        return self.judge.advance(mark, TOKEN) or []


def pages(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdict that each episode opened with, in order."""
    opened: dict[str, Verdict] = {}
    for verdict in verdicts:
        if verdict.episode is not None:
            opened.setdefault(verdict.episode, verdict)
    return list(opened.values())
