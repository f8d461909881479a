"""Buckets as bytes: a minute as one MessagePack map, an hour as a compact value.

MessagePack writes an integer below 128 as one byte, below 256 as two and below 65,536 as three: its integers
are the varints that an hour is packed with. Slots are sorted and kept as gaps, so that nearly every gap and
count of a sparse hour is one byte; names are written once per segment, and the whole is deflated.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from baselines.store import TURNS, Delta
from binning.layout import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from baselines.store import Bucket

VERSION = b"\x01"
"""First byte of a packed hour: the format's version."""

MOST_VALUES = 32
"""Values of a field of the change set that an hour keeps by name."""

_encode = msgspec.msgpack.Encoder().encode
_bucket = msgspec.msgpack.Decoder(dict[str, int | str])


class _Hour(msgspec.Struct, array_like=True):
    """A packed hour: segment -> (turns, gaps between slots, counts), change-set fields, pointers."""

    segments: dict[str, tuple[int, list[int], list[int]]]
    rest: dict[str, int]
    pointers: dict[str, str]


_hour = msgspec.msgpack.Decoder(_Hour)


def encode_bucket(delta: Delta) -> bytes:
    """A bucket as the commit script stores and merges it: one map of counts and pointers."""
    return _encode({**delta.counts, **delta.pointers} if delta.pointers else delta.counts)


def decode_bucket(data: bytes) -> Delta:
    """Back from `encode_bucket`, or from what the script merged."""
    delta = Delta()
    for name, value in _bucket.decode(data).items():
        if isinstance(value, str):
            delta.pointers[name] = value
        else:
            delta.counts[name] = value
    return delta


def fold(buckets: Iterable[Bucket]) -> Delta:
    """The sum of buckets, earliest first: counts add up, the first pointer of a name stays.

    A field of the change set keeps its most common `MOST_VALUES`, the others become one: where a tool set or
    a prompt is put together for each turn every turn has a value of its own, and weeks of them are kept.
    """
    total = Delta()
    counts = total.counts
    for bucket in buckets:
        for name, count in bucket.counts.items():
            counts[name] = counts.get(name, 0) + count
        for name, pointer in bucket.pointers.items():
            total.pointers.setdefault(name, pointer)
    _bound(counts)
    return total


def _bound(counts: dict[str, int]) -> None:
    values: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for name, count in counts.items():
        if name.startswith("@"):
            values[name.partition("=")[0]].append((-count, name))
    for field, found in values.items():
        rest = f"{field}={OTHER}"
        rare = [name for _, name in sorted(found) if name != rest][MOST_VALUES:]
        if rare:
            counts[rest] = counts.get(rest, 0) + sum(counts.pop(name) for name in rare)


def pack_hour(hour: Delta) -> bytes:
    """An hour's counts and pointers as a compact value."""
    slots: dict[str, list[tuple[int, int]]] = {}
    rest: dict[str, int] = {}
    for name, count in hour.counts.items():
        if name.startswith("@"):
            rest[name] = count
            continue
        segment, _, field = name.rpartition("/")
        slots.setdefault(segment, []).append((-1 if field == TURNS else int(field), count))
    packed = _Hour({segment: _gaps(sorted(pairs)) for segment, pairs in slots.items()}, rest, hour.pointers)
    return VERSION + zlib.compress(_encode(packed), 6)


def _gaps(pairs: list[tuple[int, int]]) -> tuple[int, list[int], list[int]]:
    """Sorted (slot, count) pairs, turns as slot -1, as turns, gaps between slots and counts."""
    turns = 0
    if pairs[0][0] < 0:
        turns, pairs = pairs[0][1], pairs[1:]
    slots = [slot for slot, _ in pairs]
    gaps = [slot - before for slot, before in zip(slots, [0, *slots], strict=False)]
    return turns, gaps, [count for _, count in pairs]


@dataclass(slots=True, eq=False)
class PackedHour:
    """A packed hour as it was read: the slots and counts of each segment as arrays, `all` under "".

    `counts` makes the names of all fields, which a reader of slots can do without.
    """

    turns: int
    segments: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    segment_turns: dict[str, int]
    rest: dict[str, int]
    pointers: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Counts by field."""
        counts = dict(self.rest)
        for segment, (slots, values) in self.segments.items():
            prefix = f"{segment}/" if segment else ""
            if turns := self.segment_turns[segment]:
                counts[prefix + TURNS] = turns
            names = (f"{prefix}{slot}" for slot in slots.tolist())
            counts.update(zip(names, values.tolist(), strict=True))
        return counts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PackedHour):
            return NotImplemented
        return (self.counts, self.pointers) == (other.counts, other.pointers)

    __hash__ = None  # type: ignore[assignment]


def read_hour(data: bytes) -> PackedHour:
    """Back from `pack_hour`.

    Raises:
        ValueError: the value is not a packed hour of a version that is known here.
    """
    if data[:1] != VERSION:
        raise ValueError(f"packed hour of unknown version {data[:1]!r}: it was written by a newer worker")
    packed = _hour.decode(zlib.decompress(data[1:]))
    segments = {
        segment: (np.cumsum(np.array(gaps, dtype=np.int64)), np.array(values, dtype=np.int64))
        for segment, (_, gaps, values) in packed.segments.items()
    }
    turns = {segment: turns for segment, (turns, _, _) in packed.segments.items()}
    return PackedHour(turns.get("", 0), segments, turns, packed.rest, packed.pointers)


def unpack_hour(data: bytes) -> Delta:
    """Back from `pack_hour`, to add to it.

    Raises:
        ValueError: as `read_hour`.
    """
    hour = read_hour(data)
    return Delta(hour.counts, hour.pointers)
