"""The table that the demo ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from worker.demo.view import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from worker.demo.grade import Grade, Row
    from worker.demo.scenario import Scenario


def summary(scenario: Scenario, graded: Grade, turns: Callable[[float, float], int]) -> RenderableType:
    """Shift, expected, said, delay in event minutes and turns, alerts; `turns` counts those of a stretch."""
    table = Table(box=box.SIMPLE_HEAD, title="what was said of what happened", title_justify="left")
    for heading in ("shift", "expected", "said", "after", "turns", "alert", ""):
        table.add_column(heading, justify="right" if heading in ("after", "turns") else "left")
    for row in graded.rows:
        table.add_row(*_cells(row, turns))
    hours = (scenario.end - scenario.learned) // 3600
    judged = f"{hours} hours of event time judged, {turns(scenario.learned, scenario.end):,} turns"
    lines = [Text(f"{judged}, {len(graded.stray)} false alerts")]
    lines += [Text(f"  {clock(a.at)} {a.quadrant}: {a.headline}", style="red") for a in graded.stray]
    lines.append(Text("passed", style="bold green") if graded.passed else Text("failed", style="bold red"))
    return Group(table, *lines) if graded.rows else Group(*lines)


def _cells(row: Row, turns: Callable[[float, float], int]) -> tuple[str | Text, ...]:
    mark = Text("ok", style="green") if row.right else Text("wrong", style="red")
    if not row.alerts:
        return row.span.name, row.expected, "nothing", "", "", "", mark
    first = row.alerts[0]
    said = ", ".join(dict.fromkeys(alert.quadrant for alert in row.alerts))
    after = f"{(first.at - row.span.start) // 60} min"
    ended = f"resolved {clock(first.resolved_at)}" if first.resolved_at else "still firing"
    alert = f"{first.headline} ({ended})"
    return row.span.name, row.expected, said, after, f"{turns(row.span.start, first.at):,}", alert, mark
