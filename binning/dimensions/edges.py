"""Quantile bins: edges from the learning turns, kept where ties would make a bin of nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def quantile_edges(values: NDArray[np.int64], bins: int) -> tuple[int, ...]:
    """Ascending whole edges, at most `bins` - 1. Bin i holds edge[i-1] <= value < edge[i].

    A value that many turns share becomes a bin of its own rather than splitting one; no bin is empty.
    """
    if not len(values):
        return ()
    ordered = np.sort(values)
    cuts = ordered[[len(ordered) * part // bins for part in range(1, bins)]]
    return tuple(int(edge) for edge in np.unique(cuts) if edge > ordered[0])


def place(values: NDArray[np.int64], edges: Sequence[int]) -> NDArray[np.int32]:
    """The bin of each value, 0 to len(edges)."""
    return np.searchsorted(np.asarray(edges, dtype=np.int64), values, side="right").astype(np.int32)
