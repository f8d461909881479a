"""The terminal view: a pure function of what was said and what is true. 100 columns and 30 lines, or more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.align import Align
from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from worker.demo.charts import COLOURS, histogram_panel, matrix, sparkline, timeline, truth_line
from worker.demo.scenario import STORIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from alerts.verdict import Side
    from worker.demo.ask import Histogram, Learning
    from worker.demo.scenario import Scenario
    from worker.demo.watch import Alert, Watch


MATRIX = 51
"""Columns of the matrix' panel; the rest of its line is the course of both PSI."""
SIDES: tuple[Side, Side] = ("input", "output")


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is shown: `now` is the newest turn's event time, `base_url` where the worker answers."""

    scenario: Scenario
    now: float
    sent: int
    watch: Watch
    histograms: Sequence[Histogram]
    learning: Learning | None
    note: str
    base_url: str


def clock(at: float) -> str:
    """An event time as people read it, UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%a %H:%M")


def truth(scenario: Scenario, at: float) -> str:
    """What is really going on, which the worker is not told."""
    span = scenario.span_at(at)
    if span.shift is not None:
        return STORIES[span.shift]
    if span.name == "learning":
        return "an ordinary day of a support agent, to learn what is normal"
    return "nothing out of the ordinary"


def render(scene: Scene, width: int) -> Layout:
    """The whole screen."""
    screen = Layout()
    screen.split_column(
        Layout(_header(scene, width), size=4),
        Layout(_top(scene, width), size=11),
        Layout(_middle(scene, width), size=6),
        Layout(_alerts(scene), minimum_size=7),
        Layout(_ask(scene), size=1),
    )
    return screen


def _header(scene: Scene, width: int) -> RenderableType:
    judged = scene.watch.judged_to
    facts = Text.assemble(
        (" quadrift ", "bold reverse"),
        ("  " + clock(scene.now) + " UTC", "bold"),
        f"   {scene.sent:,} turns   ",
        ("judged to " + clock(judged) if judged else "no verdict yet", "default" if judged else "dim"),
        ("   " + scene.note if scene.note and judged else "", "dim"),
    )
    rows = Table.grid()
    rows.add_row(facts)
    rows.add_row(timeline(scene.scenario, scene.now, width - 2))
    rows.add_row(Text(f" truth: {truth(scene.scenario, scene.now)}", style="dim italic"))
    return rows


def _top(scene: Scene, width: int) -> RenderableType:
    if not scene.histograms and scene.watch.latest is None:
        return _learning(scene, width)
    row = Table.grid(expand=True, padding=0)
    row.add_column(ratio=1)
    row.add_column(ratio=1)
    half = width // 2
    row.add_row(*(histogram_panel(side, scene.histograms, half) for side in SIDES))
    return row


def _learning(scene: Scene, width: int) -> RenderableType:
    learning, bar = scene.learning, width // 2
    rows = Table.grid(padding=(0, 1))
    if learning is None:
        starts = "The worker is starting. The first time it builds its encoder, which takes about a minute."
        return _learning_panel(Text(starts))
    rows.add_row("turns", ProgressBar(learning.turns_needed, learning.turns, bar), _of(learning, "turns"))
    rows.add_row("hours", ProgressBar(learning.hours_needed, learning.hours, bar), _of(learning, "hours"))
    rows.add_row("", "")
    rows.add_row("", Text("Bins and reference come from these turns. Nothing is judged yet."))
    rows.add_row("", Text(scene.note, style="dim"))
    return _learning_panel(rows)


def _learning_panel(body: RenderableType) -> RenderableType:
    middle = Align.center(body, vertical="middle")
    return Panel(middle, title="learning what is normal", border_style="blue", box=box.ROUNDED)


def _of(learning: Learning, what: str) -> Text:
    have, need = getattr(learning, what), getattr(learning, f"{what}_needed")
    return Text(f"{min(have, need) if what == 'hours' else have:,.0f} of {need:,.0f}")


def _middle(scene: Scene, width: int) -> RenderableType:
    room = width - MATRIX - 17
    lines = Table.grid(padding=(0, 1))
    for side in SIDES:
        lines.add_row(*sparkline(side, scene.watch.points, scene.scenario, room))
    lines.add_row(Text("truth", style="dim"), "", truth_line(scene.scenario, room))
    trend = Panel(
        Group(lines, Text("half height is 0.10; red: exceeds", style="dim")),
        title="PSI over time",
        title_align="left",
        height=6,
        box=box.ROUNDED,
        border_style="dim",
    )
    latest = scene.watch.latest
    row = Table.grid(expand=True, padding=0)
    row.add_column(ratio=1)
    row.add_column(width=MATRIX)
    row.add_row(trend, matrix(latest.quadrant.value if latest and latest.quadrant else None))
    return row


def _alerts(scene: Scene) -> RenderableType:
    rows = Table.grid(padding=(0, 1))
    for alert in scene.watch.alerts[-3:][::-1]:
        for row in alert_rows(alert):
            rows.add_row(*row)
    if not scene.watch.alerts:
        rows.add_row(Text("none so far", style="dim"))
    firing = scene.watch.open_alert
    border = COLOURS.get(firing.quadrant, "red") if firing else "dim"
    return Panel(rows, title="alerts", title_align="left", box=box.ROUNDED, border_style=border)


def alert_rows(alert: Alert) -> Iterator[tuple[Text, Text, Text]]:
    """Two lines: when, what and why; then whether it still fires, and what to do."""
    over = alert.resolved_at is not None
    style = "dim" if over else "bold"
    what = Text(alert.quadrant, style=f"{style} {COLOURS.get(alert.quadrant, 'red')}")
    yield Text(clock(alert.at)), what, Text(alert.headline, style=style, no_wrap=True, overflow="ellipsis")
    state = Text(f"resolved {clock(alert.resolved_at)}" if alert.resolved_at else "firing", style="dim")
    link = Text()  # styled as a span: the table would underline its own padding too
    if alert.playbook:
        link.append(alert.playbook, style=f"dim underline link {alert.playbook}")
    yield Text(), state, link


def _ask(scene: Scene) -> Text:
    asked = "   ".join(f"curl -s {scene.base_url}/v1/{what}" for what in ("psi", "verdicts"))
    return Text(f" {asked}", style="cyan", no_wrap=True, overflow="ellipsis")
