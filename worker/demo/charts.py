"""The pieces of the view: bars of two histograms in one line, PSI over time, the matrix, the timetable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.align import Align
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from worker.demo.scenario import Shift
from worker.demo.watch import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from alerts.verdict import Driver, Side
    from worker.demo.ask import Histogram
    from worker.demo.scenario import Scenario
    from worker.demo.watch import Point

COLOURS = {"steady": "green", "world_changed": "cyan", "system_changed": "red", "both_moved": "magenta"}
SHIFT_COLOURS = {Shift.WORLD: "cyan", Shift.MODEL: "red", Shift.TOOL: "yellow"}
GATE = 0.10
ROWS = 8
_STEPS = (0.0125, 0.025, 0.05, GATE, 0.2, 0.4, 0.8)
_BLOCKS = "▁▂▃▄▅▆▇█"
_TELLS = {"input": "intent", "output": "response_category"}


def histogram_panel(side: Side, histograms: Sequence[Histogram], width: int) -> RenderableType:
    """The dimension of a side that tells most, reference above current in each line, and what else moved."""
    mine = [h for h in histograms if h.side == side]
    shown = telling(side, mine)
    if shown is None:
        return Panel(Text("not judged yet", style="dim"), title=side, box=box.ROUNDED, border_style="dim")
    rows = Table.grid(padding=(0, 1))
    bar = max(8, width - 37)
    top = max((max(b.reference_share, b.current_share) for b in shown.bins), default=1.0) or 1.0
    for one in widest(shown.bins):
        rows.add_row(*_bar_row(one, top, bar, exceeds=shown.exceeds))
    exceeds = any(h.exceeds and h.deciding for h in mine)
    title = Text.assemble(
        (side, "bold"), f" {shown.name}  ", (f"PSI {shown.psi:.2f}", "bold" if exceeds else "dim")
    )
    border = "red" if exceeds else "dim"
    body = Group(rows, _moved_line(mine, width - 4))
    key = Text("▀ reference ▄ now", style="dim")
    return Panel(
        body,
        title=title,
        title_align="left",
        subtitle=key,
        subtitle_align="right",
        box=box.ROUNDED,
        border_style=border,
    )


def telling(side: Side, histograms: Sequence[Histogram]) -> Histogram | None:
    """What to show of a side: the one people know, unless another moved and it did not."""
    usual = next((h for h in histograms if h.name == _TELLS[side]), None)
    moved = [h for h in histograms if h.exceeds and h.deciding and len(h.bins) > 2]
    if moved and (usual is None or not usual.exceeds):
        return max(moved, key=lambda h: (h.name != "novelty", h.psi))  # its bins mean little to a reader
    return usual or next(iter(histograms), None)


def widest(bins: Sequence[Driver]) -> list[Driver]:
    """At most eight bins: all of them as they stand, or those that moved most, the largest first."""
    if len(bins) <= ROWS:
        return list(bins)
    most = sorted(bins, key=lambda b: -abs(b.current_share - b.reference_share))[:ROWS]
    return sorted(most, key=lambda b: -b.current_share)


def bar(reference: float, current: float, top: float, width: int, colour: str) -> Text:
    """One line, two bars: upper half the reference, lower half the current share; `top` fills the width."""
    upper, lower = (round(share / top * width) for share in (reference, current))
    both, line = min(upper, lower), Text()
    line.append("▀" * both, style=f"grey50 on {colour}")
    line.append(
        ("▀" if upper > lower else "▄") * abs(upper - lower), style="grey50" if upper > lower else colour
    )
    line.append(" " * (width - max(upper, lower)))
    return line


def _bar_row(one: Driver, top: float, width: int, *, exceeds: bool) -> tuple[Text, Text, Text]:
    """A bin is red only in a dimension that exceeds: any other difference may be chance."""
    gone = abs(one.current_share - one.reference_share)
    moved = exceeds and (gone > 0.04 or (gone > 0.01 and gone > one.reference_share))
    name = Text((one.label or one.bin).replace("_", " "), no_wrap=True, overflow="ellipsis")
    name.truncate(18, overflow="ellipsis")
    colour = "red" if moved else "green"
    shares = f"{percent(one.reference_share):>6} {percent(one.current_share):>6}"
    return name, bar(one.reference_share, one.current_share, top, width, colour), Text(shares)


def _moved_line(histograms: Sequence[Histogram], width: int) -> Text:
    moved = sorted((h for h in histograms if h.exceeds and h.deciding), key=lambda h: -h.psi)
    if not moved:
        return Text("steady", style="dim green")
    line = Text("moved: " + ", ".join(f"{h.name} {h.psi:.2f}" for h in moved), style="red")
    line.truncate(width, overflow="ellipsis")
    return line


def sparkline(side: Side, points: Sequence[Point], scenario: Scenario, width: int) -> tuple[Text, Text, Text]:
    """A side's name, its newest PSI, and its course.

    A column is a fixed stretch of event time, from the end of learning to the end of all. Half height is the
    gate, each step a doubling; red where a deciding dimension exceeds.
    """
    courses: list[list[tuple[float | None, bool]]] = [[] for _ in range(width)]
    for point in points:
        psi, exceeds = (
            (point.input_psi, point.input_exceeds)
            if side == "input"
            else (point.output_psi, point.output_exceeds)
        )
        column = int((point.at - scenario.learned - 1) / (scenario.end - scenario.learned) * width)
        courses[min(column, width - 1)].append((psi, exceeds))
    line = Text()
    for course in courses:
        known = [psi for psi, _ in course if psi is not None]
        mark = _BLOCKS[sum(max(known) >= step for step in _STEPS)] if known else "·" if course else " "
        line.append(mark, style="red" if any(exceeds for _, exceeds in course) else "green")
    newest = (points[-1].input_psi if side == "input" else points[-1].output_psi) if points else None
    value = f"{newest:4.2f}" if newest is not None else "   -"
    return Text(side, style="bold"), Text(value, style="bold"), line


def truth_line(scenario: Scenario, width: int) -> Text:
    """Under the courses: when the shifts really are."""
    line = Text()
    for column in range(width):
        at = scenario.learned + (column + 0.5) / width * (scenario.end - scenario.learned)
        shift = scenario.span_at(at).shift
        line.append("━" if shift else "─", style=SHIFT_COLOURS[shift] if shift else "grey30")
    return line


def matrix(quadrant: str | None) -> RenderableType:
    """The four quadrants, the one that was said last lit."""
    grid = Table.grid(padding=(0, 1))
    for _ in range(3):
        grid.add_column(justify="center", no_wrap=True)
    grid.add_row("", *(Text(f"output {how}", style="dim") for how in ("steady", "moved")))
    for how, cells in (("steady", ("steady", "system_changed")), ("moved", ("world_changed", "both_moved"))):
        lit = (_cell(name, lit=name == quadrant) for name in cells)
        grid.add_row(Text(f"input {how}", style="dim"), *lit)
    body = Align.center(grid, vertical="middle")
    return Panel(body, height=6, box=box.ROUNDED, border_style=COLOURS.get(quadrant or "", "dim"))


def _cell(name: str, *, lit: bool) -> Text:
    if lit:  # the mark is for terminals without colour
        return Text(f"●{name} ", style=f"bold reverse {COLOURS[name]}")
    return Text(f" {name} ", style="grey50")


def timeline(scenario: Scenario, now: float, width: int) -> Text:
    """The timetable as one line: what is over is bright, the shifts have their colours."""
    line = Text(" ")
    length = scenario.end - scenario.begin
    for column in range(width):
        at = scenario.begin + (column + 0.5) / width * length
        span = scenario.span_at(at)
        colour = SHIFT_COLOURS[span.shift] if span.shift else "blue" if span.name == "learning" else "grey70"
        over = at <= now
        line.append("━" if over else "─", style=colour if over else f"dim {colour}")
    return line
