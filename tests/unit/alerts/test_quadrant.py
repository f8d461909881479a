from __future__ import annotations

import pytest

from alerts.quadrant import (
    PLAIN_REASON,
    UNSEEN_REASON,
    JointView,
    OutputDecision,
    OutputDimension,
    decide_output,
    quadrant,
)
from alerts.verdict import Quadrant

CALM = OutputDimension("response_category", exceeds=False)
MOVED = OutputDimension("response_category", exceeds=True)


def joint(
    given: str = "cluster",
    outcome: str = "response_category",
    *,
    assessable: bool = True,
    moved: bool = False,
    slice_moved: bool = False,
) -> JointView:
    return JointView(given, outcome, assessable, moved, slice_moved)


@pytest.mark.parametrize(
    ("input_moved", "output_moved", "expected"),
    [
        (False, False, Quadrant.STEADY),
        (True, False, Quadrant.WORLD_CHANGED),
        (False, True, Quadrant.SYSTEM_CHANGED),
        (True, True, Quadrant.BOTH_MOVED),
        (None, True, None),
        (True, None, None),
        (False, None, None),
        (None, None, None),
    ],
)
def test_the_matrix_has_four_fields_and_is_null_where_a_side_cannot_be_seen(
    input_moved: bool | None, output_moved: bool | None, expected: Quadrant | None
) -> None:
    assert expected == quadrant(input_moved, output_moved)


@pytest.mark.parametrize(
    ("case", "input_moved", "dimensions", "joints", "expected"),
    [
        ("nothing of the output is seen", False, [], [], OutputDecision(None, UNSEEN_REASON)),
        ("steady inputs, calm outputs", False, [CALM], [joint()], OutputDecision(False)),
        ("steady inputs, an output exceeds", False, [MOVED], [joint()], OutputDecision(True)),
        ("steady inputs, only a slice moved", False, [CALM], [joint(slice_moved=True)], OutputDecision(True)),
        (
            "steady inputs, behaviour over all is not asked",
            False,
            [CALM],
            [joint(moved=True)],
            OutputDecision(False),
        ),
        ("the new mix explains the outputs", True, [MOVED], [joint()], OutputDecision(False)),
        ("behaviour moved too", True, [CALM], [joint(moved=True)], OutputDecision(True)),
        (
            "slices mean nothing on moved inputs",
            True,
            [CALM],
            [joint(slice_moved=True)],
            OutputDecision(False),
        ),
        (
            "an output that no joint covers exceeds",
            True,
            [OutputDimension("tool_count", exceeds=True)],
            [joint()],
            OutputDecision(True),
        ),
        (
            "an output whose joint cannot be assessed exceeds",
            True,
            [MOVED],
            [joint(assessable=False), joint(outcome="length")],
            OutputDecision(True),
        ),
        (
            "coarse intents do not overrule clusters",
            True,
            [MOVED],
            [joint("intent", moved=True), joint("cluster")],
            OutputDecision(False),
        ),
        (
            "intents decide where clusters cannot be assessed",
            True,
            [MOVED],
            [joint("intent", moved=True), joint("cluster", assessable=False)],
            OutputDecision(True),
        ),
        (
            "without an assessable joint the plain matrix, calm",
            True,
            [CALM],
            [joint(assessable=False, moved=True)],
            OutputDecision(False, PLAIN_REASON),
        ),
        (
            "without an assessable joint the plain matrix, moved",
            True,
            [MOVED],
            [],
            OutputDecision(True, PLAIN_REASON),
        ),
        ("inputs that cannot be seen, outputs moved", None, [MOVED], [], OutputDecision(True)),
    ],
)
def test_the_output_side_moves_as_the_design_says(
    case: str,
    input_moved: bool | None,
    dimensions: list[OutputDimension],
    joints: list[JointView],
    expected: OutputDecision,
) -> None:
    assert expected == decide_output(input_moved, dimensions, joints), case
