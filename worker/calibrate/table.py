"""What a calibration found, for a person at a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from baselines.windows import DAY, HOUR
from worker.calibrate.blind import percent, said
from worker.calibrate.measure import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from worker.calibrate.result import DimensionResult, Pages, Result, Threshold

_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK = 16
BASIS = """\
movement   debiased PSI between normal windows, each against the one before it (of 4 h and longer: against
           the same hours of another day): 95 % and 99 % stay under these figures.
chance     the same where nothing moves but chance, at this traffic.
proposed   movement without chance (their squares subtract), never under 0.10 and 0.25.
exceeded   windows of this history that exceed, now → as proposed; alerts: what three in a row open.
false pages a month: c · alpha a window, c = .31 where no threshold binds, less where one does. A fit to
           simulations: within a factor of three up to 3000 turns an hour, far too high on more. Real changes
           page on top of that.
blind      spots are of steady windows of the usual size; on little traffic it is the fast lane that finds the
           sharp changes, within two hours. No threshold changes it.
"""
_WIDE = 150


def show(results: Sequence[Result], console: Console | None = None) -> None:
    """Print every agent's tables, then what the figures mean."""
    console = console or _console()
    for result in results:
        console.print(_head(result))
        console.print(thresholds(result))
        _print_notes(result, console)
        console.print(blind(result))
    console.print(Text(BASIS, style="dim"))


def _console() -> Console:
    """As wide as the terminal; in a file or a pipe as wide as the table."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _head(result: Result) -> Text:
    hours = (result.judged.end - result.judged.start) / HOUR
    told = f"{duration(hours)} judged up to {_clock(result.judged.end)} (UTC), "
    count = len(result.episodes)
    told += f"{count or 'no'} episode{'s' if count > 1 else ''}"
    if count:
        told += ", counted as normal" if result.known_calm else ", left out of what is normal"
    return Text.assemble((result.agent, "bold"), f": {told}")


def thresholds(result: Result) -> Table:
    """One line a dimension: what it is judged on, how it moves, the thresholds and what they do."""
    expected = f"{result.expected_current:.2f} → {result.expected_proposed:.2f}"
    title = f"Thresholds: {expected} false pages a month expected, {result.asked:g} asked for"
    title += f" (the fast lane's {result.fast_lane:.2f} in it)"
    table = Table(title=title, title_justify="left", header_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("dimension", overflow="fold")
    table.add_column("psi over time", no_wrap=True)
    for name in (
        "window",
        "turns",
        "φ",
        "movement",
        "chance",
        "now",
        "proposed",
        "exceeded",
        "alerts",
        "false/month",
    ):
        table.add_column(name, justify="right")
    for found in ranked(result):
        table.add_row(*_row(found), style=None if found.deciding else "dim")
    return table


def ranked(result: Result) -> list[DimensionResult]:
    """Those that decide first, input before output, as they are laid out.

    One that does not decide and could not be judged either has nothing to say.
    """
    worth = (found for found in result.dimensions if found.deciding or found.window_s is not None)
    return sorted(worth, key=lambda found: (not found.deciding, found.side))


def _row(found: DimensionResult) -> list[Text | str]:
    if found.window_s is None or found.phi is None:
        return [found.key, "", "none", *("" for _ in range(4)), _pair(found.current), *("" for _ in range(4))]
    proposed = Text(_pair(found.proposed) if found.proposed else "too little")
    if found.proposed is not None and found.proposed != found.current:
        proposed.stylize("bold yellow")
    now, then = found.pages_current, found.pages_proposed
    return [
        found.key,
        sparkline([psi for _, psi in found.series], found.current.moderate),
        span(found.window_s),
        f"{found.turns:,}",
        f"{found.phi:.1f}",
        _high(found.movement) or f"{found.pairs} pairs",
        _high(found.chance),
        _pair(found.current),
        proposed,
        _from_to(now.exceeded, then.exceeded),
        _from_to(now.opened, then.opened),
        _pages(now, then),
    ]


def _pages(now: Pages, then: Pages) -> str:
    if now.expected is None or then.expected is None:
        return ""
    before, after = f"{now.expected:.2f}", f"{then.expected:.2f}"
    return before if before == after else f"{before} → {after}"


def _high(percentiles: tuple[float, float] | None) -> str:
    return f"{percentiles[0]:.3f} {percentiles[1]:.3f}" if percentiles is not None else ""


def _pair(at: Threshold) -> str:
    return f"{at.moderate:.2f} {at.significant:.2f}"


def _from_to(now: int, then: int) -> str:
    return f"{now}" if now == then else f"{now} → {then}"


def sparkline(values: Sequence[float], moderate: float) -> Text:
    """The largest value of each part, in eight heights up to twice the threshold; red from it on."""
    line = Text()
    for part in _parts(values):
        top = max(part)
        block = _BLOCKS[min(7, int(4 * top / moderate))]
        line.append(block, style="red" if top >= moderate else "green")
    return line


def _parts(values: Sequence[float]) -> Iterable[Sequence[float]]:
    count = min(_SPARK, len(values))
    for i in range(count):
        yield values[i * len(values) // count : (i + 1) * len(values) // count]


def _print_notes(result: Result, console: Console) -> None:
    """What there is to note, once for all dimensions that share it."""
    notes: dict[str, list[str]] = {}
    for found in ranked(result):
        if found.note is not None:
            notes.setdefault(found.note, []).append(found.key)
    for note, keys in notes.items():
        console.print(Text.assemble((", ".join(keys), "bold"), f": {note}"))


def blind(result: Result) -> Table:
    """One line a deciding dimension: the smallest change that would be found."""
    table = Table(
        title="Blind spots: the smallest change found four times in five, at this traffic",
        title_justify="left",
        header_style="bold",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for name in (
        "dimension",
        "of one bin (shown soonest; shown last)",
        "of many (turns moving to rarer bins)",
    ):
        table.add_column(name, overflow="fold")
    for found in ranked(result):
        if found.deciding:
            table.add_row(found.key, _one_bin(found), _mix(found))
    return table


def _one_bin(found: DimensionResult) -> str:
    if found.blind is None or found.window_s is None:
        return "nothing: too few turns"
    return said(found.blind, found.window_s)


def _mix(found: DimensionResult) -> str:
    if found.blind is None:
        return ""
    parts = [
        f"{percent(share)} % {when}"
        for share, when in (
            (found.blind.mix_within_2h, "in 2 h"),
            (found.blind.mix_within_24h, "in a day"),
        )
        if share is not None
    ]
    return ", ".join(parts)


def span(seconds: int) -> str:
    """A window's length as a person says it."""
    return f"{seconds // HOUR} h" if seconds <= DAY else f"{seconds // DAY} d"


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
