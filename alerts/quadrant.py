"""Which of the four things happened: from "the inputs moved" and "the outputs moved" to a quadrant. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.verdict import Quadrant

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

MATRIX = {
    (False, False): Quadrant.STEADY,
    (True, False): Quadrant.WORLD_CHANGED,
    (False, True): Quadrant.SYSTEM_CHANGED,
    (True, True): Quadrant.BOTH_MOVED,
}
GIVENS = ("cluster", "intent")
"""What inputs are held fixed at, best first: eight coarse intents mistake a new mix for new behaviour."""
UNSEEN_REASON = "no output of these turns can be seen"
PLAIN_REASON = "inputs moved and behaviour at fixed inputs cannot be assessed: judged on the outputs alone"


@dataclass(frozen=True, slots=True)
class OutputDimension:
    """A deciding output dimension that was judged, and whether it exceeds against either reference."""

    name: str
    exceeds: bool


@dataclass(frozen=True, slots=True)
class JointView:
    """What one joint (input `given` x output dimension `outcome`) says of behaviour at fixed inputs.

    `moved` means nothing unless `assessable`; `slice_moved` is the per-slice test, which needs steady inputs.
    """

    given: str
    outcome: str
    assessable: bool
    moved: bool
    slice_moved: bool


@dataclass(frozen=True, slots=True)
class OutputDecision:
    """Whether the output side moved (None: it cannot be seen), and what a reader must know about how."""

    moved: bool | None
    reason: str | None = None


def quadrant(input_moved: bool | None, output_moved: bool | None) -> Quadrant | None:
    """The quadrant of two sides; None as soon as one of them cannot be seen."""
    if input_moved is None or output_moved is None:
        return None
    return MATRIX[input_moved, output_moved]


def decide_output(
    input_moved: bool | None, dimensions: Collection[OutputDimension], joints: Collection[JointView]
) -> OutputDecision:
    """Whether the output side moved (design: windows and statistics, "Quadrant").

    Inputs steady (or unseen): a deciding output dimension exceeds, or a slice of a joint moved. Inputs moved:
    behaviour at fixed inputs moved, or a dimension exceeds that no assessable joint covers. Without any
    assessable joint the plain matrix decides, and `reason` says so.
    """
    if not dimensions and not joints:
        return OutputDecision(None, UNSEEN_REASON)
    exceeds = any(dimension.exceeds for dimension in dimensions)
    if not input_moved:
        return OutputDecision(exceeds or any(joint.slice_moved for joint in joints))
    deciding = deciding_joints(joints)
    if not deciding:
        return OutputDecision(exceeds, PLAIN_REASON)
    covered = {joint.outcome for joint in deciding}
    uncovered = any(dimension.exceeds and dimension.name not in covered for dimension in dimensions)
    return OutputDecision(uncovered or any(joint.moved for joint in deciding))


def deciding_joints(joints: Collection[JointView]) -> Sequence[JointView]:
    """For each outcome the assessable joint at the finest inputs, if it has one (`GIVENS` is the order)."""
    best: dict[str, JointView] = {}
    for given in GIVENS:
        for joint in joints:
            if joint.given == given and joint.assessable:
                best.setdefault(joint.outcome, joint)
    return list(best.values())
