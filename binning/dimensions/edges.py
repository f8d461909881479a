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


def value_edges(values: NDArray[np.int64], bins: int) -> tuple[int, ...]:
    """As `quantile_edges`, but a value that fills a whole quantile has a bin of its own, with both ends.

    So a constant has one bin at it, one below and one above: that it has changed can be seen. At most
    `bins` - 1 edges, because such a value takes two of the cuts.
    """
    if not len(values):
        return ()
    ordered = np.sort(values)
    cuts, times = np.unique(
        ordered[[len(ordered) * part // bins for part in range(1, bins)]], return_counts=True
    )
    heavy = cuts[times > 1]
    edges = np.unique(np.concatenate((cuts[(cuts > ordered[0]) | (times > 1)], heavy + 1)))
    return tuple(edges.tolist())
