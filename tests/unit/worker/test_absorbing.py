"""What references take in while judging goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.synthetic import Dimension, Installation, Traffic, layout_of
from tests.unit.worker.installations import CATEGORY, INTENT, MONDAY, RULES

if TYPE_CHECKING:
    from benchmarks.synthetic import Counts

TURNS = 1500
TOOLS = Dimension("output.tool_pattern", (0.5, 0.5))
JOINTS = [(INTENT.key, CATEGORY.key), (INTENT.key, TOOLS.key)]


class Toolless(Traffic):
    """An agent that calls no tools: no turn has a tool pattern."""

    def minutes(self, turns: int, minutes: int) -> list[Counts]:
        """As Traffic."""
        _, without = self.layout.joints
        drawn = super().minutes(turns, minutes)
        for counts in drawn:
            counts[self.layout.dimension(TOOLS.key).slots] = 0
            counts[without.slots] = 0
        return drawn


def test_a_joint_goes_on_learning_beside_a_dimension_that_no_turn_has() -> None:
    dimensions = [INTENT, CATEGORY, TOOLS]
    traffic = Toolless(dimensions, layout_of(dimensions, JOINTS), np.random.default_rng(1))
    made = Installation(traffic, RULES)
    made.learn(MONDAY, TURNS, hours=24)
    made.play(TURNS, hours=8)

    joint, without = traffic.layout.joints
    reference = made.judge.segments[0].joint_reference
    # an hour is offered once it lies three windows back, and the newest window has just ended
    assert (24 + 8 - 3) * TURNS == reference[joint.slots].sum()
    assert reference[without.slots].sum() == 0
