from __future__ import annotations

import pytest

from alerts.routes import moved_sides, nearest, sinks_for
from alerts.verdict import Quadrant, Side
from tests.unit.alerts.samples import DEFAULT_ROUTES, REFUSALS, make_verdict


@pytest.mark.parametrize(
    ("quadrant", "moved", "expected"),
    [
        (Quadrant.WORLD_CHANGED, (), ("slack", "log")),
        (Quadrant.SYSTEM_CHANGED, (), ("slack", "pagerduty", "log")),
        (Quadrant.BOTH_MOVED, (), ("slack", "pagerduty", "log")),
        (Quadrant.STEADY, (), ()),
        (None, ("input",), ("slack", "log")),
        (None, ("output",), ("slack", "pagerduty", "log")),
        (None, (), ()),
    ],
)
def test_nobody_is_woken_because_users_changed(
    quadrant: Quadrant | None, moved: tuple[Side, ...], expected: tuple[str, ...]
) -> None:
    assert expected == sinks_for(DEFAULT_ROUTES, quadrant, moved)


def test_a_sink_named_twice_is_told_once() -> None:
    assert sinks_for({Quadrant.BOTH_MOVED: ["log", "log"]}, Quadrant.BOTH_MOVED, ()) == ("log",)


def test_both_sides_that_moved_without_a_quadrant_are_treated_as_both_moved() -> None:
    assert Quadrant.BOTH_MOVED is nearest(None, ("input", "output"))


def test_without_a_quadrant_the_side_with_a_deciding_dimension_that_exceeds_moved() -> None:
    assert moved_sides(make_verdict(quadrant=None, dimensions=(REFUSALS,))) == ("output",)
    assert moved_sides(make_verdict(quadrant=Quadrant.BOTH_MOVED, dimensions=())) == ("input", "output")
    assert moved_sides(make_verdict(quadrant=Quadrant.STEADY)) == ()
