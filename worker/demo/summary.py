"""The table that the demo ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from worker.demo.charts import COLOURS
from worker.demo.view import clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

    from worker.demo.grade import Grade, Row
    from worker.demo.scenario import Scenario
    from worker.demo.watch import Alert


def summary(scenario: Scenario, graded: Grade, turns: Callable[[float, float], int]) -> RenderableType:
    """What was said of each shift and how soon, then every alert; `turns` counts those of a stretch."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    for heading in ("shift", "expected", "said", "after", "turns", "resolved", ""):
        table.add_column(heading, justify="right" if heading in ("after", "turns") else "left", no_wrap=True)
    for row in graded.rows:
        table.add_row(*_cells(row, turns))
    lines: list[RenderableType] = [_line(alert) for row in graded.rows for alert in row.alerts]
    lines += [Text.assemble(("false alert ", "red"), _line(alert)) for alert in graded.stray]
    hours = (scenario.end - scenario.learned) // 3600
    told = f"{hours} hours of event time and {turns(scenario.learned, scenario.end):,} turns judged"
    stray = f"{len(graded.stray)} false alert{'s' if len(graded.stray) != 1 else ''}"
    mark = ("passed", "bold green") if graded.passed else ("failed", "bold red")
    lines.append(Text.assemble(f"{told}, {stray}: ", mark))
    return Group(table, "", *lines) if graded.rows else Group(*lines)


def _cells(row: Row, turns: Callable[[float, float], int]) -> tuple[str | Text, ...]:
    mark = Text("right", style="green") if row.right else Text("wrong", style="red")
    if not row.alerts:
        return row.span.name, row.expected, "nothing", "", "", "", mark
    first = row.alerts[0]
    said = ", ".join(dict.fromkeys(alert.quadrant for alert in row.alerts))
    after = f"{(first.at - row.span.start) // 60} min"
    resolved = clock(first.resolved_at) if first.resolved_at else "not yet"
    return row.span.name, row.expected, said, after, f"{turns(row.span.start, first.at):,}", resolved, mark


def _line(alert: Alert) -> Text:
    line = Text.assemble(clock(alert.at), " ", (alert.quadrant, COLOURS.get(alert.quadrant, "red")))
    return line.append(f"  {alert.headline}")
