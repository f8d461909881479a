"""Which windows are judged when, how strict a test is, and which cell of the week an hour belongs to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from baselines.evaluation import Window

if TYPE_CHECKING:
    from datetime import tzinfo

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY
STEP = 600
"""Seconds between two evaluations of the shortest rung."""
LADDER: tuple[int, ...] = (HOUR, 4 * HOUR, 12 * HOUR, DAY, 3 * DAY, WEEK)
"""Window lengths in seconds, shortest first."""


def windows_ending_at(end: int) -> list[Window]:
    """The windows ending at this step, shortest first: ends are UTC multiples of a sixth of the length."""
    return [Window(end - length, end) for length in LADDER if end % (length // 6) == 0]


def alpha(
    false_pages_per_month: float, window_hours: float, agents: int, segments: int, dimensions: int
) -> float:
    """The level of each test that keeps to the false pages a month (statistics-2.md, rule 6).

    `dimensions` and `segments` are those that page. Clamped to [1e-6, 1e-3].
    """
    tests = 300.0 * max(agents, 1) * max(segments, 1) * max(dimensions, 1)
    return min(1e-3, max(1e-6, false_pages_per_month * window_hours / tests))


def day_lag(length_s: int) -> int:
    """Seconds back to the window that tells how much days differ: a day, or a week for the longest rungs.

    Windows longer than a day would overlap themselves a day earlier, and lie on other days of the week.
    """
    return DAY if length_s <= DAY else WEEK


class Calendar:
    """The cell of each hour since the epoch, in one time zone: (0 weekday or 1 weekend, hour of day)."""

    __slots__ = ("_cells", "zone")

    def __init__(self, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._cells: dict[int, tuple[int, int]] = {}

    def cell(self, hour: int) -> tuple[int, int]:
        """Day type and local hour of day of the hour that starts `hour` whole hours after the epoch."""
        known = self._cells.get(hour)
        if known is None:
            local = datetime.fromtimestamp(hour * HOUR, self.zone)
            known = self._cells[hour] = (int(local.weekday() >= 5), local.hour)
        return known
