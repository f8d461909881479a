"""Learning an agent's bins anew from its recent turns, because somebody asked for it (`baseline recluster`).

Who asks leaves word in the store; the leader, which has Kafka, the encoder and the lease, does the work and
says there how far it is. The range is recorded before it is read, so a leader that dies is followed by one
that learns the same. What was learned comes into force in one write with what becomes of the request; each
partition then goes over to it where it stands.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec
import numpy as np
import structlog

from baselines.eras import Laid
from baselines.learned import ACTIVE, Active, Plan, PlannedRange, bin_set_name, layout_name
from baselines.store import Put
from binning.dimensions.base import Batch
from binning.dimensions.cluster import OUTLIER
from binning.encoder import EncoderFailed
from binning.kept import Kept
from worker.leadership import DeposedError
from worker.learning.bookmark import LEARNING_AT, Bookmark
from worker.learning.replaced import replacing
from worker.records import Ranges, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.store import AgentStore, Partition, Store
    from binning.binset import BinSet
    from binning.turn import Turn
    from worker.learning.study import Learned, Study
    from worker.learning.survey import LearnRule

RECLUSTER = "recluster"
"""Name of the latest request among an agent's values."""

_LATER_S = 3600.0
"""A record may be so much older, by its timestamp, than the turn that it holds."""
_TELL_EVERY_S = 1.0
_COMPARED = 20_000
_CLUSTER = ("input.cluster", "cluster")

log = structlog.get_logger()


class Reclustered(msgspec.Struct, frozen=True):
    """What came of it: the new bin set, the dimensions that begin anew, and what became of the clusters.

    `moved` is the share of the learning turns that are not where most of their old cluster went, `outliers`
    the share that is like no cluster, before and after; None where there was nothing to compare.
    """

    bin_set: str
    turns: int
    changed: tuple[str, ...]
    clusters: int
    clusters_before: int | None = None
    moved: float | None = None
    outliers: float | None = None
    outliers_before: float | None = None


class Request(msgspec.Struct, frozen=True):
    """What was asked for (the last `last_s` seconds of event time), how far it is, and what came of it."""

    id: str
    last_s: float
    state: Literal["asked", "learning", "done", "failed"] = "asked"
    stage: str = ""
    turns: int = 0
    plan: Plan | None = None
    reason: str | None = None
    outcome: Reclustered | None = None

    @property
    def open(self) -> bool:
        """Whether there is still something to do for the leader."""
        return self.state in ("asked", "learning")

    def to_put(self) -> Put:
        """As kept in the store."""
        return Put(RECLUSTER, msgspec.json.encode(self))


def request_of(store: AgentStore, agent: str) -> Request | None:
    """The latest request, None without one."""
    stored = store.get(agent, RECLUSTER)
    return msgspec.json.decode(stored, type=Request) if stored is not None else None


def asked_for(store: AgentStore, agent: str) -> bool:
    """Whether there is something to do."""
    request = request_of(store, agent)
    return request is not None and request.open


class TimedRanges(Ranges, Protocol):
    """Ranges of a log that knows how old its records are."""

    def first_at(self, time_s: float) -> Mapping[Partition, int]:
        """The first offset of every partition whose record is not older, its end without one."""


class _NothingToLearnError(Exception):
    """It cannot be done; the message says why, and what to do. As with SourceFailed, counting goes on."""


