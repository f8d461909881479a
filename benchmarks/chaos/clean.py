"""A judge to whom nothing ever happened: what it says of the same records is what the soak's must have said.

In process, on a store in memory, in event time, one hour after the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from baselines.history import KEEP_HOURS
from baselines.learned import ACTIVE, bin_set_name, reference_name
from baselines.memory import MemoryStore
from baselines.store import Delta, Partition, Put
from benchmarks.synthetic import Log, quiet_telling
from binning.binset import BinSet
from worker.judging.inheriting import PROGRESS, Saved
from worker.judging.judge import AgentJudge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alerts.verdict import Verdict
    from baselines.store import AgentStore
    from benchmarks.chaos.oracle import Counted
    from tests.e2e.counts import Left
    from worker.judging.tracked import Rules

TOKEN = 1
PARTITION = Partition("clean", 0)
PACKED_AFTER_H = 8
HOUR = 3600


@dataclass(slots=True)
class CleanJudge:
    """Judges one agent from where its learning ended, under the bin set and the reference that it `left`.

    `verdicts` are all of it, by segment and end.
    """

    agent: str
    left: Left
    rules: Rules
    verdicts: dict[tuple[str, int], Verdict] = field(default_factory=dict)
    _store: MemoryStore = field(default_factory=MemoryStore)
    _log: Log = field(init=False)
    _judge: AgentJudge = field(init=False)

    def __post_init__(self) -> None:
        """Put what learning left behind in place."""
        active, bin_set = self.left.active, self.left.bin_set or b""
        learned = [
            Put(ACTIVE, active.to_bytes()),
            Put(bin_set_name(active.digest), bin_set),
            Put(reference_name(active.digest), self.left.reference),
        ]
        self._store.write(self.agent, TOKEN, learned)
        self._log = Log(self._store, PARTITION, digest=active.digest, agent=self.agent)
        self._judge = AgentJudge.take_over(
            self.agent, active, BinSet.from_bytes(bin_set), self._store, self.rules, quiet_telling()
        )

    def count(self, hour: int, pieces: Iterable[Counted]) -> None:
        """One more hour, before which everything is judged."""
        minutes: dict[int, Counter[str]] = {}
        for piece in pieces:
            minutes.setdefault(piece.minute, Counter()).update(piece.fields)
        self._log.add({at: Delta(dict(counts)) for at, counts in minutes.items()}, float((hour + 1) * HOUR))
        self.judge(float(hour * HOUR))
        self._store.pack(
            PARTITION,
            self.agent,
            self.left.active.digest,
            hour - PACKED_AFTER_H,
            self._log.offset or 0,
            keep_hours=KEEP_HOURS,
        )

    def judge(self, mark: float) -> None:
        """Up to what this watermark passes."""
        for verdict in self._judge.advance(mark, TOKEN) or ():
            self.verdicts[verdict.segment, verdict.at] = verdict

    @property
    def progress(self) -> Saved:
        """All that judging has come to."""
        return progress(self._store, self.agent, self.left.active.digest)


def progress(store: AgentStore, agent: str, digest: str) -> Saved:
    """What a leader left in the store for the next one."""
    return msgspec.msgpack.decode(store.get(agent, f"{PROGRESS}:{digest}") or b"", type=Saved)


def unlike(clean: Mapping[tuple[str, int], Verdict], said: Sequence[Verdict]) -> list[str]:
    """The verdicts that a judge of the same counts does not give.

    Which turns are shown as samples and what page is linked is left aside: the first depends on partitions,
    the second on where the worker is served.
    """
    return [
        f"{verdict.segment} at {verdict.at}: {verdict.turns} turns, exceeds {verdict.exceeds}, "
        f"for {right.turns if right is not None else 'no'} turns, exceeds {right and right.exceeds}"
        for verdict in said
        if (right := clean.get((verdict.segment, verdict.at))) is None or _plain(right) != _plain(verdict)
    ]


def _plain(verdict: Verdict) -> Verdict:
    return msgspec.structs.replace(verdict, samples=(), playbook=None)
