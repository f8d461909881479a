"""The bin set: all that binning needs and that was learned or configured, immutable, named by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from binning.content import decode, encode, named, restore
from binning.dimensions import EMBEDDED
from binning.dimensions.base import Batch
from binning.identity import SHARES, sampled
from binning.layout import ABSENT, OTHER, DimensionLayout, JointLayout, Layout
from binning.spec import BinSpec, ResponseRule, TaxonomyEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Dimension
    from binning.encoder import Encoder
    from binning.turn import Turn

__all__ = ["BinSet", "BinSpec", "Binned", "ResponseRule", "TaxonomyEntry", "encoder_of"]

_FORMAT = 2
_GIVEN = ("input.cluster", "input.intent")


@dataclass(slots=True)
class Binned:
    """The bins of some turns.

    `slots` is (turns, dimensions + joints): the global slot of each, or `ABSENT`. `segments` are each turn's
    `attribute=value` or `attribute=__other__`, only of configured attributes that the turn carries, without
    `all`. `degraded` turns lack the bins that need a vector: the encoder failed on them.
    """

    slots: NDArray[np.int32]
    segments: list[tuple[str, ...]]
    degraded: int = 0


class BinSet:
    """Fitted dimensions, their layout, and the segments that are counted. Holds vectors, never texts."""

    __slots__ = (
        "_columns",
        "_content",
        "digest",
        "dimensions",
        "encoder_digest",
        "layout",
        "segments",
        "share",
    )

    def __init__(
        self,
        encoder_digest: str,
        dimensions: Sequence[tuple[str, Dimension]],
        segments: Mapping[str, Sequence[str]],
        joint_outcomes: Sequence[str],
        share: int = SHARES,
    ) -> None:
        """`dimensions` are pairs of a key of `KINDS` and a fitted dimension of that kind.

        `share` / 1024 of the turns are embedded: the `EMBEDDED` dimensions count these alone.
        """
        self.encoder_digest = encoder_digest
        self.share = share
        self.dimensions = tuple(dimension for _, dimension in dimensions)
        self.segments = {name: tuple(values) for name, values in sorted(segments.items())}
        entries = [
            {"kind": kind, "version": dimension.version, "state": dict(dimension.state())}
            for kind, dimension in dimensions
        ]
        identities = [named(encode(entry)) for entry in entries]
        self.layout = _layout(dimensions, identities, joint_outcomes, share / SHARES)
        self._columns = {entry.key: column for column, entry in enumerate(self.layout.dimensions)}
        self._content = encode(
            {
                "format": _FORMAT,
                "encoder": encoder_digest,
                "share": share,
                "segments": {name: list(values) for name, values in self.segments.items()},
                "joint_outcomes": list(joint_outcomes),
                "dimensions": entries,
            }
        )
        self.digest = named(self._content)

    def assign(self, turns: Sequence[Turn], encoder: Encoder, *, tolerated: bool = False) -> Binned:
        """The bins of `turns`. Each turn's are the same alone and in any batch.

        Raises:
            ValueError: the bin set was learned with another encoder.
            EncoderFailed: it failed, and that is not `tolerated`.
        """
        if encoder.digest != self.encoder_digest:
            raise ValueError(f"bin set {self.digest} was learned with another encoder than {encoder.name}")
        batch = Batch(turns, encoder, tolerated=tolerated)
        rows = self._embedded(turns)
        sample = batch
        if rows is not None:
            sample = Batch([turns[row] for row in rows.tolist()], encoder, tolerated=tolerated)
        columns = len(self.layout.dimensions)
        slots = np.full((len(turns), columns + len(self.layout.joints)), ABSENT, dtype=np.int32)
        for column, (dimension, entry) in enumerate(
            zip(self.dimensions, self.layout.dimensions, strict=True)
        ):
            if entry.share == 1.0:
                slots[:, column] = _placed(dimension.assign(batch), entry.offset)
            else:
                slots[rows, column] = _placed(dimension.assign(sample), entry.offset)
        for column, joint in enumerate(self.layout.joints, start=columns):
            slots[:, column] = self._joint_slots(joint, slots)
        return Binned(slots, [self._segments_of(turn) for turn in turns], int(sample.degraded.sum()))

    def to_bytes(self) -> bytes:
        """Canonical: the same content gives the same bytes, and `digest` is their hash."""
        return self._content

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The bin set that `to_bytes` came from.

        Raises:
            ValueError: it was learned by another version of quadrift, whose bins mean something else.
        """
        content = decode(data)
        if content["format"] != _FORMAT:
            raise ValueError(f"bin set format {content['format']} is unknown here: learn a new one")
        dimensions = [(entry["kind"], restore(entry)) for entry in content["dimensions"]]
        return cls(
            content["encoder"], dimensions, content["segments"], content["joint_outcomes"], content["share"]
        )

    def _embedded(self, turns: Sequence[Turn]) -> NDArray[np.int64] | None:
        """Which turns are embedded; None for all."""
        if self.share == SHARES:
            return None
        return np.flatnonzero(sampled([turn.turn_id or turn.trace_id for turn in turns], self.share))

    def _joint_slots(self, joint: JointLayout, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        given, outcome = self._columns[joint.given], self._columns[joint.outcome]
        row = slots[:, given] - self.layout.dimensions[given].offset
        bin_ = slots[:, outcome] - self.layout.dimensions[outcome].offset
        present = (slots[:, given] >= 0) & (slots[:, outcome] >= 0)
        return np.where(present, joint.offset + row * joint.shape[1] + bin_, ABSENT).astype(np.int32)

    def _segments_of(self, turn: Turn) -> tuple[str, ...]:
        if not self.segments:
            return ()
        found = []
        for attribute, allowed in self.segments.items():
            text = turn.attribute(attribute)
            if text is not None:
                found.append(f"{attribute}={text if text in allowed else OTHER}")
        return tuple(found)


def encoder_of(data: bytes) -> str:
    """The digest of the encoder that a bin set was learned with, whatever version of quadrift learned it."""
    return str(decode(data)["encoder"])


def _placed(bins: NDArray[np.int32], offset: int) -> NDArray[np.int32]:
    return np.where(bins >= 0, bins + np.int32(offset), np.int32(ABSENT))


def _layout(
    dimensions: Sequence[tuple[str, Dimension]],
    identities: Sequence[str],
    joint_outcomes: Sequence[str],
    share: float,
) -> Layout:
    entries: list[DimensionLayout] = []
    size = 0
    for (kind, fitted), identity in zip(dimensions, identities, strict=True):
        entry = DimensionLayout(
            side=fitted.side,
            name=fitted.name,
            version=fitted.version,
            bins=fitted.bins,
            offset=size,
            configured=fitted.configured,
            halved=fitted.halved,
            share=share if kind in EMBEDDED else 1.0,
            labels=fitted.labels,
            identity=f"{identity}/{share:g}" if kind in EMBEDDED and share < 1.0 else identity,
        )
        entries.append(entry)
        size += len(entry.bins)
    joints: list[JointLayout] = []
    outcomes = [
        entry for entry in entries if entry.side == "output" and entry.name.split(":")[0] in joint_outcomes
    ]
    for given in (entry for key in _GIVEN for entry in entries if entry.key == key):
        for outcome in outcomes:
            shape, thinned = (len(given.bins), len(outcome.bins)), min(1.0, given.share / outcome.share)
            joints.append(JointLayout(given.key, outcome.key, size, shape, thinned))
            size += len(given.bins) * len(outcome.bins)
    return Layout(tuple(entries), tuple(joints), size)
