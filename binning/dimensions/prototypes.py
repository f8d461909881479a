"""Examples of kinds of text, and how alike to them another text is: a linear classifier on their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder

WORDS = 60
"""Words of a text that are compared: its opening shows what kind it is, and the cost is bounded."""

_SCALE = 1 << 10
_UNIT = 127
_INVERSE_PENALTY = 10.0


@dataclass(frozen=True, slots=True)
class Prototypes:
    """Multinomial logistic regression in integers, so that a text scores the same alone and in any batch.

    `weights` is (kinds, width) int32, `bias` (kinds,) int64, in units of 1 / 1024 (and the vectors' 127).
    """

    kinds: tuple[str, ...]
    weights: NDArray[np.int32]
    bias: NDArray[np.int64]

    @classmethod
    def of(cls, examples: Mapping[str, Sequence[str]], encoder: Encoder) -> Self | None:
        """Fitted on the examples of each kind; None when fewer than two kinds have any."""
        kinds = tuple(kind for kind, texts in examples.items() if texts)
        if len(kinds) < 2:
            return None
        texts = [opening(text) for kind in kinds for text in examples[kind]]
        owners = [number for number, kind in enumerate(kinds) for _ in examples[kind]]
        with threadpool_limits(limits=1):
            model = LogisticRegression(C=_INVERSE_PENALTY, class_weight="balanced", max_iter=2_000, tol=1e-6)
            model.fit(encoder.encode(texts).astype(np.float64) / _UNIT, owners)
        coefficients, intercepts = model.coef_, model.intercept_
        if len(kinds) == 2:  # scikit-learn keeps one row for two classes: the second against the first
            coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
            intercepts = np.concatenate([[0.0], intercepts])
        weights = np.rint(coefficients * _SCALE).astype(np.int32)
        return cls(kinds, weights, np.rint(intercepts * _SCALE * _UNIT).astype(np.int64))

    def shares(self, vectors: NDArray[np.int8]) -> NDArray[np.float64]:
        """How likely each text is of each kind, (texts, kinds); dot products of integers are exact."""
        scores = vectors.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias
        odds = np.exp((scores - scores.max(axis=1, keepdims=True)) / (_SCALE * _UNIT))
        shares: NDArray[np.float64] = odds / odds.sum(axis=1, keepdims=True)
        return shares

    def state(self) -> Mapping[str, Any]:
        """The kinds and the integer coefficients."""
        return {"kinds": self.kinds, "weights": self.weights, "bias": self.bias}


def opening(text: str) -> str:
    """The first words of a text."""
    return " ".join(text.split(None, WORDS)[:WORDS])
