"""Buckets as they were counted, under whatever bin set, as the layout in force sees them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.packing import PackedHour
from baselines.store import TURNS

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from baselines.store import Bucket

ALL = "all"

Sparse = dict[str, tuple["NDArray[np.integer[Any]]", "NDArray[np.integer[Any]]"]]
"""Slots and their counts by segment."""


@dataclass(frozen=True, slots=True)
class Era:
    """Counts that were made under one bin set, named by its digest.

    `slots` maps each of its slots to the slot of the same bin in the layout in force, -1 where there is none;
    None: every slot stayed. `segments` are those that meant the same then, None: all of them.
    """

    bin_set: str
    slots: NDArray[np.int64] | None = None
    segments: frozenset[str] | None = None


@dataclass(slots=True)
class Parsed:
    """One bucket of one partition as last read: counts a segment, change set and pointers."""

    turns: int
    counts: Sparse
    changes: dict[str, int]
    pointers: dict[str, str]


def parse(bucket: Bucket, era: Era, segments: Collection[str]) -> Parsed:
    """A bucket that was counted in `era`, of the `segments` that are asked for.

    Its numbers are of the smallest types that hold them: the judge keeps weeks of buckets.
    """
    wanted = segments if era.segments is None else era.segments.intersection(segments)
    parsed = _of_packed(bucket, wanted) if isinstance(bucket, PackedHour) else _of_fields(bucket, wanted)
    for name, counts in parsed.counts.items():
        slots, values = counts if era.slots is None else _moved(*counts, era.slots)
        parsed.counts[name] = _smallest(slots), _smallest(values)
    return parsed


def _smallest(values: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The same numbers, none of them below 0."""
    return values.astype(np.min_scalar_type(values.max(initial=0)))


def _of_fields(bucket: Bucket, segments: Collection[str]) -> Parsed:
    slots: dict[str, list[int]] = defaultdict(list)
    values: dict[str, list[int]] = defaultdict(list)
    changes: dict[str, int] = {}
    for name, count in bucket.counts.items():
        if name[0] == "@":
            changes[name[1:]] = count
            continue
        segment, _, slot = name.rpartition("/")
        if slot != TURNS and (segment or ALL) in segments:
            slots[segment or ALL].append(int(slot))
            values[segment or ALL].append(count)
    counts: Sparse = {
        name: (np.array(slots[name], dtype=np.int64), np.array(values[name], dtype=np.int64))
        for name in slots
    }
    return Parsed(bucket.counts.get(TURNS, 0), counts, changes, bucket.pointers)


def _of_packed(hour: PackedHour, segments: Collection[str]) -> Parsed:
    counts: Sparse = {
        segment or ALL: arrays for segment, arrays in hour.segments.items() if (segment or ALL) in segments
    }
    changes = {name[1:]: count for name, count in hour.rest.items()}
    return Parsed(hour.turns, counts, changes, hour.pointers)


def _moved(
    slots: NDArray[np.integer[Any]], values: NDArray[np.integer[Any]], to: NDArray[np.int64]
) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Counts by slot, under the slots of another layout; those without one there are left out."""
    found = to[slots]
    kept = found >= 0
    return found[kept], values[kept]
