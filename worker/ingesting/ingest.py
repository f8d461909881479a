"""ingest: Kafka record -> Turn -> bins -> bucket deltas -> one atomic commit (deltas + next offset).

`Ingest.tick` is the line; where a partition starts and what is stored of it is the `Ledger`'s.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from binning.binset import Binned
from binning.counts import bucket_deltas
from worker.decode import MAX_BYTES, AgentMatch, Malformed, decode_turn, rows_by_agent
from worker.ingesting.sieve import NO_LIMITS, Limits, Sieve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from baselines.store import Partition
    from binning.counts import Gain
    from binning.encoder import Encoder
    from binning.turn import Turn
    from worker.ingesting.chain import ActiveBinSet, Chain
    from worker.ingesting.ledger import Ledger
    from worker.records import Letters, Record, RecordSource

FIRST_RECORDS = 2_000
MAX_RECORDS = 5_000
"""As many as a fetch brings: they share the millisecond or two that a pass costs however few they are."""
MIN_RECORDS = 50
SLOW_S = 0.5
"""A pass that takes longer reads fewer records next time: the whole group waits for a slow member's poll."""

_TRACE_ID_CHARS = 128


@dataclass(slots=True)
class IngestStats:
    """What was read, for metrics and `/livez`."""

    dead_letters: Counter[str] = field(default_factory=Counter)
    """Records that are no turns, by reason."""
    unmatched: int = 0
    """Turns of no configured agent."""
    repeated: Counter[str] = field(default_factory=Counter)
    """Turns by agent that were here before, and are not counted again."""
    passed_by: Counter[str] = field(default_factory=Counter)
    """Turns by agent that it does not count: it is still learning, or learned from them."""
    degraded: Counter[str] = field(default_factory=Counter)
    """Turns by agent that are counted without the dimensions that need a vector: the encoder failed."""
    last_tick: float = 0.0
    """When the last pass ended, on the monotonic clock."""


@dataclass(slots=True)
class _Rows:
    """Turns of one agent in one poll, partition by partition; `begins` is where each chain's turns begin."""

    bins: ActiveBinSet
    turns: list[Turn] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    chains: list[Chain] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)

    def add(self, chain: Chain, turns: Iterable[Turn], offsets: Iterable[int]) -> None:
        """Turns of a chain that has none here yet."""
        self.chains.append(chain)
        self.begins.append(len(self.turns))
        self.turns.extend(turns)
        self.offsets.extend(offsets)


