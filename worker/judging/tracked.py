"""What judging one segment remembers from step to step, and the rules that it goes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from alerts.persistence import Reading
from baselines.evaluation import Behaviour, CellMove, Evaluation, Window
from baselines.fast import FALSE_PAGES
from baselines.windows import HOUR, LADDER, alpha

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.evaluate import Gates
    from baselines.windows import Calendar
    from binning.layout import JointLayout


class IncompatibleError(Exception):
    """What is stored was made under other settings than this worker has. The message says what to do."""


class OutdatedError(IncompatibleError):
    """What is in force was learned by another version of quadrift: it can be learned anew, by this one."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How to judge: the one knob, over how many agents it is spread, which dimensions decide, their gates.

    `decides` and `gates` take a dimension's key. A step is judged when the watermark is `lateness_s` past its
    end.
    """

    false_pages_per_month: float
    gates: Callable[[str], Gates]
    calendar: Calendar
    decides: Callable[[str], bool]
    agents: int
    lateness_s: float = 120.0

    @property
    def fast_pages(self) -> float:
        """False pages per 1000 hours that the fast lane may add for one agent: few beside those allowed."""
        return FALSE_PAGES * min(1.0, self.false_pages_per_month) / max(self.agents, 1)

    def alpha(self, window: Window, dimensions: int) -> float:
        """The level of one test (statistics-2.md section 0, rule 6). One segment pages: the whole."""
        return alpha(self.false_pages_per_month, window.length_s / HOUR, self.agents, 1, dimensions)


class JointJudgement(msgspec.Struct, frozen=True):
    """Behaviour at fixed inputs of one joint at its latest window, and the slices that moved."""

    behaviour: Behaviour
    slices: tuple[CellMove, ...]


class Kept(msgspec.Struct):
    """Which hours the references of a dimension or joint may not learn from, and where recent normal begins.

    `open_hour` is the first hour of what makes it alert now, `excluded` the hours of episodes, `restarted`
    where an episode of 24 h made its rolling reference start anew (seconds since the epoch).
    """

    open_hour: int | None = None
    excluded: set[int] = msgspec.field(default_factory=set)
    restarted: int | None = None

    def calm(self, hour: int) -> bool:
        """No episode was open in the hour or the one after."""
        alerting = self.open_hour is not None and hour + 1 >= self.open_hour
        return not alerting and not self.excluded & {hour, hour + 1}


class Tracked(msgspec.Struct):
    """One dimension from step to step.

    `latest` holds its latest evaluation by reference, `short` the rungs that had too few turns when last
    looked at, `led` says that a restarted rolling reference has been judged again and decides alone,
    `absorbed_to` is the first hour that its fixed reference has not been offered yet, `slowest` the longest
    rung that served it within a day of `slowest_at`, `held` the start of the fast lane's window whose word
    stands until the ladder has caught up, `hit` the end of the first of the minutes in a row that hit,
    `since` where it is judged from if its bins were learned anew (seconds since the epoch).
    """

    absorbed_to: int
    kept: Kept = msgspec.field(default_factory=Kept)
    latest: dict[str, Evaluation] = msgspec.field(default_factory=dict)
    short: set[int] = msgspec.field(default_factory=set)
    led: bool = False
    slowest: int = 0
    slowest_at: int = 0
    held: int | None = None
    hit: int | None = None
    since: int = 0

    def says(self, latest: dict[str, Evaluation]) -> bool:
        """Take over what the ladder says now; whether it says something.

        After a hit of the fast lane a window that begins before it and does not exceed has not caught up: it
        knows less than what it would replace.
        """
        before, self.latest = self.latest, latest
        if self.held is not None and latest["fixed"].window.start < self.held:
            if not self.exceeds:
                self.latest = before
                return False
        else:
            self.held = None
        return True

    @property
    def rung(self) -> int:
        """The length in seconds of the windows that serve it: the shortest that was not short of turns."""
        return next((rung for rung in LADDER if rung not in self.short), LADDER[-1])

    @property
    def deciding(self) -> list[Evaluation]:
        """The evaluations that count: the rolling one alone once it was restarted and is judged again."""
        if self.led:
            return [self.latest["rolling"]] if "rolling" in self.latest else []
        return [self.latest[name] for name in ("fixed", "rolling") if name in self.latest]

    @property
    def exceeds(self) -> bool:
        """Whether it exceeds against a reference that counts."""
        return any(evaluation.exceeds for evaluation in self.deciding)

    @property
    def shown(self) -> Evaluation | None:
        """The evaluation to lead with: the first that exceeds, or the first."""
        return next((e for e in self.deciding if e.exceeds), next(iter(self.deciding), None))

    def reading(self) -> Reading | None:
        """What persistence takes in: calm only if every reference that counts is."""
        shown = self.shown
        if shown is None:
            return None
        calm = all(evaluation.calm for evaluation in self.deciding)
        return Reading(shown.window.end, exceeds=self.exceeds, calm=calm, displacement=shown.displacement)


def joint_name(joint: JointLayout) -> str:
    """What a joint's judgement and streak are kept under."""
    return f"{joint.given} x {joint.outcome}"
