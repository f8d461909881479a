from __future__ import annotations

import numpy as np

from baselines.pooling import Pooling


def test_rare_bins_share_a_pool_and_the_unseen_bin_stays_its_own() -> None:
    pooling = Pooling.learn(np.array([90, 4, 0, 30, 0]), ["a", "b", "c", "d", "__unseen__"], configured=False)
    assert pooling.pooled(np.array([1, 2, 4, 8, 16])).tolist() == [1, 8, 16, 6]
    assert pooling.of[1] == pooling.of[2]
    assert pooling.of[4] not in pooling.of[:4]


def test_rare_bins_join_other_where_there_is_one() -> None:
    pooling = Pooling.learn(np.array([90, 4, 40, 30]), ["a", "b", "__other__", "d"], configured=False)
    assert pooling.pooled(np.array([1, 2, 4, 8])).tolist() == [1, 8, 6]


def test_configured_bins_are_never_pooled() -> None:
    pooling = Pooling.learn(np.array([90, 0, 1]), ["answered", "refused", "escalated"], configured=True)
    assert pooling.pooled(np.array([5, 6, 7])).tolist() == [5, 6, 7]


def test_a_pools_reference_share_is_split_over_its_bins() -> None:
    pooling = Pooling.learn(np.array([90, 4, 1]), [], configured=False)
    assert pooling.weights.tolist() == [1.0, 0.75, 0.25]


def test_a_pooling_survives_its_state() -> None:
    pooling = Pooling.learn(np.array([90, 4, 1]), [], configured=False)
    again = Pooling.restore(pooling.state())
    assert again.pooled(np.array([1, 2, 3])).tolist() == pooling.pooled(np.array([1, 2, 3])).tolist()
    assert again.state() == pooling.state()


def test_one_rare_bin_stays_where_it_is() -> None:
    pooling = Pooling.learn(np.array([2, 90, 30]), [], configured=False)
    assert pooling.of.tolist() == [0, 1, 2]
    assert pooling.pooled(np.array([1, 2, 3])).tolist() == [1, 2, 3]
