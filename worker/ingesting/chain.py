"""One placed partition's chain: what is stored of it, and what was counted since."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from msgspec import structs

from baselines.gaps import Gap, remembered
from baselines.store import Adopted, BucketKey, Commit, Delta, Partition, Switch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.gaps import Reason
    from baselines.store import PartitionState
    from binning.binset import BinSet
    from worker.ingesting.repeats import Repeats
    from worker.ingesting.sieve import Sieve


REPORT_EVERY_S = 5.0
RECORDS_A_COMMIT = 5_000
"""Counted or not, so that a bad batch that kills the process lies within what is looked at for it."""
REJECTED_A_COMMIT = 4 << 20
"""Bytes of dead letters: they are kept in memory until they have arrived."""


@dataclass(frozen=True, slots=True)
class ActiveBinSet:
    """What an agent counts under, and for each partition the offset up to which learning has counted.

    `past` are the digests that it counted under before, oldest first, `lost` those that nobody knows now.
    """

    bin_set: BinSet
    ends: Mapping[Partition, int]
    past: Sequence[str] = ()
    lost: Sequence[str] = ()

    @property
    def before(self) -> Sequence[str]:
        """The digests that a partition may go over from."""
        return (*self.past, *self.lost)

    @property
    def digest(self) -> str:
        """The bin set's digest."""
        return self.bin_set.digest


def ahead_of(digests: Mapping[str, str], active: Mapping[str, ActiveBinSet]) -> list[str]:
    """The agents whose stored bin set `active` does not know: another worker has read a later one."""
    return [
        agent
        for agent, digest in digests.items()
        if agent in active and digest not in (active[agent].digest, *active[agent].before)
    ]


