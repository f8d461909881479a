"""What the worker has said so far, taken from its verdicts: PSI over time and the alerts. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from alerts.verdict import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alerts.verdict import DimensionVerdict, Verdict


@dataclass(frozen=True, slots=True)
class Point:
    """Both sides at one verdict: the PSI that the worker names, and whether a deciding dimension exceeds."""

    at: int
    input_psi: float | None
    output_psi: float | None
    input_exceeds: bool
    output_exceeds: bool


@dataclass(frozen=True, slots=True)
class Alert:
    """An episode as it was told: when, which quadrant, what moved in a line, and which dimensions."""

    at: int
    episode: str
    quadrant: str
    headline: str
    dimensions: tuple[str, ...]
    playbook: str | None
    resolved_at: int | None = None


@dataclass(slots=True)
class Watch:
    """Verdicts in the order of their time, each taken once."""

    latest: Verdict | None = None
    points: list[Point] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def judged_to(self) -> int | None:
        """The end of the newest verdict's step."""
        return self.latest.at if self.latest else None

    @property
    def open_alert(self) -> Alert | None:
        """The alert that is firing."""
        return self.alerts[-1] if self.alerts and self.alerts[-1].resolved_at is None else None

    def take(self, verdicts: Iterable[Verdict]) -> None:
        """Take in what is new; what was taken before is passed over."""
        for verdict in sorted(verdicts, key=lambda v: v.at):
            if self.latest is None or verdict.at > self.latest.at:
                self._follow(verdict)
                self.points.append(_point(verdict))
                self.latest = verdict

    def _follow(self, verdict: Verdict) -> None:
        running = self.open_alert
        if verdict.status is not Status.OK or (running and running.episode == verdict.episode):
            return
        if running:
            self.alerts[-1] = replace(running, resolved_at=verdict.at)
        if verdict.episode:
            self.alerts.append(_alert(verdict))


def moved(verdict: Verdict) -> list[DimensionVerdict]:
    """The deciding dimensions that exceed, the largest PSI first, each once."""
    found = sorted((d for d in verdict.dimensions if d.deciding and d.exceeds), key=lambda d: -d.psi)
    return list({(d.side, d.name): d for d in reversed(found)}.values())[::-1]


def told(dimension: DimensionVerdict) -> str:
    """A dimension and the first of its drivers: `flags:hallucination: yes 0.5 % to 5.1 %`."""
    if not dimension.drivers:
        return f"{dimension.side} {dimension.name}"
    first = max(dimension.drivers, key=lambda d: d.current_share - d.reference_share)
    name = first.label or (f"{first.bin} words" if dimension.name == "length" else first.bin)
    return f"{dimension.name}: {name} {percent(first.reference_share)} to {percent(first.current_share)}"


def percent(share: float) -> str:
    """A share as people read it: `5.1 %`, `17 %`."""
    return f"{share * 100:.1f} %" if 0 < share < 0.0995 else f"{share * 100:.0f} %"


def _point(verdict: Verdict) -> Point:
    sides = {d.side for d in moved(verdict)}
    return Point(verdict.at, verdict.input.psi, verdict.output.psi, "input" in sides, "output" in sides)


def _alert(verdict: Verdict) -> Alert:
    found = moved(verdict)
    named = tuple(f"{d.side}.{d.name}" for d in found)
    where = verdict.behaviour.where if verdict.behaviour else ()
    cell = (
        f"at {where[0].given}: {where[0].bin} {percent(where[0].current_share)}" if where else "a slice moved"
    )
    telling = sorted(found, key=lambda d: d.name == "novelty")  # its bins mean little to a reader
    headline = "; ".join(told(d) for d in telling[:2]) if found else cell
    quadrant = verdict.quadrant.value if verdict.quadrant else "one side unseen"
    return Alert(verdict.at, verdict.episode or "", quadrant, headline, named, verdict.playbook)
