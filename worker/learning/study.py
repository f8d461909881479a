"""Learning from the turns of a recorded range: a bin set, and every turn of the range counted under it.

Everything depends on the recorded offsets alone: whoever learns from them again gets the same bytes.
"""

from __future__ import annotations

import heapq
import zlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from baselines.eras import Laid
from baselines.errors import StoreUnavailable
from baselines.history import ALL
from baselines.lanes import SLOT, learn_lanes
from baselines.learned import bin_set_name, encode_reference, layout_name, reference_name
from baselines.store import Put
from binning.binset import Binned
from binning.counts import learning_hours
from binning.learn import learn_bin_set
from worker.decode import Malformed, decode_turn
from worker.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from baselines.learned import Hours, Plan
    from baselines.store import Partition
    from binning.binset import BinSet
    from binning.encoder import Encoder
    from binning.kept import Kept
    from binning.spec import BinSpec
    from binning.turn import Turn
    from worker.learning.bookmark import Bookmark
    from worker.records import Letters, Ranges

    Tell = Callable[[str, int], None]
    """Hears a stage and the turns that it has got to."""

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class LearnFrom:
    """Where a first start learns from: the first retained record, the log's end, or an event time."""

    latest: bool = False
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned: the bin set, and the turns that it and its reference are made of."""

    bin_set: BinSet
    turns: int
    reference: bytes

    @property
    def writes(self) -> tuple[Put, ...]:
        """All of it, as it is kept."""
        digest = self.bin_set.digest
        laid = Laid(digest, self.bin_set.layout, self.bin_set.segments)
        return (
            Put(bin_set_name(digest), self.bin_set.to_bytes()),
            Put(layout_name(digest), laid.to_bytes()),
            Put(reference_name(digest), self.reference),
        )


def _nobody(stage: str, turns: int) -> None:
    """Nobody is watching."""


def _nowhere(partition: Partition, offset: int) -> None:
    """It is noted nowhere."""


@dataclass(slots=True)
class Study:
    """Reads an agent's turns by offset and learns from them. Turns before `since` (event time) are none.

    `letters` takes the records that are no turns; None where that was done before.
    """

    ranges: Ranges
    owns: Callable[[Turn], bool]
    spec: BinSpec
    encoder: Encoder
    clock: Callable[[], float]
    since: float | None = None
    letters: Letters | None = None
    bookmark: Bookmark | None = None

    def watched(self, bookmark: Bookmark) -> Bookmark:
        """Note in `bookmark` where it is from now on, unless it does so already."""
        if self.bookmark is None:
            self.bookmark = bookmark
            bookmark.look(self.ranges)
        return self.bookmark

    def close(self) -> None:
        """Let go of what it reads from and writes to."""
        if self.bookmark is not None:
            with suppress(StoreUnavailable):
                self.bookmark.close()
        self.ranges.close()
        if self.letters is not None:
            self.letters.close()

    def times(self, partition: Partition, start: int, end: int) -> Iterator[list[tuple[int, float]]]:
        """Offsets and event times of the agent's turns of an offset range."""
        for chunk in self._turns(partition, start, end, self.clock()):
            yield [(offset, turn.at) for offset, turn in chunk]

    def learn(
        self,
        plan: Plan,
        sample: Sequence[Turn],
        hourly: float,
        kept: Kept | None = None,
        tell: Tell = _nobody,
    ) -> Learned:
        """The bin set of a sealed plan's `sample`, and the counts of every turn of it. `kept`: see there."""
        tell("learning", len(sample))
        if self.bookmark is not None:
            self.bookmark.fits()
        bin_set = learn_bin_set(sample, self.spec, self.encoder, hourly=hourly, kept=kept)
        turns, segments, slots = self._count(plan, bin_set, tell)
        lanes = learn_lanes(bin_set.layout, segments[ALL], slots)
        return Learned(bin_set, turns, encode_reference(segments, lanes))

    def _turns(
        self, partition: Partition, start: int, end: int, now: float, letters: Letters | None = None
    ) -> Iterator[list[tuple[int, Turn]]]:
        """The agent's turns of an offset range; records that are no turns go to `letters`."""
        note = self.bookmark.at if self.bookmark is not None else _nowhere
        note(partition, start)
        for records in self.ranges.read(partition, start, end):
            chunk = []
            for offset, value in records:
                turn = decode_turn(value, now=now)
                if isinstance(turn, Malformed):
                    if letters is not None:
                        letters.put(partition, Record(offset, None, value), turn)
                elif self.owns(turn) and (self.since is None or turn.at >= self.since):
                    chunk.append((offset, turn))
            yield chunk
            if records:
                note(partition, records[-1][0] + 1)

    def _planned(self, plan: Plan, letters: Letters | None = None) -> Iterator[list[Turn]]:
        """The turns of a sealed plan in order of (partition, offset), stragglers left out."""
        since, now = plan.since or 0.0, plan.at or self.clock()
        for planned in plan.ranges:
            for chunk in self._turns(planned.partition, planned.begin, planned.end, now, letters):
                yield [turn for _, turn in chunk if turn.at >= since]

    def sample(self, plan: Plan, tell: Tell = _nobody) -> tuple[list[Turn], float]:
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
            tell("reading", position)
        hours = ((plan.until or 0.0) - (plan.since or 0.0)) / 3600
        hourly = position / hours if hours > 0 else 0.0
        return [turn for _, _, turn in sorted(heap, key=lambda entry: -entry[1])], hourly

    def _count(self, plan: Plan, bin_set: BinSet, tell: Tell) -> tuple[int, dict[str, Hours], Hours]:
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
            tell("counting", total)
            if self.letters is not None:
                self.letters.flush()  # chunk by chunk: they are kept in memory until they have arrived
        return total, segments, slots


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
