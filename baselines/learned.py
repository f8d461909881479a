"""What learning leaves behind for an agent: the recorded range, the counts of it, and what is active now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from baselines.lanes import LaneSpread
from baselines.store import Partition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

PLAN = "learning"
"""Name of the recorded plan among an agent's values."""
ACTIVE = "active"
"""Name of what is active among an agent's values."""


def bin_set_name(digest: str) -> str:
    """Name of a bin set among an agent's values."""
    return f"binset:{digest}"


def layout_name(digest: str) -> str:
    """Name of what a bin set's slots mean among an agent's values."""
    return f"layout:{digest}"


def reference_name(digest: str) -> str:
    """Name of the learned counts among an agent's values."""
    return f"reference:{digest}"


class PlannedRange(msgspec.Struct, frozen=True):
    """Offsets of one partition that are learned from: `begin` inclusive, `end` exclusive."""

    topic: str
    number: int
    begin: int
    end: int

    @property
    def partition(self) -> Partition:
        """The partition that the offsets are of."""
        return Partition(self.topic, self.number)


class Plan(msgspec.Struct, frozen=True):
    """What learning reads, again after a crash. Until it is sealed its ends are the log's and the times None.

    Sealed: turns from `since` to `until` (event time) are learned from; `at` is the wall clock that every
    reading of them is held against.
    """

    ranges: tuple[PlannedRange, ...]
    since: float | None = None
    until: float | None = None
    at: float | None = None

    def within(self, partitions: Collection[Partition]) -> bool:
        """Whether it reads these alone. A topic that was taken out of the config is learned from no more."""
        return all(planned.partition in partitions for planned in self.ranges)

    def to_bytes(self) -> bytes:
        """As kept in the store."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Plan:
        """The plan that `to_bytes` wrote."""
        return msgspec.json.decode(data, type=cls)


class Active(msgspec.Struct, frozen=True):
    """What an agent counts under: its bin set, where learning ended, and who became active with it.

    `spec` is the digest of the binning settings that it was learned with. `round` names the agents of one
    first start: ingest begins when all of them are active, so that none has a gap. `past` are the bin sets
    that it counted under before, oldest first: a partition goes over from one of them where it stands. `lost`
    are those that partitions counted under and the store forgot in a fail-over: nobody knows any more what
    those counts mean, so they are a gap.

    Both keep only what is needed: a bin set is while a partition counts under it or holds counts of it, which
    are kept for 35 days. So they grow by one with each learning anew, and lose those of 35 days before.
    """

    digest: str
    until: float
    turns: int
    ends: tuple[PlannedRange, ...]
    round: tuple[str, ...]
    spec: str = ""
    past: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """As kept in the store."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Active:
        """What `to_bytes` wrote."""
        return msgspec.json.decode(data, type=cls)


class _Hour(msgspec.Struct, frozen=True, array_like=True):
    hour: int
    slots: bytes
    counts: bytes


Hours = dict[int, "NDArray[np.int64]"]
"""Flat vectors of counts by hour since the epoch."""


class _Learned(msgspec.Struct, frozen=True):
    hours: dict[str, list[_Hour]]
    lanes: dict[str, Any]


def encode_reference(segments: Mapping[str, Hours], lanes: Mapping[str, LaneSpread]) -> bytes:
    """The learned counts of every segment, sparse, and the fast lane's design effects by dimension.

    The same contents give the same bytes.
    """
    packed: dict[str, list[_Hour]] = {}
    for segment in sorted(segments):
        packed[segment] = []
        for hour, counts in sorted(segments[segment].items()):
            slots = np.flatnonzero(counts)
            packed[segment].append(
                _Hour(hour, slots.astype("<i4").tobytes(), counts[slots].astype("<i8").tobytes())
            )
    return msgspec.msgpack.encode(_Learned(packed, {key: lanes[key].state() for key in sorted(lanes)}))


def decode_hours(data: bytes, size: int) -> dict[str, Hours]:
    """The counts that `encode_reference` wrote, as vectors of `size` slots."""
    segments: dict[str, Hours] = {}
    for segment, hours in msgspec.msgpack.decode(data, type=_Learned).hours.items():
        segments[segment] = {}
        for entry in hours:
            counts = np.zeros(size, dtype=np.int64)
            counts[np.frombuffer(entry.slots, "<i4")] = np.frombuffer(entry.counts, "<i8")
            segments[segment][entry.hour] = counts
    return segments


def decode_lanes(data: bytes) -> dict[str, LaneSpread]:
    """The fast lane's design effects that `encode_reference` wrote."""
    lanes = msgspec.msgpack.decode(data, type=_Learned).lanes
    return {key: LaneSpread.restore(state) for key, state in lanes.items()}
