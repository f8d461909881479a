"""Whether each shift was named right and nothing else was paged, from the alerts and the timetable. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.demo.scenario import EXPECTED, HOUR, Shift
from worker.demo.traffic import FLAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worker.demo.scenario import Scenario, Span
    from worker.demo.watch import Alert

STILL_SEEN_S = HOUR
"""The 1-hour window holds a shift's turns this long after it: a page then is still about the shift."""

NAMED = {Shift.TOOL: f"output.flags:{FLAG}"}
"""The dimension that the alert of a shift has to name."""


@dataclass(frozen=True, slots=True)
class Row:
    """A shift and what was said of it."""

    span: Span
    expected: str
    alerts: tuple[Alert, ...]

    @property
    def right(self) -> bool:
        """Paged, with the right quadrant each time, and naming what has to be named."""
        need = NAMED.get(self.span.shift) if self.span.shift else None
        said = bool(self.alerts) and all(alert.quadrant == self.expected for alert in self.alerts)
        return said and (need is None or need in self.alerts[0].dimensions)


@dataclass(frozen=True, slots=True)
class Grade:
    """The rows of the final table, and the alerts that no shift explains."""

    rows: tuple[Row, ...]
    stray: tuple[Alert, ...]

    @property
    def passed(self) -> bool:
        """Every shift named right and no stray page."""
        return not self.stray and all(row.right for row in self.rows)


def grade(scenario: Scenario, alerts: Sequence[Alert]) -> Grade:
    """Sort the alerts to the shifts that they fired in; without shifts every alert is a stray."""
    rows = []
    left = list(alerts)
    for span in scenario.spans():
        if span.shift is not None:
            mine = tuple(alert for alert in left if span.start < alert.at <= span.end + STILL_SEEN_S)
            left = [alert for alert in left if alert not in mine]
            rows.append(Row(span, EXPECTED[span.shift], mine))
    return Grade(tuple(rows), tuple(left))
