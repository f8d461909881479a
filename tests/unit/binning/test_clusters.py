"""How many clusters there are, and what a person reads for them."""

from __future__ import annotations

import numpy as np
import pytest

from binning.dimensions.kmeans import best_count, centroids
from binning.dimensions.terms import typical_terms


def blobs(count: int, each: int, seed: int = 3) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """So many groups of rows around directions of their own, in any order."""
    rng = np.random.default_rng(seed)
    centres = np.eye(count + 4, dtype=np.int64)[:count] * 100
    rows = np.repeat(centres, each, axis=0) + rng.integers(-12, 13, (count * each, count + 4))
    return rng.permutation(rows).astype(np.int16)


@pytest.mark.parametrize("count", [3, 8, 17])
def test_the_silhouette_finds_as_many_clusters_as_there_are(count: int) -> None:
    rows = blobs(count, 120)
    assert best_count(rows[::2], rows[1::2], 2, 32) in (count - 1, count, count + 1)


def test_the_number_depends_on_the_rows_and_not_on_their_order_or_how_often_they_come() -> None:
    rows = blobs(6, 60)
    again = np.random.default_rng(9).permutation(np.concatenate([rows, rows[:50]]))
    assert best_count(rows, rows, 2, 16) == best_count(again, again, 2, 16)
    assert np.array_equal(centroids(rows, 6), centroids(again, 6))


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_too_few_rows_are_no_reason_to_fail(rows: int) -> None:
    few = blobs(3, 2)[:rows]
    assert best_count(few, few, 2, 32) >= 1
    assert len(centroids(few, 4)) <= rows


REFUND = [f"they charged me twice for order {n}, I want the money back" for n in range(30)]
RATES = [
    f"what is the exchange rate for {word} today" for word in ("euro", "yen", "pound") for _ in range(10)
]


def test_a_phrase_is_told_where_its_words_come_together_and_names_and_numbers_are_not() -> None:
    clusters = np.repeat([0, 1], 30).astype(np.int32)
    refund, rates = typical_terms([*REFUND, *RATES], clusters, 2)
    assert "charged twice" in refund
    assert "exchange rate" in rates
    assert not any(word in refund + rates for word in ("euro", "yen", "pound", "order 1"))


def test_a_plural_repeats_nothing_and_a_contraction_is_no_word() -> None:
    texts = ["I haven't got my tickets, the ticket didn't come"] * 15 + ["tickets haven't come"] * 15
    (told,) = typical_terms(texts, np.zeros(30, dtype=np.int32), 1)
    words = told.replace(",", "").split()
    assert 1 == sum(word.startswith("ticket") for word in words)
    assert not {"haven", "didn", "haven't", "didn't"} & set(words)


def test_what_fewer_than_twenty_turns_share_is_never_told() -> None:
    texts = ["my neighbour Miller parks there"] * 19 + ["hello again"] * 20
    assert ["hello"] == typical_terms(texts, np.zeros(39, dtype=np.int32), 1)[0].split()[:1]
    assert "Miller".lower() not in typical_terms(texts, np.zeros(39, dtype=np.int32), 1)[0]
