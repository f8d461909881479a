"""What a replay found, for a person to read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from alerts.verdict import Quadrant, Status

if TYPE_CHECKING:
    from alerts.verdict import DimensionVerdict, Driver, Verdict

_SHOWN_DIMENSIONS = 12


@dataclass(slots=True)
class Page:
    """One episode as the replay saw it: the verdict that opened it, its quadrants, and its end."""

    opened: Verdict
    quadrants: list[str] = field(default_factory=list)
    resolved_at: int | None = None


@dataclass(slots=True)
class Summary:
    """Gathers verdicts; `records` is how many the history holds."""

    records: int
    pages: dict[str, Page] = field(default_factory=dict)
    said: Counter[str] = field(default_factory=Counter)
    last: Verdict | None = None
    worst: dict[tuple[str, str], DimensionVerdict] = field(default_factory=dict)

    def add(self, verdict: Verdict) -> None:
        """Take in one verdict; only those of the whole are summed up."""
        if verdict.segment != "all":
            return
        self.last = verdict
        self.said[verdict.quadrant or verdict.status] += 1
        if verdict.episode is not None:
            page = self.pages.setdefault(verdict.episode, Page(verdict))
            if verdict.quadrant not in (None, Quadrant.STEADY, *page.quadrants):
                page.quadrants.append(str(verdict.quadrant))
        for page in self.pages.values():
            if (
                page.resolved_at is None
                and verdict.episode != page.opened.episode
                and verdict.agent == page.opened.agent
            ):
                page.resolved_at = verdict.at
        for dimension in verdict.dimensions:
            known = self.worst.get((dimension.side, dimension.name))
            if known is None or dimension.psi > known.psi:
                self.worst[dimension.side, dimension.name] = dimension

    def show(self, console: Console | None = None) -> None:
        """Print the alerts, then every dimension at its worst."""
        console = console or Console()
        if self.last is None:
            console.print("Nothing was judged: no whole window lies after what was learned.")
            return
        judged = sum(count for said, count in self.said.items() if said != Status.INSUFFICIENT)
        console.print(f"{self.records:,} turns, {judged:,} verdicts up to {_clock(self.last.at)} (UTC)")
        console.print(self._alerts() if self.pages else "No alert: whatever moved stayed within chance.")
        console.print(self._dimensions())

    def _alerts(self) -> Table:
        table = Table(title="Alerts", title_justify="left", header_style="bold")
        for name in ("opened", "resolved", "quadrant", "what moved"):
            table.add_column(name)
        for page in self.pages.values():
            table.add_row(
                _clock(page.opened.at),
                _clock(page.resolved_at) if page.resolved_at is not None else "still open",
                ", then ".join(page.quadrants) or "one side unseen",
                "\n".join(_moved(page.opened)),
            )
        return table

    def _dimensions(self) -> Table:
        table = Table(title="Every dimension at its worst", title_justify="left", header_style="bold")
        for name in ("side", "dimension", "psi", "level", "window ending", "turns", "decides"):
            table.add_column(name, justify="right" if name in ("psi", "turns") else "left")
        ranked = sorted(self.worst.values(), key=lambda d: -d.psi)
        for dimension in ranked[:_SHOWN_DIMENSIONS]:
            table.add_row(
                dimension.side,
                dimension.name,
                f"{dimension.psi:.3f}",
                dimension.level if dimension.exceeds else "chance",
                f"{_clock(dimension.window.end)} ({dimension.window.length_s // 3600} h)",
                f"{dimension.turns:,}",
                "yes" if dimension.deciding else "",
            )
        return table


def _named(driver: Driver) -> str:
    return f"{driver.bin} ({driver.label})" if driver.label else driver.bin


def _moved(verdict: Verdict) -> list[str]:
    lines = []
    for dimension in verdict.dimensions:
        if dimension.exceeds and dimension.deciding:
            drivers = ", ".join(
                f"{_named(driver)} {driver.reference_share:.1%} -> {driver.current_share:.1%}"
                for driver in dimension.drivers[:2]
            )
            lines.append(f"{dimension.side} {dimension.name} {dimension.psi:.2f}: {drivers}")
    return lines


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
