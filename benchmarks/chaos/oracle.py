"""What the store must hold: every record behind learning counted once, bit for bit."""

from __future__ import annotations

import time
from collections import Counter
from heapq import merge
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from binning.binset import BinSet
from binning.counts import bucket_deltas
from binning.turn import Turn
from worker.decode import decode_turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from binning.encoder import Encoder
    from tests.e2e.counts import Left

BATCH = 500


class Counted(NamedTuple):
    """Counts by field of some turns of one minute (whole ones since the epoch) of one partition."""

    minute: int
    partition: str
    fields: Mapping[str, int]

    @property
    def hour(self) -> int:
        """Whole ones since the epoch."""
        return self.minute // 60


def counted_by_hour(
    found: Left, records: Mapping[str, Sequence[bytes]], encoder: Encoder
) -> Iterator[tuple[int, list[Counted]]]:
    """Every hour in order with what one clean run counts in it, from the records by partition, in order."""
    bin_set = BinSet.from_bytes(found.bin_set or b"")
    ends = {str(planned.partition): planned.end for planned in found.active.ends}
    counted = [
        _counted(bin_set, partition, values[ends.get(partition, 0) :], encoder)
        for partition, values in records.items()
    ]
    for hour, pieces in groupby(merge(*counted, key=lambda piece: piece.minute), lambda piece: piece.hour):
        yield hour, list(pieces)


def _counted(bin_set: BinSet, partition: str, values: Sequence[bytes], encoder: Encoder) -> Iterator[Counted]:
    for start in range(0, len(values), BATCH):
        decoded = [decode_turn(value, now=time.time()) for value in values[start : start + BATCH]]
        turns = [turn for turn in decoded if isinstance(turn, Turn)]
        deltas = bucket_deltas(bin_set, bin_set.assign(turns, encoder), turns, lambda _: "")
        for minute, (fields, _) in sorted(deltas.items()):
            yield Counted(minute, partition, fields)


class HourlyCounts(dict[tuple[str, int], Counter[str]]):
    """Counts by partition and hour, then by field."""

    def add(self, pieces: Iterable[Counted]) -> None:
        """Some more, in any order."""
        for piece in pieces:
            self.setdefault((piece.partition, piece.hour), Counter()).update(piece.fields)


def expected(found: Left, records: Mapping[str, Sequence[bytes]], encoder: Encoder) -> HourlyCounts:
    """Every field by partition and hour."""
    counts = HourlyCounts()
    for _, pieces in counted_by_hour(found, records, encoder):
        counts.add(pieces)
    return counts


def differences(
    wanted: Mapping[tuple[str, int], Mapping[str, int]], counted: Mapping[tuple[str, int], Mapping[str, int]]
) -> list[str]:
    """Where the two are not the same, the first few by partition, hour and field."""
    return [
        f"{key[0]}, hour {key[1]}, {field}: {there} for {right}"
        for key in sorted({*wanted, *counted})
        for field in sorted({*wanted.get(key, {}), *counted.get(key, {})})
        if (right := wanted.get(key, {}).get(field, 0)) != (there := counted.get(key, {}).get(field, 0))
    ]