class Ingest:
    """Counts the turns of the records of `source`. `letters` None drops bad records, counted.

    A partition with more bad records than `limits` allow is blocked: nothing of it is read any more.
    """

    def __init__(
        self,
        source: RecordSource,
        ledger: Ledger,
        encoder: Encoder,
        agents: Sequence[AgentMatch],
        *,
        letters: Letters | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_bytes: int = MAX_BYTES,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self.stats = IngestStats(last_tick=monotonic())
        self._source = source
        self._ledger = ledger
        self._encoder = encoder
        self._agents = tuple(agents)
        self._letters = letters
        self._clock = clock
        self._monotonic = monotonic
        self._max_bytes = max_bytes
        self._limits = limits
        self._limit = FIRST_RECORDS

    def tick(self) -> None:
        """One pass: poll, decode, bin and count, then commit and place what is due.

        Raises:
            SourceFailed: reading cannot go on in this process.
            StoreRefused: nor can writing.
            StateLost: what was counted is gone.
        """
        batches = self._source.poll(self._limit)
        began = time.perf_counter()
        self._ledger.forget(self._source.lost())
        self._ledger.skip(self._source.jumps())
        self._count(self._decode(batches))
        self._ledger.settle()
        self.stats.last_tick = self._monotonic()
        self._pace(sum(map(len, batches.values())), time.perf_counter() - began)

    def _decode(self, batches: Mapping[Partition, Sequence[Record]]) -> Iterable[tuple[str, _Rows]]:
        """The turns to count, by agent and bin set."""
        groups: dict[tuple[str, str], _Rows] = {}
        now = self._clock()
        for partition, records in batches.items():
            if (chain := self._ledger.chain(partition)) is not None:
                self._decode_one(chain, records, groups, now)
        return [(agent, rows) for (agent, _), rows in groups.items()]

    def _decode_one(
        self, chain: Chain, records: Sequence[Record], groups: dict[tuple[str, str], _Rows], now: float
    ) -> None:
        """Add the turns of one partition's records to `groups`."""
        turns, offsets = self._turns(chain, records, now)
        for agent, rows in rows_by_agent(turns, self._agents).items():
            if agent is None:
                self.stats.unmatched += len(rows)
            elif counted := self._counted(agent, chain, turns, offsets, rows):
                bins = chain.counting[agent]
                group = groups.setdefault((agent, bins.digest), _Rows(bins))
                group.add(chain, [turns[row] for row in counted], [offsets[row] for row in counted])

    def _turns(
        self, chain: Chain, records: Sequence[Record], now: float
    ) -> tuple[Sequence[Turn], Sequence[int]]:
        """The turns of a partition's records that it has not handled yet, and their offsets."""
        turns: list[Turn] = []
        offsets: list[int] = []
        for number, record in enumerate(records, chain.read + 1):
            offset = record.offset
            if offset < chain.next:
                continue
            decoded = decode_turn(record.value, now=now, max_bytes=self._max_bytes)
            if isinstance(decoded, Malformed):
                if not self._reject(chain, record, decoded, number):
                    break
                continue
            chain.next = offset + 1
            turns.append(decoded)
            offsets.append(offset)
        chain.read += len(records)
        if turns:
            chain.saw(min(turns[0].at, now), min(max(turn.at for turn in turns), now))
        return turns, offsets

    def _counted(
        self, agent: str, chain: Chain, turns: Sequence[Turn], offsets: Sequence[int], rows: Sequence[int]
    ) -> Sequence[int]:
        """Those of an agent's turns in `rows` that it counts now."""
        bins, repeats = chain.counting.get(agent), chain.repeats
        begin = bins.ends.get(chain.partition, 0) if bins is not None else math.inf
        own = [row for row in rows if offsets[row] >= begin]
        if len(own) < len(rows):
            self.stats.passed_by[agent] += len(rows) - len(own)
        new = own if repeats is None else [row for row in own if not repeats.has(agent, turns[row])]
        if len(new) < len(own):
            self.stats.repeated[agent] += len(own) - len(new)
        return new

    def _reject(self, chain: Chain, record: Record, malformed: Malformed, number: int) -> bool:
        """Whether it became a dead letter; one that is too many blocks its partition before it."""
        if chain.sieve is None:
            chain.sieve = Sieve(self._limits)
        if (why := chain.sieve.refuses(number)) is not None:
            self._ledger.block(chain, f"{why} (now {malformed.reason})")
            return False
        chain.next = record.offset + 1
        self.stats.dead_letters[malformed.reason] += 1
        if self._letters is not None:
            self._letters.put(chain.partition, record, malformed)
            chain.rejected += len(record.value or b"")
        return True

    def _count(self, groups: Iterable[tuple[str, _Rows]]) -> None:
        """Bin each group at once, then add to the chains that its turns came from."""
        for agent, rows in groups:
            binned = rows.bins.bin_set.assign(rows.turns, self._encoder, tolerated=True)
            if binned.degraded:
                self.stats.degraded[agent] += binned.degraded
            ends = [*rows.begins[1:], len(rows.turns)]
            for chain, start, end in zip(rows.chains, rows.begins, ends, strict=True):
                chain.add(agent, _deltas(rows, binned, chain.partition, slice(start, end)))
                chain.turns[agent] += end - start

    def _pace(self, records: int, took_s: float) -> None:
        """How many to read the next time; a pass of few does not show how long one of many takes."""
        if took_s > SLOW_S:
            self._limit = max(MIN_RECORDS, self._limit // 2)
        elif took_s < SLOW_S / 4 and records > self._limit // 2:
            self._limit = min(MAX_RECORDS, self._limit * 2)


def _deltas(rows: _Rows, binned: Binned, partition: Partition, part: slice) -> dict[int, Gain]:
    """What the buckets of one partition gain by its part of the turns."""
    turns, offsets = rows.turns[part], rows.offsets[part]
    return bucket_deltas(
        rows.bins.bin_set,
        Binned(binned.slots[part], binned.segments[part]),
        turns,
        lambda row: _pointer(turns[row], partition, offsets[row]),
    )


def _pointer(turn: Turn, partition: Partition, offset: int) -> str:
    """A pointer to a turn's record, JSON; ids and places, no text."""
    pointer = {
        "trace_id": turn.trace_id[:_TRACE_ID_CHARS],
        "topic": partition.topic,
        "partition": partition.number,
        "offset": offset,
    }
    return msgspec.json.encode(pointer).decode()
