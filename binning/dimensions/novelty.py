"""How unlike the learning inputs it is: finds a new segment that the old clusters would swallow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.edges import place, quantile_edges
from binning.identity import identity_hash
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

_EXEMPLARS = 1_000
_BINS = 10
_UNIT_SQUARED = 127 * 127
_CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Novelty:
    """Similarity to the nearest exemplar, in quantile bins whose edges come from turns that are no exemplars.

    `exemplars` is (n, width) int8; `edges` are similarities in units of 127 squared, ascending.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = True
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "novelty"

    exemplars: NDArray[np.int8]
    edges: tuple[int, ...]
    labels: tuple[str, ...] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Exemplars from the fitting half (those of the smallest hash of the id), edges from the other."""
        batch = learning.batch
        fitting: list[tuple[int, int]] = []
        held_out: list[tuple[int, int]] = []
        for index, (turn, text) in enumerate(zip(batch.turns, batch.texts, strict=True)):
            if text:
                (fitting if learning.fitting[index] else held_out).append(
                    (identity_hash(turn.identity), index)
                )
        chosen = [index for _, index in sorted(fitting)[:_EXEMPLARS]]
        exemplars = np.unique(batch.vectors[chosen], axis=0)
        similarities = _nearest(batch.vectors[[index for _, index in held_out]], exemplars)
        return (cls(exemplars, quantile_edges(similarities, _BINS)),)

    @property
    def bins(self) -> tuple[str, ...]:
        """From the least similar (the most novel) to the most, named by the similarity they start from."""
        starts = [edge / _UNIT_SQUARED for edge in self.edges]
        return _names(starts) if starts else ("any",)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each text's similarity to the nearest exemplar."""
        bins = place(_nearest(batch.vectors, self.exemplars), self.edges)
        bins[~batch.embedded] = ABSENT
        return bins

    def state(self) -> Mapping[str, Any]:
        """Exemplars and edges."""
        return {"exemplars": self.exemplars, "edges": self.edges}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(state["exemplars"], tuple(state["edges"]))


def _names(starts: Sequence[float]) -> tuple[str, ...]:
    limits = [f"{start:.3f}" for start in starts]
    return (
        f"<{limits[0]}",
        *(f"{low}-{high}" for low, high in itertools.pairwise(limits)),
        f">={limits[-1]}",
    )


def _nearest(vectors: NDArray[np.int8], exemplars: NDArray[np.int8]) -> NDArray[np.int64]:
    """The greatest product with any exemplar but an equal one; exact, of integers below 2**24; 0 without one.

    Equal ones do not count: in traffic that repeats itself every fresh wording would look novel.
    """
    best = np.zeros(len(vectors), dtype=np.int64)
    if not len(exemplars):
        return best
    others = exemplars.T.astype(np.float32)
    squares = np.einsum("ij,ij->j", others, others)
    for start in range(0, len(vectors), _CHUNK):
        chunk = vectors[start : start + _CHUNK].astype(np.float32)
        own = np.einsum("ij,ij->i", chunk, chunk)[:, None]
        product = chunk @ others
        nearest = product.max(axis=1)
        equal = np.flatnonzero(nearest >= own[:, 0])  # no other row can have one
        product[equal] *= (product[equal] != own[equal]) | (squares != own[equal])
        nearest[equal] = product[equal].max(axis=1)
        best[start : start + _CHUNK] = nearest
    return best
