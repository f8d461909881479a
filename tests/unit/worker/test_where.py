"""A verdict names the slice that moved, whichever inputs it is a slice of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.synthetic import Dimension, Installation, Traffic, layout_of
from tests.unit.worker.installations import BASE8, CATEGORY, INTENT, MONDAY, RULES

if TYPE_CHECKING:
    from numpy.typing import NDArray

TURNS = 1500
RARE, USUAL, ODD = 4, 0, 7
CLUSTER = Dimension("input.cluster", BASE8)
JOINTS = [(INTENT.key, CATEGORY.key), (CLUSTER.key, CATEGORY.key)]


@dataclass(slots=True)
class Partial(Traffic):
    """Once `odd`, the turns of one intent that had the usual answer get another, in every cluster."""

    odd: bool = False

    def slots(self, turns: int) -> NDArray[np.int64]:
        """As Traffic."""
        found = Traffic.slots(self, turns)
        if self.odd:
            intent, _, category = (
                found[:, column] - entry.offset for column, entry in enumerate(self.layout.dimensions)
            )
            hit = (intent == RARE) & (category == USUAL)
            found[hit, 2] += ODD - USUAL
            found[hit, 3:] += ODD - USUAL
        return found


def test_a_slice_of_an_intent_is_named_where_no_cluster_shows_it() -> None:
    dimensions = [INTENT, CLUSTER, CATEGORY]
    traffic = Partial(dimensions, layout_of(dimensions, JOINTS), np.random.default_rng(1))
    made = Installation(traffic, RULES)
    made.learn(MONDAY, TURNS, hours=24)
    made.play(TURNS, hours=2)
    traffic.odd = True
    newest = made.play(TURNS, hours=2)[-1]
    assert newest.behaviour is not None
    assert [("intent b4", "response_category b7")] == [(w.given, w.bin) for w in newest.behaviour.where[:1]]
