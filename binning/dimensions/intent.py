"""What the user wants, by a taxonomy: a linear classifier learned from the taxonomy's own examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from binning.layout import ABSENT, OTHER_INTENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.encoder import Encoder
    from binning.spec import TaxonomyEntry

_UNLIKE = "like no intent"

_SCALE = 1 << 10
_UNIT = 127
_INVERSE_PENALTY = 10.0
_FOLDS = 5
_SHARPNESS = (0.5, 20.0)
_SURE = 0.4
"""Below this probability the text is `other`: nothing of the taxonomy is likely."""

_PER_THEME = 25
"""Examples of an intent that make one theme of it, about."""


@dataclass(frozen=True, slots=True)
class Intent:
    """Multinomial logistic regression in integers; abstains to `other`.

    An intent is several things (a balance, a delivery and opening hours are all looked up) that no one plane
    parts from the rest: its examples are clustered into themes, and it is as likely as they are together.
    Probabilities are calibrated on held-out folds of the examples.

    `weights` is (themes, width) int32, `bias` (themes,) int64, both in units of 1 / 1024 (and the vectors'
    127); `owners` (themes,) int64, ascending, is the bin that each theme belongs to.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 3
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = True
    name: ClassVar[str] = "intent"

    bins: tuple[str, ...]
    weights: NDArray[np.int32]
    bias: NDArray[np.int64]
    owners: NDArray[np.int64]

    @property
    def labels(self) -> tuple[str, ...]:
        """What `other` means: a growing share of it says that the taxonomy has aged."""
        return tuple(_UNLIKE if name == OTHER_INTENT else "" for name in self.bins)

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Fit on the taxonomy's examples; the learning turns have no part in it."""
        return (cls.from_taxonomy(learning.spec.taxonomy, learning.encoder),)

    @classmethod
    def from_taxonomy(cls, taxonomy: Sequence[TaxonomyEntry], encoder: Encoder) -> Self:
        """The classifier of a taxonomy.

        Raises:
            ValueError: fewer than two intents have examples.
        """
        names = tuple(dict.fromkeys((*(entry.name for entry in taxonomy), OTHER_INTENT)))
        texts = [text for entry in taxonomy for text in entry.examples]
        owners = np.array(
            [names.index(entry.name) for entry in taxonomy for _ in entry.examples], dtype=np.int64
        )
        if len(set(owners.tolist())) < 2:
            raise ValueError("a taxonomy needs examples of at least two intents")
        vectors = encoder.encode(texts).astype(np.float64) / _UNIT
        with threadpool_limits(limits=1):
            coefficients, intercepts, theme_owners = _fit(vectors, owners)
            sharpness = _sharpness(vectors, owners)
        weights = np.rint(coefficients * sharpness * _SCALE).astype(np.int32)
        bias = np.rint(intercepts * sharpness * _SCALE * _UNIT).astype(np.int64)
        return cls(names, weights, bias, theme_owners)

    def probabilities(self, vectors: NDArray[np.int8]) -> NDArray[np.float64]:
        """(texts, intents); the dot products are of integers, hence exact."""
        scores = vectors.astype(np.float64) @ self.weights.T.astype(np.float64) + self.bias
        odds = np.exp((scores - scores.max(axis=1, keepdims=True)) / (_SCALE * _UNIT))
        present, starts = np.unique(self.owners, return_index=True)
        shares = np.zeros((len(vectors), len(self.bins)))
        shares[:, present] = np.add.reduceat(odds, starts, axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
        return shares

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The likeliest intent, or `other` when none is likely."""
        shares = self.probabilities(batch.vectors)
        best = shares.argmax(axis=1)
        best[shares.max(axis=1) < _SURE] = self.bins.index(OTHER_INTENT)
        return np.where(batch.embedded, best, ABSENT).astype(np.int32)

    def state(self) -> Mapping[str, Any]:
        """The names, the integer coefficients of the themes, and whose they are."""
        return {"bins": self.bins, "weights": self.weights, "bias": self.bias, "owners": self.owners}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["bins"]), state["weights"], state["bias"], state["owners"])


def _fit(
    vectors: NDArray[np.float64], owners: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Coefficients (themes, width) and intercepts (themes,) of a regression, and the owner of each theme."""
    themes, theme_owners = _themes(vectors, owners)
    model = LogisticRegression(C=_INVERSE_PENALTY, class_weight="balanced", max_iter=2_000, tol=1e-6)
    model.fit(vectors, themes)
    return (*_one_row_a_class(model.coef_, model.intercept_), theme_owners)


def _sharpness(vectors: NDArray[np.float64], owners: NDArray[np.int64]) -> float:
    """What the scores are multiplied with so that probabilities hold on texts that were not learned from.

    The inverse of the temperature (Guo et al. 2017) of least log loss on held-out folds of the examples; 1
    where an intent has a single one. A regression on few examples is held back, hence far too unsure.
    """
    folds = min(_FOLDS, int(np.unique(owners, return_counts=True)[1].min()))
    if folds < 2:
        return 1.0
    held_out = []
    for kept, asked in StratifiedKFold(folds, shuffle=True, random_state=0).split(vectors, owners):
        coefficients, intercepts, theme_owners = _fit(vectors[kept], owners[kept])
        held_out.append((vectors[asked] @ coefficients.T + intercepts, theme_owners == owners[asked, None]))

    def loss(sharpness: float) -> float:
        return sum(
            float(
                (logsumexp(scores * sharpness, axis=1) - logsumexp(scores * sharpness, axis=1, b=own)).sum()
            )
            for scores, own in held_out
        )

    found = minimize_scalar(loss, bounds=_SHARPNESS, method="bounded", options={"xatol": 1e-3})
    return round(float(found.x), 2)


def _themes(
    vectors: NDArray[np.float64], owners: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The theme of each example, (examples,), and the owner of each theme, (themes,)."""
    themes = np.zeros(len(owners), dtype=np.int64)
    theme_owners: list[int] = []
    for owner in np.unique(owners).tolist():
        own = np.flatnonzero(owners == owner)
        count = max(1, round(len(own) / _PER_THEME))
        labels = KMeans(count, n_init=5, random_state=0).fit_predict(vectors[own]) if count > 1 else own * 0
        found, numbers = np.unique(labels, return_inverse=True)
        themes[own] = len(theme_owners) + numbers
        theme_owners.extend([owner] * len(found))
    return themes, np.array(theme_owners, dtype=np.int64)


def _one_row_a_class(
    coefficients: NDArray[np.float64], intercepts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scikit-learn gives two classes one row between them; here each has its own."""
    if len(coefficients) == 1:
        return np.vstack([-coefficients, coefficients]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    return coefficients, intercepts
