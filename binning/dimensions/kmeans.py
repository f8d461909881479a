"""K-means on the unit sphere, and how many clusters part the inputs best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIT = 127
"""The length of a unit vector in int8."""

_SEED = 20_240_501
_STARTS = 10
_TRIAL_STARTS = 3
_TRIALS = 8
"""So many numbers of clusters are tried, in equal ratios; then as many around the best of them."""
_TRIAL_ROWS = 5_000
_SCORED_ROWS = 2_000


def centroids(centred: NDArray[np.int16], count: int) -> NDArray[np.int8]:
    """K-means of distinct rows, (up to count, width). A text counts once, lest repeats be the centres."""
    return _fitted(np.unique(centred, axis=0), count, _STARTS)


def best_count(fitting: NDArray[np.int16], held_out: NDArray[np.int16], least: int, most: int) -> int:
    """The number of clusters from `least` to `most` with the largest silhouette (Rousseeuw 1987).

    Fitted on at most 5,000 rows and scored by cosine on at most 2,000 others, so that the cost is bounded
    however many turns were learned from; the smaller number where two score alike. `least` where there is
    too little to score.
    """
    rows, others = _thinned(fitting, _TRIAL_ROWS), _thinned(held_out, _SCORED_ROWS)
    most = min(most, len(rows), len(others) - 1)
    if most <= least:
        return min(least, most) if most > 0 else least
    units = _unit(others)
    distances = np.clip(1.0 - units @ units.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    scores: dict[int, float] = {}

    def best(first: int, last: int) -> int:
        for count in np.unique(np.rint(np.geomspace(first, last, _TRIALS)).astype(int)).tolist():
            if count not in scores:
                scores[count] = _score(_fitted(rows, count, _TRIAL_STARTS), units, distances)
        return max(scores, key=lambda count: (scores[count], -count))

    about, tried = best(least, most), sorted(scores)
    at = tried.index(about)
    return best(tried[max(at - 1, 0)], tried[min(at + 1, len(tried) - 1)])


def _fitted(distinct: NDArray[np.int16], count: int, starts: int) -> NDArray[np.int8]:
    count = min(count, len(distinct))
    if count < 1:
        return np.zeros((0, distinct.shape[1]), dtype=np.int8)
    with threadpool_limits(limits=1):
        model = KMeans(n_clusters=count, n_init=starts, random_state=_SEED, algorithm="lloyd")
        centres = model.fit(_unit(distinct)).cluster_centers_
    return np.unique(np.rint(_unit(centres) * UNIT).astype(np.int8), axis=0)


def _score(centres: NDArray[np.int8], units: NDArray[np.float32], distances: NDArray[np.float32]) -> float:
    """Rounded, so that the last bit of a sum decides nothing."""
    nearest = (units @ centres.T.astype(np.float32)).argmax(axis=1)
    used = len(np.unique(nearest))
    if not 2 <= used < len(units):
        return -1.0
    with threadpool_limits(limits=1):
        return round(float(silhouette_score(distances, nearest, metric="precomputed")), 4)


def _thinned(rows: NDArray[np.int16], most: int) -> NDArray[np.int16]:
    """At most so many of the distinct rows, evenly spaced in their order."""
    distinct: NDArray[np.int16] = np.unique(rows, axis=0)
    if len(distinct) <= most:
        return distinct
    thinned: NDArray[np.int16] = distinct[np.linspace(0, len(distinct) - 1, most).astype(int)]
    return thinned


def _unit(rows: NDArray[Any]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled
