"""What a person reads for a cluster: its most typical terms, none that fewer than 20 turns share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_TERMS = 3
_LEAST_TURNS = 20
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\S")
_LEAST_LETTERS = 3
_PHRASE_SHARE = 0.5
"""A word is told as part of a phrase that at least this share of its turns use it in."""


def typical_terms(texts: Sequence[str], clusters: NDArray[np.int32], count: int) -> tuple[str, ...]:
    """The top terms of each of `count` clusters, comma-separated; empty where no term is shared enough.

    Class-based tf-idf (Grootendorst 2022) of words and of two words in a row: the term's share in the cluster
    times log(1 + A / its count in all), A being the mean number of terms a cluster. Words with digits never
    count: they may name a person's order.
    """
    members = np.flatnonzero((clusters >= 0) & (clusters < count))
    chosen = [texts[index] for index in members.tolist()]
    if len(chosen) < _LEAST_TURNS or not any(map(_terms, chosen)):
        return ("",) * count
    reader = CountVectorizer(analyzer=_terms, binary=True, dtype=np.int64)
    table = reader.fit_transform(chosen)
    shared = np.flatnonzero(np.asarray(table.sum(axis=0)).ravel() >= _LEAST_TURNS)
    names = [str(name) for name in reader.get_feature_names_out()[shared]]
    if not names:
        return ("",) * count
    counts = np.zeros((count, len(names)))
    np.add.at(counts, clusters[members], table[:, shared].toarray())
    phrases = _phrases(names)
    weights = _class_tf_idf(counts)
    return tuple(_top(*rows, names, phrases) for rows in zip(weights, counts, strict=True))


def _terms(text: str) -> list[str]:
    """Its words that say something, and each two of them with at most one other word between them."""
    found, last, others = [], "", 0
    for word in _WORD.findall(text.lower()):
        if len(word) >= _LEAST_LETTERS and word.isalpha() and word not in ENGLISH_STOP_WORDS:
            found += [word, f"{last} {word}"] if last else [word]
            last, others = word, 0
        elif others or not word[0].isalpha():
            last, others = "", 0
        else:
            others = 1
    return found


def _phrases(names: Sequence[str]) -> Mapping[str, list[int]]:
    """The indices of the phrases that a word is part of."""
    found: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        for word in name.split(" ") if " " in name else ():
            found.setdefault(word, []).append(index)
    return found


def _class_tf_idf(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    sizes = counts.sum(axis=1, keepdims=True)
    weights: NDArray[np.float64] = (
        counts / np.maximum(sizes, 1.0) * np.log1p(sizes.mean() / np.maximum(counts.sum(axis=0), 1.0))
    )
    return weights


def _top(
    weights: NDArray[np.float64],
    counts: NDArray[np.float64],
    names: Sequence[str],
    phrases: Mapping[str, list[int]],
) -> str:
    """The best terms of one cluster; a word with its phrase, and none that repeats another (a plural)."""
    told: list[str] = []
    stems: set[str] = set()
    for index in np.argsort(-np.round(weights, 9), kind="stable").tolist():
        if len(told) == _TERMS or weights[index] <= 0:
            break
        fitting = [i for i in phrases.get(names[index], ()) if counts[i] >= _PHRASE_SHARE * counts[index]]
        for best in (*sorted(fitting, key=lambda i: (-counts[i], i)), index):
            own = {_stem(word) for word in names[best].split(" ")}
            if not own & stems:
                told.append(names[best])
                stems |= own
                break
    return ", ".join(told)


def _stem(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
