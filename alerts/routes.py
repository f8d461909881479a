"""Which sinks are told of which quadrant. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.verdict import Quadrant, Side, Verdict

Routes = Mapping[Quadrant, Sequence[str]]
"""The names of the sinks that each quadrant goes to."""

SIDES: Mapping[Quadrant, tuple[Side, ...]] = {
    Quadrant.STEADY: (),
    Quadrant.WORLD_CHANGED: ("input",),
    Quadrant.SYSTEM_CHANGED: ("output",),
    Quadrant.BOTH_MOVED: ("input", "output"),
}


def sinks_for(routes: Routes, quadrant: Quadrant | None, moved: Sequence[Side]) -> tuple[str, ...]:
    """The sinks to tell. Without a quadrant the side that moved decides, as if the unseen one stood still."""
    return tuple(dict.fromkeys(routes.get(nearest(quadrant, moved), ())))


def nearest(quadrant: Quadrant | None, moved: Sequence[Side]) -> Quadrant:
    """The quadrant, or, where one side cannot be seen, the one whose route and playbook serve best."""
    if quadrant is not None:
        return quadrant
    if "output" in moved:
        return Quadrant.BOTH_MOVED if "input" in moved else Quadrant.SYSTEM_CHANGED
    return Quadrant.WORLD_CHANGED if "input" in moved else Quadrant.STEADY


def moved_sides(verdict: Verdict) -> tuple[Side, ...]:
    """The sides that moved: the quadrant says it, or else on which sides a deciding dimension exceeds."""
    if verdict.quadrant is not None:
        return SIDES[verdict.quadrant]
    sides: tuple[Side, ...] = ("input", "output")
    exceeding = {
        dimension.side for dimension in verdict.dimensions if dimension.deciding and dimension.exceeds
    }
    return tuple(side for side in sides if side in exceeding)