@dataclass(slots=True)
class Reclusterer:
    """Learns one agent's bins anew, once."""

    agent: str
    store: Store
    ranges: TimedRanges
    study: Study
    rule: LearnRule
    _told: float = field(default=0.0, init=False)

    def close(self) -> None:
        """Let go of what it reads from."""
        self.study.close()

    def run(self, token: int) -> None:
        """Do what was asked for, from the beginning or where another leader stopped.

        Raises:
            DeposedError: another leads by now.
            KafkaUnavailable, StoreUnavailable: later, then.
        """
        request, stored = request_of(self.store, self.agent), self.store.get(self.agent, ACTIVE)
        if request is None or not request.open or stored is None:
            return
        active = Active.from_bytes(stored)
        bookmark = self.study.watched(Bookmark(self.agent, self.store, token))
        try:
            plan = self._plan(request, bookmark)
            request = msgspec.structs.replace(request, state="learning", plan=plan)
            self._write(token, request.to_put())
            log.info("reclustering", agent=self.agent, last_s=request.last_s, bin_set=active.digest)
            writes = self._learned(request, plan, active, token)
        except (_NothingToLearnError, SourceFailed, EncoderFailed) as error:
            log.warning("recluster_failed", agent=self.agent, reason=str(error))
            failed = msgspec.structs.replace(request, state="failed", reason=str(error))
            writes = (failed.to_put(), Put(LEARNING_AT, None))  # who asks again has it tried again
        self._write(token, *writes)

    def _plan(self, request: Request, bookmark: Bookmark) -> Plan:
        """As recorded, else from so long ago up to what is counted: the switch is behind all of it."""
        if (died := bookmark.hopeless) is not None:
            raise _NothingToLearnError(f"{died}: give the workers more memory, or --last less")
        read = self.ranges.bounds()
        if request.plan is not None and request.plan.within(read):
            return request.plan
        found = {partition: self.store.state(partition) for partition in read}
        counted = {p: s.next_offset for p, s in found.items() if s.next_offset is not None}
        marks = [state.watermark for state in found.values() if state.watermark is not None]
        if not marks:
            raise _NothingToLearnError("nothing has been counted yet")
        until = float(max(marks))
        firsts = self.ranges.first_at(until - request.last_s - _LATER_S)
        ranges = tuple(
            PlannedRange(*partition, min(firsts.get(partition, 0), end), end)
            for partition, end in sorted(counted.items())
        )
        return Plan(ranges, until - request.last_s, until, self.study.clock())

    def _learned(self, request: Request, plan: Plan, active: Active, token: int) -> tuple[Put, ...]:
        def tell(stage: str, turns: int) -> None:
            if time.monotonic() - self._told >= _TELL_EVERY_S:
                self._told = time.monotonic()
                self._write(token, msgspec.structs.replace(request, stage=stage, turns=turns).to_put())

        old = self.store.get(self.agent, bin_set_name(active.digest))
        laid = self.store.get(self.agent, layout_name(active.digest))
        if old is None or laid is None:
            raise _NothingToLearnError(f"bin set {active.digest} is not in Redis: restore it")
        kept = Kept.of(old)
        sample, hourly = self.study.sample(plan, tell)
        self._enough(sample, plan)
        learned = self.study.learn(plan, sample, hourly, kept, tell)
        digest = learned.bin_set.digest
        if digest in active.past:
            raise _NothingToLearnError(f"these are the bins of {digest} again, which were replaced before")
        outcome = self._outcome(learned, sample, kept, Laid.from_bytes(laid))
        done = msgspec.structs.replace(
            request, state="done", stage="", turns=learned.turns, outcome=outcome
        ).to_put()
        log.info("reclustered", agent=self.agent, bin_set=digest, turns=learned.turns, was=active.digest)
        if digest == active.digest:
            return (done,)
        now = Active(
            digest, plan.until or 0.0, learned.turns, active.ends, active.round, self.study.spec.digest
        )
        partitions = self.ranges.bounds().keys()
        return (*learned.writes, *replacing(self.store, self.agent, partitions, active, now), done)

    def _enough(self, sample: Sequence[Turn], plan: Plan) -> None:
        span = (plan.until or 0.0) - min((turn.at for turn in sample), default=plan.until or 0.0)
        if len(sample) < self.rule.turns or span + _LATER_S < self.rule.at_least_s:
            raise _NothingToLearnError(
                f"{len(sample)} turns of {span / 3600:.1f} h are still in the topics: learning takes"
                f" {self.rule.turns} of {self.rule.at_least_s / 3600:g} h; give --last more if they hold more"
            )

    def _outcome(self, learned: Learned, sample: Sequence[Turn], kept: Kept, before: Laid) -> Reclustered:
        same = {(d.key, d.identity) for d in before.layout.dimensions}
        layout = learned.bin_set.layout
        changed = tuple(d.key for d in layout.dimensions if (d.key, d.identity) not in same)
        return _compared(
            learned.bin_set, kept, Batch(sample[:_COMPARED], self.study.encoder), changed, learned.turns
        )

    def _write(self, token: int, *writes: Put) -> None:
        if not self.store.write(self.agent, token, writes):
            raise DeposedError


def _compared(bin_set: BinSet, kept: Kept, batch: Batch, changed: tuple[str, ...], turns: int) -> Reclustered:
    """What the old and the new clusters say of the same turns."""
    index = [d.key for d in bin_set.layout.dimensions].index(_CLUSTER[0])
    new, old = bin_set.dimensions[index], kept.dimensions.get(_CLUSTER)
    found = Reclustered(bin_set.digest, turns, changed, len(new.bins) - 1)
    if old is None:
        return found
    was, is_ = old.assign(batch), new.assign(batch)
    present = (was >= 0) & (is_ >= 0)
    if not present.any():
        return found
    table = np.zeros((len(old.bins), len(new.bins)), dtype=np.int64)
    np.add.at(table, (was[present], is_[present]), 1)
    total = int(table.sum())
    return msgspec.structs.replace(
        found,
        clusters_before=len(old.bins) - 1,
        moved=1.0 - float(table.max(axis=1).sum()) / total,
        outliers=float(table[:, new.bins.index(OUTLIER)].sum()) / total,
        outliers_before=float(table[old.bins.index(OUTLIER)].sum()) / total,
    )
