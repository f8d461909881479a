"""What cannot be seen: how large a change must be before a dimension pages, at its own traffic.

Section 3 of the research note `statistics-2.md`. A change is *found* when three evaluations in a row exceed,
a sixth of a window apart, within so many windows after it began; the blind spot ends where that happens four
times in five.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from baselines.chance import gamma_quantile
from baselines.evaluate import Gates, normal_quantile
from baselines.psi import moments_of, smoothed

if TYPE_CHECKING:
    from baselines.arrays import Floats

WANTED = 0.8
"""How likely a change must be found to count as one that is."""
MOST_WINDOWS = 6
"""Windows looked at: later ones add little, for their noise is the day's."""
_SLIDES = 6
_PATHS = 1500
_SEED = 5
_ONE_LOOK = 0.842
"""Standard deviations above the critical share at which one look finds it four times in five."""
_MARGIN = {2: 0.55, 3: 0.10}
"""Standard deviations above the critical share that three in a row need within so many windows."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The circumstances that one dimension is judged in.

    `turns` are those of a window, `reference_turns` those it is compared with, `phi` the design effect,
    `alpha` the level of one test, over all `bins`.
    """

    bins: int
    reference_turns: float
    turns: float
    phi: float
    alpha: float
    gates: Gates

    @property
    def quantile(self) -> float:
        """The two-sided normal quantile of one bin's test."""
        return normal_quantile(self.alpha / (2 * self.bins))


@lru_cache(maxsize=1)
def _walks() -> Floats:
    """Running sums of independent bucket noise, (paths, buckets + 1): the same in every run."""
    noise = np.random.default_rng(_SEED).normal(size=(_PATHS, _SLIDES * (MOST_WINDOWS + 1)))
    return np.concatenate([np.zeros((_PATHS, 1)), np.cumsum(noise, 1)], 1)


@lru_cache(maxsize=MOST_WINDOWS)
def _moving_averages(windows: int) -> Floats:
    """Noise of each evaluation after a change, (paths, slides), in its own standard deviations."""
    count, walks = _SLIDES * windows, _walks()
    return (walks[:, _SLIDES : _SLIDES + count] - walks[:, :count]) / math.sqrt(_SLIDES)


def found(mean: Floats, spread: float, critical: float, windows: int, *, up: bool = True) -> float:
    """How likely three evaluations in a row pass `critical`; `mean` is what each of the slides expects."""
    sign = 1.0 if up else -1.0
    over = sign * (mean + spread * _moving_averages(windows) - critical) >= 0
    return float((over[:, 2:] & over[:, 1:-1] & over[:, :-2]).any(1).mean())


def critical_share(p: float, sight: Sight, *, up: bool = True) -> float | None:
    """The share at which a bin of share `p` exceeds by itself: evidence and effect; None where none does."""
    angle = math.asin(math.sqrt(p)) + (1 if up else -1) * sight.gates.bin_effect / 2
    if not 0 <= angle <= math.pi / 2:
        return None
    gate, enough = math.sin(angle) ** 2, sight.phi * sight.quantile**2
    low, high = (p, 1.0) if up else (0.0, p)
    if _deviance(high if up else low, p, sight) < enough:
        return None
    for _ in range(45):
        q = (low + high) / 2
        passes = _deviance(q, p, sight) >= enough
        low, high = (low, q) if passes == up else (q, high)
    return max(q, gate) if up else min(q, gate)


def power_bin(p: float, q: float, sight: Sight, windows: int, *, critical: float | None = None) -> float:
    """How likely a bin's step from `p` to `q` is found within `windows`; `critical` where it is known."""
    up = q > p
    if critical is None:
        critical = critical_share(p, sight, up=up)
    if critical is None:
        return 0.0
    spread = math.sqrt(sight.phi * q * (1 - q) / sight.turns)
    return found(p + (q - p) * _filled(windows), spread, critical, windows, up=up)


def closed_form(p: float, sight: Sight, windows: int, *, up: bool = True) -> float | None:
    """`blind_bin` without a simulation: within -7 to +28 % of the change that it names."""
    sign = 1 if up else -1
    s = 1 / sight.turns + 1 / sight.reference_turns
    effect = max(sight.gates.bin_effect, sight.quantile * math.sqrt(sight.phi * s))
    angle = math.asin(math.sqrt(p)) + sign * effect / 2
    if not 0 <= angle <= math.pi / 2:
        return None
    q = critical = math.sin(angle) ** 2
    for _ in range(4):
        spread = sign * math.sqrt(sight.phi * max(q * (1 - q), 0.0) / sight.turns)
        if windows == 1:
            q = p + 1.5 * (critical - p + 0.83 * spread)
        else:
            q = critical + _MARGIN.get(windows, 0.0) * spread
    return q if 0 < q < 1 else None


