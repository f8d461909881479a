"""Which kind of input it is, by the nearest of K centroids learned from the agent's own traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from binning.dimensions.terms import typical_terms
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

OUTLIER = "outlier"

_TURNS_A_CLUSTER = 20
_OUTLIER_SHARE = 0.01
_UNIT = 127
_SEED = 20_240_501
_STARTS = 4


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nearest centroid by cosine, and `outlier` for what is farther from all of them than 99 % while learning.

    `centroids` is (K, width) int8, unit vectors times 127; `floor` the least similarity, in units of 127 squared.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = True
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "cluster"

    centroids: NDArray[np.int8]
    floor: int
    terms: tuple[str, ...]

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """K-means on the fitting half; the outlier's limit and the terms come from turns it was not fitted on too."""
        batch = learning.batch
        has_text = np.fromiter(map(bool, batch.texts), dtype=np.bool_, count=len(batch.texts))
        fitting = batch.vectors[has_text & learning.fitting]
        centroids = _centroids(fitting, min(learning.spec.clusters, len(fitting) // _TURNS_A_CLUSTER))
        held_out = _similarity(batch.vectors[has_text & ~learning.fitting], centroids)
        floor = int(np.floor(np.quantile(held_out.max(axis=1), _OUTLIER_SHARE))) if held_out.size else 0
        unnamed = cls(centroids, floor, ())
        terms = typical_terms(batch.texts, unnamed.assign(batch), len(centroids))
        return (cls(centroids, floor, terms),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`0` to `K-1` and `outlier`."""
        return (*(str(index) for index in range(len(self.centroids))), OUTLIER)

    @property
    def labels(self) -> tuple[str, ...]:
        """The most typical terms of each cluster."""
        return (*self.terms, "unlike anything learned") if self.terms else ()

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The nearest centroid's index, K for an outlier."""
        outlier = len(self.centroids)
        nearest = np.full(len(batch.texts), outlier, dtype=np.int32)
        if outlier:
            similarity = _similarity(batch.vectors, self.centroids)
            near = similarity.max(axis=1) >= self.floor
            nearest[near] = similarity[near].argmax(axis=1)
        nearest[np.fromiter((not text for text in batch.texts), np.bool_, len(batch.texts))] = ABSENT
        return nearest

    def state(self) -> Mapping[str, Any]:
        """Centroids, the outlier's limit, the terms."""
        return {"centroids": self.centroids, "floor": self.floor, "terms": self.terms}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(state["centroids"], int(state["floor"]), tuple(state["terms"]))


def _similarity(vectors: NDArray[np.int8], others: NDArray[np.int8]) -> NDArray[np.float32]:
    """Dot products, (vectors, others). Integers below 2**24 in float32: exact, so batches cannot matter."""
    product: NDArray[np.float32] = vectors.astype(np.float32) @ others.T.astype(np.float32)
    return product


def _centroids(vectors: NDArray[np.int8], count: int) -> NDArray[np.int8]:
    if count < 1:
        return np.zeros((0, vectors.shape[1]), dtype=np.int8)
    with threadpool_limits(limits=1):
        model = KMeans(n_clusters=count, n_init=_STARTS, random_state=_SEED, algorithm="lloyd")
        centres = model.fit(vectors.astype(np.float32) / _UNIT).cluster_centers_
    lengths = np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    rounded = np.rint(centres / lengths * _UNIT).astype(np.int8)
    return np.unique(rounded, axis=0)
