"""From what was seen of many installations to the figures of the table."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from quiet_hours import upper_limit

from baselines.windows import HOUR
from streams.quadrants import CASES
from streams.quiet import FORTNIGHT, LATENESS
from streams.world import CHANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = Sequence[dict[str, Any]]

TWO_WINDOWS = 2 * HOUR + LATENESS
ERAS = {"first fortnight": (0, FORTNIGHT), "after it": (FORTNIGHT, 10**6), "28 days": (0, 10**6)}


@dataclass(frozen=True, slots=True)
class Rate:
    """Events in so many window-hours."""

    events: int
    hours: int

    @property
    def per_1000(self) -> float:
        """Events per 1000 window-hours."""
        return 1000 * self.events / self.hours if self.hours else 0.0

    @property
    def at_most(self) -> float:
        """The one-sided upper 95 % limit of the same (Poisson)."""
        return 1000 * upper_limit(self.events) / self.hours if self.hours else 0.0

    def shown(self) -> dict[str, float]:
        """As in the JSON."""
        return {
            "events": self.events,
            "hours": self.hours,
            "per_1000": self.per_1000,
            "at_most": self.at_most,
        }


@dataclass(frozen=True, slots=True)
class Found:
    """How known changes of one kind were found: seconds and turns to each page, None where none came."""

    delays: tuple[tuple[int, int] | None, ...]

    @property
    def share(self) -> float | None:
        """The part found within two windows."""
        hits = sum(delay is not None and delay[0] <= TWO_WINDOWS for delay in self.delays)
        return hits / len(self.delays) if self.delays else None

    def middle(self, which: int) -> float | None:
        """The median over all changes, found or not, of seconds (0) or turns (1); None past the watch."""
        values = [float("inf") if delay is None else delay[which] for delay in self.delays]
        found = median(values) if values else float("inf")
        return None if found == float("inf") else found

    def shown(self) -> dict[str, float | int | None]:
        """As in the JSON."""
        seconds = self.middle(0)
        return {
            "changes": len(self.delays),
            "within_two_windows": self.share,
            "median_hours": None if seconds is None else seconds / HOUR,
            "median_turns": self.middle(1),
        }


def false_pages(rows: Rows, era: str) -> tuple[Rate, Rate]:
    """Pages summed over the dimensions, and episodes of the agent (one page for all), on quiet hours."""
    first, last = ERAS[era]
    hours = sum(max(0, min(last, row["hours"]) - first) for row in rows)
    pages = sum(first < page[0] <= last for row in rows for page in row["pages"])
    episodes = sum(first < at <= last for row in rows for at in row["episodes"])
    return Rate(pages, hours), Rate(episodes, hours)


def found(rows: Rows, era: str) -> dict[str, Found]:
    """How each kind of change was found."""
    first, last = ERAS[era]
    branches = [each for row in rows for each in row["branches"] if first <= each["at"] < last]
    return {
        change.name: Found(tuple(_pair(each["delays"][change.name]) for each in branches))
        for change in CHANGES
    }


def _pair(delay: list[int] | None) -> tuple[int, int] | None:
    return (delay[0], delay[1]) if delay is not None else None


def drivers(rows: Rows) -> dict[str, float]:
    """Of the single-bin changes that were found, the part whose bin was named first."""
    right: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for each in (each for row in rows for each in row["branches"]):
        for name, ok in each["drivers"].items():
            if each["delays"][name] is not None:
                seen[name] += 1
                right[name] += ok
    return {name: right[name] / count for name, count in seen.items()}


def confusion(trials: Rows, at: str) -> dict[str, Counter[str]]:
    """What was said of each case, by the page (`page`) or the first whole window (`window`)."""
    said: dict[str, Counter[str]] = {case: Counter() for case in CASES}
    for row in trials:
        said[row["case"]][row[at] or "no page"] += 1
    return said


def rightly_named(trials: Rows) -> float | None:
    """Of the pages of changed behaviour, the part that names the category first; None without any."""
    named = [row["driver"] for row in trials if row["case"] in {"behaviour", "both"} and row["page"]]
    return sum(each is True for each in named) / len(named) if named else None