def blind_bin(
    p: float, sight: Sight, windows: int, *, up: bool = True, wanted: float = WANTED
) -> float | None:
    """The smallest share (with `up` false the largest) that is found; None where no change is."""
    critical = critical_share(p, sight, up=up)
    if critical is None:
        return None

    def enough(q: float) -> bool:
        return power_bin(p, q, sight, windows, critical=critical) >= wanted

    low, high = (p, min(1.0, critical + 3 * (critical - p) + 0.05)) if up else (0.0, p)
    if not enough(high if up else low):
        if not up or high >= 1:
            return None
        high = 1.0
    for _ in range(14):
        q = (low + high) / 2
        low, high = (low, q) if enough(q) == up else (q, high)
    return high if up else low


def blind_at_once(p: float, sight: Sight) -> float | None:
    """The smallest rise that a single look finds four times in five, as the fast lane looks; None: none.

    A lower bound of what the lane sees: within two hours it looks at sixty full windows of its hour.
    """
    critical = critical_share(p, sight)
    if critical is None:
        return None
    q = critical
    for _ in range(8):
        q = critical + _ONE_LOOK * math.sqrt(sight.phi * q * max(0.0, 1 - q) / sight.turns)
    return q if q < 1 else None


def power_psi(b: Floats, c: Floats, sight: Sight, windows: int) -> float:
    """How likely the PSI path finds shares `b` turned into `c`: its moments under `c` by the delta method."""
    mean, variance = moments_of(smoothed(b * sight.reference_turns), sight.reference_turns, int(sight.turns))
    floor, chance = sight.phi * mean, sight.phi**2 * variance
    evidence = gamma_quantile(sight.alpha, floor, chance) - floor
    mixed = b + np.outer(_filled(windows), c - b)
    means = ((mixed - b) * np.log(mixed / b)).sum(1)
    slope = np.log(c / b) + 1 - b / c
    moved = max(float(c @ slope**2 - (c @ slope) ** 2), 0.0)
    spread = math.sqrt(sight.phi / sight.turns * moved + chance)
    return found(means, spread, max(sight.gates.moderate, evidence), windows)


def power_mix(b: Floats, c: Floats, sight: Sight, windows: int) -> float:
    """How likely either path finds it, a lower bound: the better of the PSI and the three most moved bins."""
    best = power_psi(b, c, sight, windows)
    moved = 2 * np.abs(np.arcsin(np.sqrt(c)) - np.arcsin(np.sqrt(b)))
    for i in np.argsort(-moved)[:3]:
        if best < 0.995 and moved[i] > 0.7 * sight.gates.bin_effect:
            best = max(best, power_bin(float(b[i]), float(c[i]), sight, windows))
    return best


def blind_mix(b: Floats, g: Floats, sight: Sight, windows: int, *, wanted: float = WANTED) -> float | None:
    """The smallest part of the turns that is found when its shares go from `b` to `g`; None: not even all."""

    def enough(part: float) -> bool:
        return power_mix(b, (1 - part) * b + part * g, sight, windows) >= wanted

    if not enough(0.999):
        return None
    low, high = 0.0, 1.0
    for _ in range(9):
        part = (low + high) / 2
        low, high = (low, part) if enough(part) else (part, high)
    return high


def _filled(windows: int) -> Floats:
    """How much of the window lies after the change at each slide."""
    return np.minimum(np.arange(1, _SLIDES * windows + 1), _SLIDES) / _SLIDES


def _deviance(q: float, p: float, sight: Sight) -> float:
    """The likelihood ratio of a share `q` of the window against `p` of the reference."""
    x, n, y, m = sight.turns * q, sight.turns, sight.reference_turns * p, sight.reference_turns
    pooled = (x + y) / (n + m)
    pairs = ((x, n * pooled), (n - x, n * (1 - pooled)), (y, m * pooled), (m - y, m * (1 - pooled)))
    return 2 * sum(seen * math.log(seen / expected) for seen, expected in pairs if seen > 0)
