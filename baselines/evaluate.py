"""Windows against what was expected of them: the tests and the attribution, over the bins in use.

Pseudo-code `judge` of statistics-2.md, section 0, which extends statistics.md, section 0, steps 4 to 6. The
tests of any number of windows are worked out at once; one is as many as another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.psi import (
    HALF,
    contributions,
    gamma_tail,
    moments,
    peel,
    residual_psi,
    signed_roots,
    two_sided,
)
from baselines.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.cells import Expectation
    from baselines.evaluation import Level

CALM = 0.6
"""The part of the moderate threshold below which an evaluation is calm."""
BIN_LEVEL = 2 / 3
"""The part of alpha that the bins of a window share: it has two paths, and chance takes this one.

Turns in sessions give a bin a heavier upper tail than its test has, two to four times the level (saddle point
of six-turn sessions, design effect 2, z about 5); the gate of effect keeps the PSI path far below alpha. Half
would page less still, and find a subtle change a step later.
"""
DRIVER_ALPHA = 1e-3
SMEAR = 0.5
"""The part of the moderate threshold that the bins left after peeling must reach to count as moved."""


@dataclass(frozen=True, slots=True)
class Gates:
    """How large an effect must be: PSI for the levels, Cohen's h for a bin by itself."""

    moderate: float = 0.10
    significant: float = 0.25
    bin_effect: float = 0.14


@dataclass(frozen=True, slots=True)
class Case:
    """One window of one dimension to be tested: counts `x` of two or more live bins, at least one turn.

    `phi_bins` are each bin's own factors, day component included.
    """

    x: NDArray[np.int64]
    expected: Expectation
    phi: float
    phi_bins: Floats
    alpha: float
    gates: Gates


@dataclass(frozen=True, slots=True)
class Assessment:
    """The tests of one window, over its live bins. `factors` are the variance factors of the bins."""

    psi_raw: float
    noise_floor: float
    p_value: float
    level: Level
    calm: bool
    detectable: float | None
    contributions: Floats
    factors: Floats
    z: Floats
    h: Floats
    hits: NDArray[np.bool_]

    @property
    def exceeds(self) -> bool:
        """Over its gate: effect and evidence, or a bin by itself."""
        return self.level != "low"


def assess(cases: Sequence[Case]) -> list[Assessment]:
    """Test each window against its expectation; a window's result does not depend on the others."""
    at = Ragged.of([len(case.x) for case in cases])
    x = np.concatenate([case.x for case in cases])
    shares = np.concatenate([case.expected.shares for case in cases])
    tau = np.concatenate([case.expected.tau for case in cases])
    phi_bins = np.concatenate([case.phi_bins for case in cases])
    phi, m = np.array([(case.phi, case.expected.size) for case in cases]).T
    n = at.sums(x)
    reference = shares * at.wide(m)
    smooth = (reference + HALF) / at.wide(m + HALF * at.sizes)
    s = 1 / n + 1 / m
    mean, variance = moments(smooth, m, n, at)
    varied, rest = smooth * tau, 1 - smooth
    floor = phi * mean + at.sums(varied)
    spread = phi * phi * variance + 2 * at.sums(varied * varied) + 4 * phi * s * at.sums(varied * rest)
    moved = contributions(smooth, (x + HALF) / at.wide(n + HALF * at.sizes))
    factors = np.maximum(at.wide(phi), phi_bins) + varied / (rest * at.wide(s))
    root, h = signed_roots(reference, at.wide(at.sums(reference)), x, at.wide(n))
    z = root / np.sqrt(factors)
    alpha, gate = np.array([(BIN_LEVEL * case.alpha, case.gates.bin_effect) for case in cases]).T
    hits = (two_sided(z) * at.wide(at.sizes) < at.wide(alpha)) & (np.abs(h) >= at.wide(gate))
    least = detectable(shares, factors, s, at, alpha, gate)
    rows = zip(at.sums(moved).tolist(), floor.tolist(), spread.tolist(), least, strict=True)
    own = [tuple(each[slots] for each in (moved, factors, z, h, hits)) for slots in at.slices()]
    return [_concluded(*each) for each in zip(cases, rows, own, strict=True)]


def _concluded(
    case: Case, row: tuple[float, float, float, float | None], own: tuple[NDArray[Any], ...]
) -> Assessment:
    """What the tests come to; `row` is PSI, noise floor, variance and what is detectable."""
    raw, floor, variance, least = row
    p, debiased, hit = gamma_tail(raw, floor, variance), raw - floor, bool(own[-1].any())
    level: Level = "low"
    if p < case.alpha and debiased >= case.gates.moderate:
        level = "significant" if debiased >= case.gates.significant else "moderate"
    elif hit:
        level = "moderate"
    calm = not hit and (debiased < CALM * case.gates.moderate or p > case.alpha)
    return Assessment(raw, floor, p, level, calm, least, *own)


@lru_cache(maxsize=256)
def normal_quantile(tail: float) -> float:
    """The z that a standard normal exceeds with this probability."""
    return -NormalDist().inv_cdf(tail)


def detectable(
    shares: Floats, factors: Floats, s: Floats, at: Ragged, alpha: Floats, gate: Floats
) -> list[float | None]:
    """The smallest rise of any bin's share that would exceed now, in share points; None where none can.

    Of each histogram that `at` has; `s`, `alpha` and `gate` are (histograms,). Closed form of statistics-2.md
    section 3: with `h* = max(gate, z sqrt(f s))`, it is at `q* = sin(asin(sqrt(p)) + h*/2)^2`.
    """
    tails = zip(alpha.tolist(), at.sizes.tolist(), strict=True)
    z = np.array([normal_quantile(tail / (2 * bins)) for tail, bins in tails])
    half = np.maximum(at.wide(gate), at.wide(z) * np.sqrt(factors * at.wide(s))) / 2
    angle = np.arcsin(np.sqrt(np.minimum(shares, 1.0))) + half
    rise = np.where(angle <= math.pi / 2, np.sin(angle) ** 2 - shares, np.inf)
    least = np.minimum.reduceat(rise, at.starts).tolist()
    return [each if each < np.inf else None for each in least]


def attribute(case: Case, found: Assessment) -> tuple[list[int], bool]:
    """Which live bins drive the change, strongest first, and whether the others still differ.

    Of two bins, one change is two moves: the bin that rose is named.
    """
    if not found.exceeds:
        return [], False
    x, expected = case.x, case.expected
    if len(x) == 2:
        return [int(np.argmax(found.z))], False
    reference = expected.shares * expected.size
    drivers = [bin_ for bin_, _, _ in peel(reference, x, DRIVER_ALPHA, found.factors)[0]]
    rest = np.setdiff1d(np.arange(len(x)), drivers)
    left, p = residual_psi(reference[rest], x[rest], float(found.factors[rest].mean()))
    return drivers, p < DRIVER_ALPHA and left >= SMEAR * case.gates.moderate
