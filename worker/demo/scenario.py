"""What will happen in the demo and when, in event time: learning, calm, and three shifts that come and go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HOUR = 3600
TAIL_S = 900
"""Traffic goes on this long after the last verdict's hour, so that the watermark passes it."""


class Shift(StrEnum):
    """A change that the demo plays."""

    WORLD = "world"
    MODEL = "model"
    TOOL = "tool"


EXPECTED = {Shift.WORLD: "world_changed", Shift.MODEL: "system_changed", Shift.TOOL: "system_changed"}

STORIES = {
    Shift.WORLD: "a travel partner sends its customers: 30 % ask about visa paperwork",
    Shift.MODEL: "the provider swaps the model behind the same name: hedging, refusals, fewer tools",
    Shift.TOOL: "search_kb is poisoned: hallucination flags rise from 0.5 % to 5 %",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of event time, `start` inclusive, `end` exclusive, in seconds since the epoch."""

    name: str
    start: int
    end: int
    shift: Shift | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """The demo's timetable. Lengths are hours of event time; `turns_per_hour` is the mean over a day.

    With `quiet` the same hours pass and nothing happens. After a shift the quiet must last 3 h or more: the
    1-hour window has to forget it, and six calm evaluations have to follow.
    """

    begin: int
    seed: int = 7
    turns_per_hour: int = 600
    learning_h: int = 24
    warm_h: int = 3
    shift_h: int = 4
    calm_h: int = 4
    shifts: tuple[Shift, ...] = (Shift.WORLD, Shift.MODEL, Shift.TOOL)
    quiet: bool = False

    @property
    def learned(self) -> int:
        """When the hours to learn from end."""
        return self.begin + self.learning_h * HOUR

    @property
    def end(self) -> int:
        """When the last span ends."""
        return self.spans()[-1].end

    def spans(self) -> tuple[Span, ...]:
        """Learning, a warm-up, then each shift and the calm after it, without a gap."""
        warm = Span("warm-up", self.learned, self.learned + self.warm_h * HOUR)
        spans = [Span("learning", self.begin, self.learned), warm]
        for shift in self.shifts:
            start = spans[-1].end
            over = start + self.shift_h * HOUR
            played = None if self.quiet else shift
            spans.append(Span("quiet" if self.quiet else shift.value, start, over, played))
            spans.append(Span("quiet" if self.quiet else "all clear", over, over + self.calm_h * HOUR))
        return tuple(spans)

    def span_at(self, at: float) -> Span:
        """The span that holds an event time; the last one for whatever comes later."""
        return next((span for span in self.spans() if at < span.end), self.spans()[-1])


def latest_begin(now: float, hours: int) -> int:
    """The newest Tuesday, 02:00 UTC, from which `hours` have passed before `now`.

    A whole demo then lies between Tuesday and Friday, whichever day it is watched on: the first weekend of a
    baseline is a subject of its own.
    """
    latest = datetime.fromtimestamp(now, UTC) - timedelta(hours=hours + 1)
    tuesday = (latest - timedelta(days=(latest.weekday() - 1) % 7)).replace(
        hour=2, minute=0, second=0, microsecond=0
    )
    if tuesday > latest:
        tuesday -= timedelta(days=7)
    return int(tuesday.timestamp())


def plan(now: float, *, quiet: bool = False, seed: int = 7) -> Scenario:
    """The demo as it is shipped, ending at least an hour before `now`."""
    shape = Scenario(begin=0, quiet=quiet, seed=seed)
    return Scenario(begin=latest_begin(now, shape.end // HOUR + 1), quiet=quiet, seed=seed)
