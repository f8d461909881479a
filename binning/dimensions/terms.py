"""What a person reads for a cluster: its most typical terms, none that fewer than 20 turns share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_TERMS = 3
_LEAST_TURNS = 20
_WORD = r"(?u)\b[^\W\d_]{3,}\b"


def typical_terms(texts: Sequence[str], clusters: NDArray[np.int32], count: int) -> tuple[str, ...]:
    """The top terms of each of `count` clusters, comma-separated; empty where no term is shared enough.

    Class-based tf-idf (Grootendorst 2022): the term's share in the cluster times log(1 + A / its count in
    all), A being the mean number of terms a cluster. Words with digits never count: they may name a person's
    order.
    """
    members = np.flatnonzero((clusters >= 0) & (clusters < count))
    reader = CountVectorizer(stop_words="english", token_pattern=_WORD, binary=True, dtype=np.int64)
    words = reader.build_analyzer()
    chosen = [texts[index] for index in members.tolist()]
    if len(chosen) < _LEAST_TURNS or not any(words(text) for text in chosen):
        return ("",) * count
    table = reader.fit_transform(chosen)
    shared = np.asarray(table.sum(axis=0)).ravel() >= _LEAST_TURNS
    names = reader.get_feature_names_out()[shared]
    if not len(names):
        return ("",) * count
    counts = np.zeros((count, len(names)))
    np.add.at(counts, clusters[members], table[:, np.flatnonzero(shared)].toarray())
    return tuple(_top(row, names) for row in _class_tf_idf(counts))


def _class_tf_idf(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    sizes = counts.sum(axis=1, keepdims=True)
    weights: NDArray[np.float64] = (
        counts / np.maximum(sizes, 1.0) * np.log1p(sizes.mean() / np.maximum(counts.sum(axis=0), 1.0))
    )
    return weights


def _top(weights: NDArray[np.float64], names: NDArray[np.str_]) -> str:
    order = np.argsort(-np.round(weights, 9), kind="stable")[:_TERMS]
    return ", ".join(str(names[index]) for index in order if weights[index] > 0)
