"""Where the view goes: a full screen on a terminal, plain lines that can be read in a log anywhere else."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.live import Live

from worker.demo.scenario import HOUR
from worker.demo.view import clock, render, truth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from worker.demo.view import Scene


class Show(Protocol):
    """Takes one scene after the other."""

    def update(self, scene: Scene) -> None:
        """Show this scene now."""


@contextmanager
def show(console: Console) -> Iterator[Show]:
    """A view for as long as the block lasts."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield Screen(live)


class Screen:
    """The whole terminal, redrawn in one write a scene."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def update(self, scene: Scene) -> None:
        """Draw it."""
        self._live.update(render(scene, self._live.console.width), refresh=True)


class Lines:
    """A line when something happens, and one every few hours of event time."""

    EVERY_S = 3 * HOUR

    def __init__(self, console: Console) -> None:
        self._console = console
        self._truth = ""
        self._due = 0.0
        self._fired = 0
        self._resolved = 0

    def update(self, scene: Scene) -> None:
        """Print what is new in it."""
        if (told := truth(scene.scenario, scene.now)) != self._truth:
            self._truth = told
            self._say(scene.now, "truth", told)
        self._tell_alerts(scene)
        if scene.now >= self._due:
            self._due = scene.now + self.EVERY_S
            self._say(scene.now, *_progress(scene))

    def _tell_alerts(self, scene: Scene) -> None:
        for alert in scene.watch.alerts[self._fired :]:
            self._say(
                alert.at, "ALERT", f"{alert.quadrant}: {alert.headline}  {alert.playbook or ''}".rstrip()
            )
            self._fired += 1
        over = [alert for alert in scene.watch.alerts if alert.resolved_at is not None]
        for alert in over[self._resolved :]:
            self._say(alert.resolved_at or 0, "resolved", alert.quadrant)
            self._resolved += 1

    def _say(self, at: float, what: str, text: str) -> None:
        line = f"{clock(at)}  {what:9} {text}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _progress(scene: Scene) -> tuple[str, str]:
    sent = f"{scene.sent:,} turns sent"
    latest = scene.watch.latest
    if latest is None:
        told = scene.learning
        return "learning", f"{sent}, {told.hours:.0f} of {told.hours_needed:.0f} h read" if told else sent
    psi = ", ".join(
        f"{side} PSI {one.psi:.2f}" if one.psi is not None else f"{side} not judged"
        for side, one in (("input", latest.input), ("output", latest.output))
    )
    return "judged", f"to {clock(latest.at)}: {latest.quadrant or latest.status}, {psi}; {sent}"
