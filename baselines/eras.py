"""Counts under one bin set after another: which of them add up, and where each dimension's history began.

A dimension keeps its history as long as its identity stays, a joint as long as both its sides do, a segment
as long as it means the same values. What changed in between and changed back began anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from baselines.learned import decode_hours, decode_lanes
from baselines.parsing import ALL, Era
from binning.layout import OTHER, Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.lanes import LaneSpread
    from baselines.learned import Hours
    from binning.layout import JointLayout


class Laid(msgspec.Struct, frozen=True):
    """What the counts under a bin set mean: its digest, where its bins are, and its segments' values."""

    digest: str
    layout: Layout
    segments: dict[str, tuple[str, ...]]

    def to_bytes(self) -> bytes:
        """As kept in the store."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Laid:
        """What `to_bytes` wrote."""
        return msgspec.msgpack.decode(data, type=cls)


@dataclass(frozen=True, slots=True)
class Lineage:
    """The bin sets of an agent from the first to the one in force, the last."""

    laid: Sequence[Laid]

    @property
    def layout(self) -> Layout:
        """Of the bin set in force."""
        return self.laid[-1].layout

    def dimensions(self, index: int) -> frozenset[str]:
        """The dimensions of today that were the same in every bin set from `index` on."""
        same = {(d.key, d.identity) for d in self.layout.dimensions}
        for laid in self.laid[index:]:
            same &= {(d.key, d.identity) for d in laid.layout.dimensions}
        return frozenset(key for key, _ in same)

    def joints(self, index: int) -> dict[tuple[str, str], JointLayout]:
        """The joints of the bin set at `index` that are the same to this day, by their sides."""
        kept = self.dimensions(index)
        same = {(joint.given, joint.outcome) for joint in self.layout.joints}
        for laid in self.laid[index:]:
            same &= {(joint.given, joint.outcome) for joint in laid.layout.joints}
        return {
            (joint.given, joint.outcome): joint
            for joint in self.laid[index].layout.joints
            if (joint.given, joint.outcome) in same and {joint.given, joint.outcome} <= kept
        }

    def means_the_same(self, segment: str, index: int) -> bool:
        """Whether a segment of today took in the same turns in every bin set from `index` on."""
        if segment == ALL:
            return True
        attribute, _, value = segment.partition("=")
        allowed = [laid.segments.get(attribute, ()) for laid in self.laid[index:]]
        if value == OTHER:
            return bool(allowed[-1]) and all(set(one) == set(allowed[-1]) for one in allowed)
        return all(value in one for one in allowed)

    def slots(self, index: int) -> NDArray[np.int64]:
        """For each slot of the bin set at `index` the slot of the same bin today, -1 where there is none."""
        before = self.laid[index].layout
        moved = np.full(before.size, -1, dtype=np.int64)
        for key in self.dimensions(index):
            now = self.layout.dimension(key)
            moved[before.dimension(key).slots] = np.arange(now.slots.start, now.slots.stop)
        joints = self.joints(index)
        for now_joint in self.layout.joints:
            if (old := joints.get((now_joint.given, now_joint.outcome))) is not None:
                moved[old.slots] = np.arange(now_joint.slots.start, now_joint.slots.stop)
        return moved

    def eras(self, segments: Sequence[str]) -> list[Era]:
        """How the counts under each bin set are read today, for these segments of today."""
        past = [
            Era(
                laid.digest,
                self.slots(index),
                frozenset(name for name in segments if self.means_the_same(name, index)),
            )
            for index, laid in enumerate(self.laid[:-1])
        ]
        return [*past, Era(self.laid[-1].digest)]

    def learned_hours(self, references: Sequence[bytes]) -> dict[str, Hours]:
        """The counts of the learning ranges by segment and hour, those of each dimension from where it began.

        `references` are what each bin set's learning left (`encode_reference`). What was learned from later
        was counted already under the bins before.
        """
        found: dict[str, Hours] = {}
        for index, (laid, reference) in enumerate(zip(self.laid, references, strict=True)):
            for segment, hours in decode_hours(reference, laid.layout.size).items():
                if self.means_the_same(segment, index):
                    moved, taken = self._begun(segment, index)
                    own = found.setdefault(segment, {})
                    for hour, counts in hours.items():
                        total = own.setdefault(hour, np.zeros(self.layout.size, dtype=np.int64))
                        total[moved[taken]] += counts[taken]
        return found

    def _begun(self, segment: str, index: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """`slots(index)`, and which of them began their history there in this segment."""
        moved = self.slots(index)
        taken = moved >= 0
        if index and self.means_the_same(segment, index - 1):
            before = self.slots(index - 1)
            taken &= ~np.isin(moved, before[before >= 0])
        return moved, taken

    def learned_lanes(self, references: Sequence[bytes]) -> dict[str, LaneSpread]:
        """The fast lane's design effects, each dimension's from where it began."""
        found: dict[str, LaneSpread] = {}
        for index, reference in enumerate(references):
            lanes, kept = decode_lanes(reference), self.dimensions(index)
            found |= {key: lanes[key] for key in kept - found.keys() if key in lanes}
        return found
