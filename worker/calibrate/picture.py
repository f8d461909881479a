"""The picture of a calibration: every dimension's PSI over time between its thresholds, as one SVG file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple
from xml.sax.saxutils import escape

from baselines.windows import DAY, HOUR
from worker.calibrate.blind import briefly
from worker.calibrate.table import ranked, span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from worker.calibrate.result import DimensionResult, Result, Span, Threshold

COLUMNS, WIDTH, MARGIN = 3, 1200, 28
PANEL_WIDTH, PANEL_HEIGHT = 372, 196
PLOT_TOP, PLOT_HEIGHT, PLOT_LEFT = 42, 100, 34
_HEAD = 92
_TEXT = 62
STYLE = """
text { font: 11px system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #57606a }
.title { font-size: 22px; font-weight: 600; fill: #1f2328 }
.name { font-size: 13px; font-weight: 600; fill: #1f2328 }
.line { fill: none; stroke: #0969da; stroke-width: 1.3; stroke-linejoin: round }
.area { fill: #0969da; opacity: .10 }
.axis { stroke: #d0d7de } .episode { fill: #cf222e; opacity: .10 } .tick { font-size: 10px }
.moderate { stroke: #bf8700 } .significant { stroke: #cf222e } .now { stroke-dasharray: 4 3; opacity: .75 }
.proposed { stroke-width: 1.8 } .input { fill: #1a7f37 } .output { fill: #8250df } .beside { opacity: .55 }
"""


class _Scale(NamedTuple):
    """From event time and PSI to places in the plot of a panel."""

    judged: Span
    top: float

    def x(self, at: float) -> float:
        """Across."""
        share = (at - self.judged.start) / max(1, self.judged.end - self.judged.start)
        return PLOT_LEFT + min(1.0, max(0.0, share)) * (PANEL_WIDTH - PLOT_LEFT)

    def y(self, psi: float) -> float:
        """Down; what is over the top stays at the top."""
        return PLOT_TOP + PLOT_HEIGHT * (1 - min(1.0, psi / self.top))


def write_picture(results: Sequence[Result], path: Path) -> None:
    """Write the picture.

    Raises:
        OSError: the file exists already or cannot be written.
    """
    with path.open("x", encoding="utf-8") as file:
        file.write(picture(results))


def picture(results: Sequence[Result]) -> str:
    """The SVG: a block of panels an agent, dimensions that decide first."""
    blocks, y = [], 0
    for result in results:
        blocks.append(f'<g transform="translate({MARGIN},{y})">{_block(result)}</g>')
        rows = -(-len(ranked(result)) // COLUMNS)
        y += _HEAD + rows * PANEL_HEIGHT + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#ffffff"/>{"".join(blocks)}</svg>\n'
    )


def _block(result: Result) -> str:
    told = (
        f"{_day(result.judged.start)} to {_day(result.judged.end)} (UTC) · {_episodes(result)}"
        f" · false pages a month expected: {result.expected_current:.2f} now,"
        f" {result.expected_proposed:.2f} as proposed, {result.asked:g} asked for"
    )
    parts = [
        f'<text class="title" y="38">{escape(result.agent)}: how far each dimension moves</text>',
        f'<text y="60">{told}</text>',
        _legend(),
    ]
    for i, found in enumerate(ranked(result)):
        x = i % COLUMNS * (PANEL_WIDTH + 14)
        y = _HEAD + i // COLUMNS * PANEL_HEIGHT
        beside = "" if found.deciding else ' class="beside"'
        parts.append(f'<g transform="translate({x},{y})"{beside}>{"".join(_panel(found, result))}</g>')
    return "".join(parts)


def _episodes(result: Result) -> str:
    count = len(result.episodes)
    return "no episode" if not count else f"{count} episode{'s' if count > 1 else ''} (shaded)"


def _legend() -> str:
    entries = (
        ("now", "moderate", "threshold now"),
        ("proposed", "moderate", "moderate, proposed"),
        ("proposed", "significant", "significant, proposed"),
    )
    parts = []
    for i, (when, level, label) in enumerate(entries):
        x = 700 + i * 150
        parts.append(f'<line class="{level} {when}" x1="{x}" x2="{x + 24}" y1="34" y2="34"/>')
        parts.append(f'<text x="{x + 30}" y="38">{label}</text>')
    return "".join(parts)


def _panel(found: DimensionResult, result: Result) -> Iterator[str]:
    """A dimension's name and figures, its plot, and what it can see."""
    yield f'<circle class="{found.side}" cx="4" cy="10" r="4"/>'
    role = "" if found.deciding else " (reported, does not page)"
    yield f'<text class="name" x="14" y="14">{escape(found.side)} {escape(found.name)}{role}</text>'
    if found.window_s is None or found.phi is None:
        yield f'<text x="14" y="32">{escape(found.note or "not judged")}</text>'
        return
    yield f'<text x="14" y="30">{_figures(found, found.window_s, found.phi)}</text>'
    scale = _Scale(result.judged, _top(found))
    yield from _frame(scale, result)
    yield from _curve(found.series, scale)
    if found.proposed is not None:
        yield from _gates(found.proposed, "proposed", scale)
    if found.proposed != found.current:
        yield from _gates(found.current, "now", scale)
    if found.deciding and found.blind is not None:
        sees = f"finds {briefly(found.blind)}"
        yield f'<text x="{PLOT_LEFT}" y="{PLOT_TOP + PLOT_HEIGHT + 32}">{escape(_cut(sees))}</text>'


def _figures(found: DimensionResult, window_s: int, phi: float) -> str:
    moved = "movement not measured yet"
    if found.movement is not None:
        moved = f"95 % move ≤ {found.movement[0]:.3f}, 99 % ≤ {found.movement[1]:.3f}"
    return f"{span(window_s)} · {found.turns:,} turns · φ {phi:.1f} · {moved}"


def _top(found: DimensionResult) -> float:
    """The PSI at the top of the plot: all thresholds are in it, and most of the curve."""
    gates = [found.current.significant, found.proposed.significant if found.proposed else 0.0]
    highest = max((psi for _, psi in found.series), default=0.0)
    return min(max(1.15 * max(gates), 1.1 * highest), 3 * max(gates))


def _frame(scale: _Scale, result: Result) -> Iterator[str]:
    bottom = scale.y(0)
    for episode in result.episodes:
        x, end = scale.x(episode.start), scale.x(episode.end)
        yield (
            f'<rect class="episode" x="{x:.1f}" y="{PLOT_TOP}" width="{max(1.5, end - x):.1f}"'
            f' height="{PLOT_HEIGHT}"/>'
        )
    yield f'<line class="axis" x1="{PLOT_LEFT}" x2="{PANEL_WIDTH}" y1="{bottom}" y2="{bottom}"/>'
    for psi in (0.0, scale.top / 2, scale.top):
        y = scale.y(psi) + 3
        yield f'<text class="tick" x="{PLOT_LEFT - 5}" y="{y:.1f}" text-anchor="end">{psi:.2f}</text>'
    for at in _ticks(result.judged):
        x = scale.x(at)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 3}"/>'
        label = _tick(at, result.judged)
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 14}" text-anchor="middle">{label}</text>'


def _ticks(judged: Span) -> range:
    """Up to six round times: hours, days or weeks."""
    steps = (HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 4 * DAY, 7 * DAY, 14 * DAY)
    step = next((step for step in steps if (judged.end - judged.start) / step <= 6), 28 * DAY)
    return range(-(-judged.start // step) * step, judged.end + 1, step)


def _tick(at: int, judged: Span) -> str:
    short = judged.end - judged.start <= 2 * DAY
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M" if short else "%d %b")


def _curve(series: Sequence[tuple[int, float]], scale: _Scale) -> Iterator[str]:
    points = " ".join(f"{scale.x(at):.1f},{scale.y(psi):.1f}" for at, psi in series)
    if not points:
        return
    first, last, bottom = scale.x(series[0][0]), scale.x(series[-1][0]), scale.y(0)
    yield f'<polygon class="area" points="{first:.1f},{bottom} {points} {last:.1f},{bottom}"/>'
    yield f'<polyline class="line" points="{points}"/>'


def _gates(at: Threshold, when: str, scale: _Scale) -> Iterator[str]:
    for level, psi in (("moderate", at.moderate), ("significant", at.significant)):
        y = scale.y(psi)
        yield (
            f'<line class="{level} {when}" x1="{PLOT_LEFT}" x2="{PANEL_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )


def _cut(text: str) -> str:
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %b %Y %H:%M")
