"""Which kind of input it is, by the nearest of K centroids learned from the agent's own traffic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.kmeans import UNIT, best_count, centroids
from binning.dimensions.terms import typical_terms
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

OUTLIER = "outlier"

_TURNS_A_CLUSTER = 15
_OUTLIER_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Cluster:
    """Nearest centroid by cosine about the mean; `outlier` is farther from all than 99 % while learning.

    `mean` is (width,) int16, what all inputs have in common: without it the fillers of a dialogue outweigh
    its topics. `centroids` is (K, width) int8, unit vectors times 127; `floor` the least cosine that is no
    outlier.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = True
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "cluster"

    mean: NDArray[np.int16]
    centroids: NDArray[np.int8]
    floor: float
    terms: tuple[str, ...]

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """K-means on the fitting half; the other says how many and what an outlier is, both the terms."""
        batch = learning.batch
        has_text = batch.has_text
        fitting = batch.vectors[has_text & learning.fitting]
        mean = np.rint(fitting.mean(axis=0) if len(fitting) else np.zeros(batch.vectors.shape[1])).astype(
            np.int16
        )
        others = batch.vectors[has_text & ~learning.fitting]
        least, most = (min(k, len(fitting) // _TURNS_A_CLUSTER) for k in learning.spec.clusters)
        count = best_count(fitting - mean, others - mean, least, most) if least < most else least
        unlimited = cls(mean, centroids(fitting - mean, count), -1.0, ())
        held_out = unlimited._cosines(others)
        floor = (
            float(np.round(np.quantile(held_out.max(axis=1), _OUTLIER_SHARE), 6)) if held_out.size else -1.0
        )
        terms = typical_terms(batch.texts, unlimited.assign(batch), len(unlimited.centroids))
        return (cls(mean, unlimited.centroids, floor, terms),)

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
            cosines = self._cosines(batch.vectors)
            near = cosines.max(axis=1) >= self.floor
            nearest[near] = cosines[near].argmax(axis=1)
        nearest[~batch.embedded] = ABSENT
        return nearest

    def state(self) -> Mapping[str, Any]:
        """Mean, centroids, the outlier's limit, the terms."""
        return {"mean": self.mean, "centroids": self.centroids, "floor": self.floor, "terms": self.terms}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(state["mean"], state["centroids"], float(state["floor"]), tuple(state["terms"]))

    def _cosines(self, vectors: NDArray[np.int8]) -> NDArray[np.float64]:
        """(vectors, K). The products are of integers below 2**24, exact in float32: batches cannot matter."""
        centred = (vectors - self.mean).astype(np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", centred, centred, dtype=np.float64))
        products = (centred @ self.centroids.T.astype(np.float32)).astype(np.float64)
        cosines: NDArray[np.float64] = products / (np.maximum(lengths, 1.0) * UNIT)[:, None]
        return cosines
