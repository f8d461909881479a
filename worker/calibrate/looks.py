"""The evaluations of a judged history, one a window, and what other thresholds would have made of them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alerts.persistence import Reading, Streak, advance
from baselines.evaluate import BIN_LEVEL, CALM, Gates
from baselines.psi import bin_tests
from baselines.windows import HOUR, LADDER
from worker.calibrate.result import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alerts.verdict import DimensionVerdict, Driver, Verdict


class Look(NamedTuple):
    """One window of one dimension. `hit` is whether a bin exceeded by itself, whatever the PSI."""

    end: int
    length_s: int
    turns: int
    reference_turns: int
    psi: float
    p_value: float
    alpha: float
    hit: bool

    def exceeds(self, gates: Gates) -> bool:
        """Whether it would exceed under these gates."""
        return self.hit or (self.p_value < self.alpha and self.psi >= gates.moderate)

    def calm(self, gates: Gates) -> bool:
        """Whether it would count towards clearing."""
        return not self.hit and (self.psi < CALM * gates.moderate or self.p_value > self.alpha)


class Strictness(NamedTuple):
    """What a dimension of so many bins is tested at: alpha by the window's length, phi by that, N and M."""

    bins: int
    alpha: Callable[[int], float]
    phi: Callable[[int, float, float], float]


def looks(verdicts: Iterable[Verdict], key: str, level: Strictness) -> list[Look]:
    """Every window of the ladder that a dimension was judged on; of two references the one that exceeded.

    What the fast lane says is left out: no threshold changes it.
    """
    found: dict[int, tuple[bool, Look]] = {}
    for verdict in verdicts:
        for told in verdict.dimensions:
            if f"{told.side}.{told.name}" != key or told.window.length_s not in LADDER:
                continue
            end = told.window.end
            if end not in found or (told.exceeds and not found[end][0]):
                found[end] = (told.exceeds, _look(told, level))
    return [look for _, (_, look) in sorted(found.items())]


def _look(told: DimensionVerdict, level: Strictness) -> Look:
    length = told.window.length_s
    alpha = level.alpha(length)
    phi = level.phi(length, told.turns, told.reference_turns)
    hit = told.exceeds and any(
        _fires(told, driver, phi, BIN_LEVEL * alpha / level.bins) for driver in told.drivers
    )
    if told.exceeds and told.p_value >= alpha:
        hit = True  # nothing else can have made it exceed
    return Look(told.window.end, length, told.turns, told.reference_turns, told.psi, told.p_value, alpha, hit)


def _fires(told: DimensionVerdict, driver: Driver, phi: float, alpha: float) -> bool:
    """Whether a bin exceeds by itself, against the rest; `alpha` is one bin's part."""
    now, before = driver.current_share, min(driver.reference_share, 1.0)
    base = np.array([before, 1 - before]) * told.reference_turns
    current = np.array([now, 1 - now]) * told.turns
    _, h, p = bin_tests(base, current, phi)
    return bool(p[0] / 2 < alpha and abs(h[0]) >= Gates().bin_effect)


def opened(found: Iterable[Look], gates: Gates) -> int:
    """How many alerts these windows open: three in a row that exceed, closed by six calm ones."""
    streak, count = Streak(), 0
    for look in found:
        before = streak.alerting
        streak = advance(streak, Reading(look.end, look.exceeds(gates), look.calm(gates)))
        count += streak.alerting and not before
    return count


def episodes(verdicts: Iterable[Verdict]) -> tuple[Span, ...]:
    """When alerts were open, from the start of the first window that exceeded to the last verdict."""
    spans = []
    named = (verdict for verdict in verdicts if verdict.episode is not None)
    for _, group in groupby(named, key=lambda verdict: verdict.episode):
        first, *rest = group
        moved = [told.window.length_s for told in first.dimensions if told.exceeds and told.deciding]
        length = max(moved, default=HOUR)
        last = rest[-1] if rest else first
        spans.append(Span(first.at - length - 2 * (length // 6), last.at))
    return tuple(spans)


def hours_of(spans: Iterable[Span]) -> set[int]:
    """The hours since the epoch that the spans touch."""
    return {hour for span in spans for hour in range(span.start // HOUR, -(-span.end // HOUR))}
