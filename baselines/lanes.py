"""How much a dimension's shares scatter on the short windows of the fast lane, from the learning range.

The design effect grows with the length of a window, as sessions and wobble fill it, so each lane has its own
(statistics-2.md, section 0, rule 7). Measured against the hours around, as the fast lane judges.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.arrays import pack, unpack
from baselines.pooling import Pooling
from baselines.spread import BIN_WEIGHT, UNMEASURED
from baselines.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from binning.layout import Layout

    Counts = NDArray[np.int64]

LANES = (300, 900, 1800, 3600)
"""Lengths of the windows that are looked at every minute, in seconds."""
SLOT = LANES[0]
ENOUGH_WINDOWS = 24
"""Where fewer windows than this could be measured, the missing ones count as `UNMEASURED`."""
LEAST_TURNS = 20


@dataclass(frozen=True, slots=True)
class LaneSpread:
    """The design effect of one dimension on each lane: overall, (lanes,), and of each pooled bin."""

    phi: Floats
    bins: Floats

    @classmethod
    def unmeasured(cls, bins: int) -> Self:
        """Nothing is known of these bins."""
        return cls(np.full(len(LANES), UNMEASURED), np.full((len(LANES), bins), UNMEASURED))

    @classmethod
    def learn(cls, hours: Mapping[int, Counts], slots: Mapping[int, Counts], share: float) -> Self:
        """From counts of the pooled bins by hour and by five minutes since the epoch.

        `share` is the part of the turns that they count: thinned sessions hide the design effect.
        """
        measured = [_lane(hours, slots, length, share) for length in LANES]
        return cls(np.array([phi for phi, _ in measured]), np.array([bins for _, bins in measured]))

    def state(self) -> dict[str, Any]:
        """Plain values and bytes."""
        return {"phi": pack(self.phi), "bins": pack(self.bins)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """What `state` came from."""
        return cls(unpack(state["phi"]), unpack(state["bins"]))


def learn_lanes(
    layout: Layout, hours: Mapping[int, Counts], slots: Mapping[int, Counts]
) -> dict[str, LaneSpread]:
    """The lanes of every dimension, by key, from flat vectors of the learning range.

    `slots` map five minutes since the epoch to the dimensions' part of a flat vector.
    """
    found = {}
    for dimension in layout.dimensions:
        own = {hour: counts[dimension.slots] for hour, counts in hours.items()}
        pooling = Pooling.learn(
            np.sum(list(own.values()), axis=0), dimension.bins, configured=dimension.configured
        )
        found[dimension.key] = LaneSpread.learn(
            {hour: pooling.pooled(counts) for hour, counts in own.items()},
            {slot: pooling.pooled(counts[dimension.slots]) for slot, counts in slots.items()},
            0.5 if dimension.halved else 1.0,
        )
    return found


def _lane(
    hours: Mapping[int, Counts], slots: Mapping[int, Counts], length: int, share: float
) -> tuple[float, Floats]:
    """The design effect of windows of one length, overall and by bin, shrunk to it."""
    bins = len(next(iter(hours.values())))
    overall, each = _residuals(*_windows(hours, slots, length, bins))
    missing = max(0, ENOUGH_WINDOWS - len(overall))
    total = float((1 + (overall - 1) / share).sum()) + UNMEASURED * missing
    phi = max(1.0, total / (len(overall) + missing))
    full = (1 + (each - 1) / share).sum(0)
    return phi, np.maximum(1.0, (full + BIN_WEIGHT * phi) / (len(overall) + BIN_WEIGHT))


def _windows(
    hours: Mapping[int, Counts], slots: Mapping[int, Counts], length: int, bins: int
) -> tuple[Counts, Counts]:
    """Each window's counts and those of the three hours around it without it, both (windows, bins).

    One without turns enough, or with an hour missing beside it, tells nothing.
    """
    tiles: dict[int, Counts] = defaultdict(lambda: np.zeros(bins, dtype=np.int64))
    for slot, counts in slots.items():
        tiles[slot * SLOT // length] += counts
    inside, around = [np.zeros((0, bins), dtype=np.int64)], [np.zeros((0, bins), dtype=np.int64)]
    for tile, counts in sorted(tiles.items()):
        hour = tile * length // HOUR
        beside = [hours[hour + i] for i in (-1, 0, 1) if hour + i in hours and hours[hour + i].any()]
        if len(beside) == 3 and int(counts.sum()) >= LEAST_TURNS:
            inside.append(counts[None])
            around.append((np.sum(beside, axis=0) - counts)[None])
    return np.concatenate(inside), np.concatenate(around)


def _residuals(x: Counts, around: Counts) -> tuple[Floats, Floats]:
    """Of each window (windows,) and each of its bins: squared distance over what independent turns give."""
    live = (x.sum(0) + around.sum(0)) > 0
    each = np.ones(x.shape)
    if live.sum() < 2:
        return np.ones(len(x)), each
    n, m = x.sum(1, keepdims=True), around.sum(1, keepdims=True)
    e = (around[:, live] + 0.5) / (m + 0.5 * int(live.sum()))
    ratio = (x[:, live] / n - e) ** 2 / (e * (1 / n + 1 / m))
    each[:, live] = ratio / (1 - e)
    frequent = e * n >= 1
    return (ratio * frequent).sum(1) / np.maximum(frequent.sum(1) - 1, 1), each
