"""Per-dimension persistence: three evaluations in a row that exceed raise an alert, six calm ones clear it.

Pure. Calm means also that the shift has gone back by half: at night a shift that stays can fall under the
power of the window, and an alert that closes then opens again in the morning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RAISE_AFTER = 3
CLEAR_AFTER = 6


@dataclass(frozen=True, slots=True)
class Reading:
    """One evaluation of one dimension: its window's end, in seconds since the epoch, and what it said.

    `displacement` is asin(sqrt(share)) - asin(sqrt(expected)) per bin; empty where there is none to compare
    (behaviour at fixed inputs, slices), and then `calm` alone decides.
    """

    end: int
    exceeds: bool
    calm: bool
    displacement: Sequence[float] = ()


class Streak(msgspec.Struct, frozen=True, omit_defaults=True):
    """What persistence remembers of one dimension.

    `end` is the newest window end that counted, `since` the end of the first of the evaluations in a row
    that exceed, `opened` the end at which it became alerting (None while it is not) and `opening` the
    displacement then.
    """

    exceeding: int = 0
    calm: int = 0
    end: int | None = None
    since: int | None = None
    opened: int | None = None
    opening: tuple[float, ...] = ()

    @property
    def alerting(self) -> bool:
        """Whether the dimension is alerting."""
        return self.opened is not None


def advance(streak: Streak, reading: Reading) -> Streak:
    """The streak after one more evaluation. One whose window end is not newer changes nothing.

    The rung is not looked at: moving to another window length keeps the counts.
    """
    if streak.end is not None and reading.end <= streak.end:
        return streak
    return _hold_or_clear(streak, reading) if streak.alerting else _count_or_raise(streak, reading)


def raise_at_once(streak: Streak, reading: Reading) -> Streak:
    """The streak after a hit of the fast lane: so improbable that it need not last."""
    if streak.alerting:
        return streak
    opening = tuple(float(d) for d in reading.displacement)
    return Streak(exceeding=1, end=reading.end, since=reading.end, opened=reading.end, opening=opening)


def advance_all(streaks: Mapping[str, Streak], readings: Mapping[str, Reading]) -> dict[str, Streak]:
    """Every dimension's streak after this step. One without a reading (not judged) keeps what it has."""
    judged = {name: advance(streaks.get(name, Streak()), reading) for name, reading in readings.items()}
    return {**streaks, **judged}


def alerting(streaks: Mapping[str, Streak]) -> dict[str, int]:
    """The alerting dimensions, each with the end of the first window that exceeded."""
    return {
        name: streak.since for name, streak in streaks.items() if streak.alerting and streak.since is not None
    }


def returned(opening: Sequence[float], now: Sequence[float]) -> bool:
    """Whether less than half of the opening displacement is left: sum d_i d0_i < 1/2 sum d0_i^2.

    Without two displacements over the same bins there is nothing left to wait for.
    """
    size = sum(was * was for was in opening)
    if size == 0.0 or len(opening) != len(now):
        return True
    return sum(is_ * was for is_, was in zip(now, opening, strict=True)) < size / 2


def _count_or_raise(streak: Streak, reading: Reading) -> Streak:
    if not reading.exceeds:
        return Streak(end=reading.end)
    exceeding = streak.exceeding + 1
    since = reading.end if streak.since is None else streak.since
    if exceeding < RAISE_AFTER:
        return Streak(exceeding=exceeding, end=reading.end, since=since)
    opening = tuple(float(d) for d in reading.displacement)
    return Streak(exceeding=exceeding, end=reading.end, since=since, opened=reading.end, opening=opening)


def _hold_or_clear(streak: Streak, reading: Reading) -> Streak:
    quiet = reading.calm and not reading.exceeds and returned(streak.opening, reading.displacement)
    calm = streak.calm + 1 if quiet else 0
    if calm >= CLEAR_AFTER:
        return Streak(end=reading.end)
    return msgspec.structs.replace(streak, calm=calm, end=reading.end)
