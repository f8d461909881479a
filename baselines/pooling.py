"""Which bins of a dimension are compared together, because the reference hardly has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.arrays import pack, unpack
from binning.layout import OTHER, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats

RARE_BELOW = 5
"""Reference turns below which an unconfigured bin is pooled (statistics.md section 0, step 1)."""


@dataclass(frozen=True, slots=True)
class Pooling:
    """Original bin -> pooled bin, decided once, when the reference is learned.

    Both are (bins,): `of` is the pooled bin of each, `weights` its part of the pool's reference share.
    """

    of: NDArray[np.int64]
    weights: Floats
    size: int

    @classmethod
    def learn(cls, counts: NDArray[np.int64], names: Sequence[str], *, configured: bool) -> Self:
        """Pool bins with fewer than five reference turns into `__other__`, or into one pool of their own.

        `names` may be empty. Configured bins are never pooled, nor is `__unseen__`.
        """
        own = np.array([name == UNSEEN for name in names] or [False] * len(counts), dtype=bool)
        pooled = (counts < RARE_BELOW) & ~own
        if OTHER in names and pooled.any():
            pooled[names.index(OTHER)] = True
        if configured or pooled.sum() < 2:
            pooled = np.zeros(len(counts), dtype=bool)
        of = np.empty(len(counts), dtype=np.int64)
        alone = int((~pooled).sum())
        of[~pooled] = np.arange(alone)
        of[pooled] = alone
        size = alone + int(pooled.any())
        totals = np.bincount(of, weights=counts + 0.5, minlength=size)
        return cls(of, (counts + 0.5) / totals[of], size)

    def pooled(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Counts of the pooled bins, (size,)."""
        if self.size == len(self.of):
            return counts
        return np.bincount(self.of, weights=counts, minlength=self.size).astype(np.int64)

    def state(self) -> dict[str, Any]:
        """Plain values and bytes."""
        return {"of": pack(self.of), "weights": pack(self.weights), "size": self.size}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The pooling that `state` came from."""
        return cls(unpack(state["of"]), unpack(state["weights"]), state["size"])
