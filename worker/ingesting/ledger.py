"""The store's half of ingest: which partitions are ours, and one chain of commits for each.

Whatever was not committed is read again: by this worker, or by the next owner of the partition. So nothing is
lost by a crash and nothing is counted twice.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from baselines.errors import StoreUnavailable
from baselines.store import Outcome
from worker.ingesting.chain import ahead_of
from worker.ingesting.dead_letters import DeadLettersUnavailable
from worker.ingesting.placing import Placing, adopt, other_topic, state_lost
from worker.ingesting.upkeep import Packer
from worker.kafka.client import KafkaUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from baselines.store import Partition, PartitionStore
    from worker.ingesting.chain import ActiveBinSet, Chain
    from worker.records import Jump, Letters, RecordSource

EVERY_S = 1.0
GAP_S = 5.0

WAITS = (StoreUnavailable, DeadLettersUnavailable, KafkaUnavailable)
"""What passes by itself: reading waits, and nothing that was counted is dropped."""

log = structlog.get_logger()


@dataclass(slots=True)
class LedgerStats:
    """What became of what was counted."""

    turns: Counter[str] = field(default_factory=Counter)
    """Committed turns by agent."""
    commits: Counter[str] = field(default_factory=Counter)
    """By outcome."""
    gaps: Counter[str] = field(default_factory=Counter)
    """Offsets by agent that are in no count of it: it learned meanwhile, or its bin set was lost."""
    lost: Counter[str] = field(default_factory=Counter)
    """Records that were never counted, by reason."""
    held: bool = False
    """Whether reading waits for the store, the dead letters or Kafka; `waits_for` says which and why."""
    waits_for: str | None = None


class Ledger:
    """The chains of the partitions that `source` gives us.

    `active` gives what each learned agent counts under, read through from the store: it is asked once a
    second and whenever a partition is placed. An agent of `agents` that it lacks is still learning.
    `judged_to` gives the event time an agent is judged up to. `drop_repeats`: a turn counts once.
    """

    def __init__(
        self,
        source: RecordSource,
        store: PartitionStore,
        agents: Collection[str],
        active: Callable[[], Mapping[str, ActiveBinSet]],
        *,
        letters: Letters | None = None,
        drop_repeats: bool = False,
        judged_to: Callable[[str], float | None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stats = LedgerStats()
        self._source = source
        self._store, self._active, self._letters = store, active, letters
        self._placing = Placing(source, store, frozenset(agents), drop_repeats)
        self._clock, self._monotonic = clock, monotonic
        self._packer = Packer(store, judged_to, monotonic)
        self._chains: dict[Partition, Chain] = {}
        self._registered: dict[str, int] = {}
        self.lag: dict[Partition, int] = {}
        self.blocked: dict[Partition, str] = {}
        """Partitions that are read no further, and why."""
        self.heard_at = monotonic()  # when the broker last said how long the logs are
        self._commit_due = self._place_due = self._retry_due = self._gap_due = 0.0

    @property
    def placed(self) -> frozenset[Partition]:
        """The partitions that are being read."""
        return frozenset(self._chains)

    def chain(self, partition: Partition) -> Chain | None:
        """The chain of a placed partition."""
        return self._chains.get(partition)

    def settle(self) -> None:
        """All that needs the store. While it cannot answer, reading waits and what was counted is kept."""
        if self.stats.held and self._monotonic() < self._retry_due:
            return
        try:
            self._commit_what_is_due()
            self._place()
            self._packer.run(list(self._chains.values()))
        except WAITS as error:
            self._hold(str(error))
            return
        if self.stats.held:
            self.stats.held, self.stats.waits_for = False, None
            self._source.release()
            log.info("ingest_resumed")
        self._source.mirror(self._offsets())

    def forget(self, partitions: Collection[Partition]) -> None:
        """What was counted of partitions that were taken from us is the next owner's to count."""
        for partition in partitions:
            self._chains.pop(partition, None)
            self.blocked.pop(partition, None)
        if partitions:
            self._place_due = 0.0

    def skip(self, jumps: Iterable[Jump]) -> None:
        """Records that cannot be had leave a gap, which is stored with the offset behind it."""
        for jump in jumps:
            chain = self._chains.get(jump.partition)
            if chain is not None and jump.to > chain.next:
                self.stats.lost[jump.reason] += chain.skip(jump.to, jump.reason)
                self._gap_due = self._monotonic() + GAP_S

    def block(self, chain: Chain, why: str) -> None:
        """Read the partition no further than its chain; what was counted of it is committed."""
        self.blocked[chain.partition] = f"{chain.partition} is blocked at offset {chain.next}: {why}"
        self._source.block(chain.partition, chain.next)
        log.error("partition_blocked", partition=str(chain.partition), offset=chain.next, reason=why)

    def close(self) -> None:
        """Commit what there is and leave the group; the next owner reads again what cannot be committed."""
        try:
            for chain in list(self._chains.values()):
                self._commit(chain, None, self._clock())
        except WAITS as error:
            log.info("left_uncommitted", reason=str(error))
        finally:
            self._source.close(self._offsets())
            if self._letters is not None:
                self._letters.close()

    def _hold(self, reason: str) -> None:
        self._source.hold()
        self._retry_due = self._monotonic() + EVERY_S
        self.stats.waits_for = reason
        if not self.stats.held:
            self.stats.held = True
            log.warning("ingest_waits", reason=reason)

    def _commit_what_is_due(self) -> None:
        if self._monotonic() >= self._commit_due:
            self._commit_all()
            self._commit_due = self._monotonic() + EVERY_S
            return
        for chain in list(self._chains.values()):
            if chain.full:
                self._commit(chain, None, self._clock())

    def _commit_all(self) -> None:
        """Once a second: every partition, with word on whether it has caught up."""
        for topic, partitions in self._source.topics().items():
            if self._registered.get(topic) != partitions:
                self._store.register(topic, partitions)
                self._registered[topic] = partitions
        asked_at = self._clock()  # what comes into the logs from here on, no word of ours vouches for
        ends = self._source.ends(list(self._chains))
        if ends or not self._chains:
            self.heard_at = self._monotonic()
        for chain in list(self._chains.values()):
            self._commit(chain, ends.get(chain.partition), asked_at)
        self.lag = {p: max(0, ends[p] - chain.next) for p, chain in self._chains.items() if p in ends}
        active = self._active() if self._chains else {}
        for chain in self._chains.values():
            if not chain.pending and chain.changes_with(active) and not ahead_of(chain.digests, active):
                self.stats.gaps.update(adopt(chain, active))

    def _commit(self, chain: Chain, end: int | None, at: float) -> None:
        """One link of a partition's chain. `end` is where its log ended at `at`, None when not known."""
        position = self._source.position(chain.partition)
        if position is not None and position > chain.next:
            chain.next = position  # over markers of transactions, or records that are gone
        caught_up = end is not None and chain.next >= end
        if chain.open and not caught_up and self._monotonic() < self._gap_due:
            return  # the first event behind a gap, which tells how far it may reach, is about to come
        if not chain.pending:
            if end is not None and chain.partition not in self.blocked:
                self._report(chain, chain.next, caught_up=caught_up, at=at)
            return
        if self._letters is not None:
            self._letters.flush()
        outcome = self._store.commit(chain.commit(caught_up=caught_up, at=at))
        self.stats.commits[outcome.value] += 1
        if outcome in (Outcome.APPLIED, Outcome.ALREADY):
            stored = self._store.state(chain.partition) if outcome is Outcome.ALREADY else None
            self.stats.turns.update(chain.turns)
            chain.committed(stored)
            chain.told = (caught_up, self._monotonic())
        elif outcome is Outcome.TOPIC:
            raise other_topic(chain.partition)
        else:
            self._set_back(chain, outcome.value)

    def _report(self, chain: Chain, stored: int, *, caught_up: bool, at: float) -> None:
        """Nothing new: say whether we have caught up, when that changed and every five seconds."""
        now = self._monotonic()
        if chain.told_of(caught_up, now):
            return
        if self._store.report(chain.partition, stored, caught_up=caught_up, at=at):
            chain.told = (caught_up, now)
        else:
            self._set_back(chain, Outcome.REFUSED.value)

    def _set_back(self, chain: Chain, outcome: str) -> None:
        """Somebody else moved the partition on, or its bin sets changed: read again from what is stored."""
        if chain.expected is not None and self._store.state(chain.partition).next_offset is None:
            raise state_lost(chain.partition, chain.expected)
        del self._chains[chain.partition]
        self.blocked.pop(chain.partition, None)
        self._source.park(chain.partition)
        self._place_due = 0.0
        log.info("partition_set_back", partition=str(chain.partition), outcome=outcome)

    def _place(self) -> None:
        """Start each parked partition where the store says; wait while its agents are still learning."""
        parked = self._source.parked()
        if not parked or self._monotonic() < self._place_due:
            return
        self._place_due = self._monotonic() + EVERY_S
        active = self._active()
        enough = self._monotonic() + EVERY_S  # the rest the next time: store and broker may be slow
        for partition in parked if active else ():
            if self._monotonic() > enough:
                return
            chain = self._placing.place(partition, active)
            if chain is not None:
                self._chains[partition] = chain
                self.stats.gaps.update(adopt(chain, active))

    def _offsets(self) -> dict[Partition, int]:
        return {p: chain.expected for p, chain in self._chains.items() if chain.expected is not None}
