from __future__ import annotations

import msgspec
import pytest

from alerts.persistence import Reading, Streak, advance, advance_all, alerting, returned

STEP = 600


def played(marks: str, start: Streak | None = None, displacement: tuple[float, ...] = ()) -> Streak:
    """`x` exceeds, `c` is calm, `-` is neither; one reading every ten minutes."""
    streak = start or Streak()
    for mark in marks:
        end = (streak.end or 0) + STEP
        streak = advance(streak, Reading(end, mark == "x", mark == "c", displacement))
    return streak


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("xx", False),
        ("xxx", True),
        ("xx-xx", False),
        ("xxcxxx", True),
        ("xxxccccc", True),
        ("xxxcccccc", False),
        ("xxxccccc-c", True),
        ("xxxcccccxcccccc", False),
        ("xxx-------", True),
        ("xxxccccccxx", False),
        ("xxxccccccxxx", True),
    ],
)
def test_three_in_a_row_raise_and_six_calm_ones_in_a_row_clear(marks: str, expected: bool) -> None:
    assert expected == played(marks).alerting


def test_a_window_end_that_is_not_newer_does_not_count() -> None:
    streak = played("xx")
    again = Reading(streak.end or 0, exceeds=True, calm=False)
    assert streak == advance(streak, again)
    assert streak == advance(streak, Reading(STEP, exceeds=True, calm=False))


def test_moving_to_a_longer_window_keeps_the_counts() -> None:
    streak = advance(played("xx"), Reading(4 * 3600, exceeds=True, calm=False))
    assert streak.alerting


def test_the_onset_is_the_end_of_the_first_window_that_exceeded() -> None:
    assert alerting({"output.length": played("-cxxx"), "input.intent": played("xx")}) == {
        "output.length": 3 * STEP
    }


def test_a_shift_that_is_still_half_there_is_not_calm() -> None:
    opened = played("xxx", displacement=(0.2, -0.1))
    assert played("cccccccccc", opened, displacement=(0.11, -0.06)).alerting
    assert not played("cccccc", opened, displacement=(0.08, -0.04)).alerting


def test_a_shift_to_the_other_side_has_returned_from_the_opening_one() -> None:
    assert not played("cccccc", played("xxx", displacement=(0.2, -0.1)), displacement=(-0.2, 0.1)).alerting


@pytest.mark.parametrize(
    ("opening", "now", "expected"),
    [
        ((), (), True),
        ((0.0, 0.0), (0.3, -0.3), True),
        ((0.2, -0.1), (0.2, -0.1), False),
        ((0.2, 0.0), (0.1, 0.5), False),  # exactly half is left
        ((0.2, 0.0), (0.099, 0.5), True),
        ((0.2, -0.1), (0.2, -0.1, 0.0), True),  # other bins: nothing to compare with
    ],
)
def test_half_return(opening: tuple[float, ...], now: tuple[float, ...], expected: bool) -> None:
    assert expected == returned(opening, now)


def test_a_dimension_that_is_not_judged_keeps_what_it_has() -> None:
    streaks = {"input.intent": played("xx"), "output.length": played("xx")}
    after = advance_all(streaks, {"input.intent": Reading(3 * STEP, exceeds=True, calm=False)})
    assert alerting(after) == {"input.intent": STEP}
    assert streaks["output.length"] == after["output.length"]


def test_a_streak_survives_being_stored() -> None:
    streaks = {"output.length": played("xxxcc", displacement=(0.25, -0.25))}
    assert streaks == msgspec.json.decode(msgspec.json.encode(streaks), type=dict[str, Streak])