@dataclass(slots=True)
class Chain:
    """`expected` is the stored next offset, `next` the one after the last record handled.

    `counting` are the bin sets that turns are counted under now, `digests` those that are stored; `switches`
    lead from the stored to the counting ones.
    """

    partition: Partition
    topic_id: str
    expected: int | None
    next: int
    digests: dict[str, str]
    watermark: float | None
    adopted: Mapping[str, Adopted]
    """Where each agent went over to its stored bin set."""
    counting: dict[str, ActiveBinSet] = field(default_factory=dict)
    switches: list[Switch] = field(default_factory=list)
    buckets: dict[BucketKey, Delta] = field(default_factory=dict)
    turns: Counter[str] = field(default_factory=Counter)
    read: int = 0
    """How many of its records were looked at."""
    sieve: Sieve | None = None
    rejected: int = 0
    """Bytes of the records since the last link that became dead letters."""
    repeats: Repeats | None = None
    """What it knows repeats by; None where they are counted."""
    told: tuple[bool, float] | None = None
    """The last word on having caught up, and when it was given."""
    marked: float | None = None
    """The watermark that is stored."""
    gaps: tuple[Gap, ...] = ()
    """What is stored of records that were not counted."""
    open: list[Gap] = field(default_factory=list)
    """Gaps behind which no event was seen yet; `until` is then infinite."""
    closed: list[Gap] = field(default_factory=list)
    """Gaps to be committed."""

    def adopt(self, active: Mapping[str, ActiveBinSet]) -> list[str]:
        """Count under `active` from here on; the agents that this changes. Nothing may be left to commit.

        An agent that is counted and not among them goes on as before: another version learned it anew.
        """
        new = [agent for agent, bins in active.items() if self.digests.get(agent) != bins.digest]
        self.switches = [Switch(agent, self.digests.get(agent, ""), active[agent].digest) for agent in new]
        self.counting = {**self.counting, **active}
        return new

    def changes_with(self, active: Mapping[str, ActiveBinSet]) -> bool:
        """Whether an agent of `active` is not counted yet, or under another bin set."""
        return any(
            agent not in self.counting or self.counting[agent].digest != bins.digest
            for agent, bins in active.items()
        )

    @property
    def pending(self) -> bool:
        """Whether there is anything to commit."""
        return self.next != self.expected or bool(self.switches)

    def saw(self, first: float, latest: float) -> None:
        """Events were in the partition: the time of the one that came first, and the latest of all."""
        self.watermark = latest if self.watermark is None else max(self.watermark, latest)
        if self.open:
            self._close_gaps(first)

    def skip(self, end: int, reason: Reason) -> int:
        """Go on at `end`: the records before it are a gap; how many they are."""
        records = end - self.next
        self.open.append(Gap(self.next, end, records, self.watermark, inf, reason))
        self.next = end
        return records

    def left_behind(self, agent: str, bins: ActiveBinSet) -> int:
        """An agent that goes over to `bins` may have a gap up to here; how many records that are.

        Of a new one they are those since its learning ended, else those counted under what was lost.
        """
        reason: Reason = "learning"
        since, begin = None, bins.ends.get(self.partition)
        if agent in self.digests:
            if self.digests[agent] not in bins.lost:
                return 0
            reason, adopted = "lost", self.adopted[agent]
            since, begin = adopted.watermark, max(adopted.offset, begin or 0)
        records = max(0, self.next - begin) if begin is not None else 0
        if begin is not None and records and self.watermark is not None:
            self.closed.append(Gap(begin, self.next, records, since, self.watermark, reason, agent))
        return records

    def _close_gaps(self, at: float) -> None:
        self.closed += [structs.replace(gap, until=max(at, gap.since or at)) for gap in self.open]
        self.open = []

    def add(self, agent: str, deltas: Mapping[int, tuple[dict[str, int], dict[str, str]]]) -> None:
        """Add an agent's bucket deltas, of the bin set that it counts under: minute to (counts, pointers)."""
        digest = self.counting[agent].digest
        for minute, (counts, pointers) in deltas.items():
            delta = self.buckets.setdefault(BucketKey(agent, minute, digest), Delta())
            for name, count in counts.items():
                delta.counts[name] = delta.counts.get(name, 0) + count
            for name, pointer in pointers.items():
                delta.pointers.setdefault(name, pointer)

    def commit(self, *, caught_up: bool, at: float) -> Commit:
        """The next link. A gap that no event has ended yet may reach up to now."""
        self._close_gaps(at)
        gaps = remembered((*self.gaps, *self.closed), self.watermark) if self.closed else None
        return Commit(
            partition=self.partition,
            expected=self.expected,
            next=self.next,
            topic_id=self.topic_id,
            digests=self.digests,
            switches=self.switches,
            watermark=self.watermark,
            caught_up=caught_up,
            at=at,
            buckets=self.buckets,
            gaps=gaps,
            ids=self.repeats.changes(self.next, self.watermark) if self.repeats is not None else None,
        )

    @property
    def full(self) -> bool:
        """Whether so much waits that it has to be committed before its time."""
        return self.next - (self.expected or 0) >= RECORDS_A_COMMIT or self.rejected >= REJECTED_A_COMMIT

    def told_of(self, caught_up: bool, now: float) -> bool:
        """Whether that was the last word on having caught up, and not long ago."""
        return self.told is not None and self.told[0] == caught_up and now - self.told[1] < REPORT_EVERY_S

    def committed(self, stored: PartitionState | None) -> None:
        """The link is stored; where it was already, `stored` is what a rival may have written with it."""
        if self.repeats is not None:
            self.repeats.stored(self.watermark)
        here = Adopted(self.expected or 0, self.marked)
        self.adopted = {**self.adopted, **{switch.agent: here for switch in self.switches}}
        self.expected, self.marked = self.next, self.watermark
        self.digests = self.digests | {switch.agent: switch.to for switch in self.switches}
        self.switches, self.buckets, self.turns, self.rejected = [], {}, Counter(), 0
        own = remembered((*self.gaps, *self.closed), self.watermark)
        self.gaps, self.closed = own if stored is None else stored.gaps, []
