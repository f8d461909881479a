"""One window against what was expected of it: the tests and the attribution, over the bins in use.

Pseudo-code `judge` of statistics-2.md, section 0, which extends statistics.md, section 0, steps 4 to 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from baselines.psi import HALF, bin_tests, divergence, gamma_tail, moments_of, peel, residual_psi, smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.cells import Expectation
    from baselines.evaluation import Level
    from baselines.psi import Floats

CALM = 0.6
"""The part of the moderate threshold below which an evaluation is calm."""
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
class Assessment:
    """The tests of one window, over its live bins. `factors` are the variance factors of the bins."""

    psi_raw: float
    noise_floor: float
    p_value: float
    contributions: Floats
    factors: Floats
    z: Floats
    h: Floats
    hits: NDArray[np.bool_]
    level: Level
    calm: bool
    detectable: float | None

    @property
    def exceeds(self) -> bool:
        """Over its gate: effect and evidence, or a bin by itself."""
        return self.level != "low"


def assess(
    x: NDArray[np.int64],
    expected: Expectation,
    *,
    phi: float,
    phi_bins: Floats,
    alpha: float,
    gates: Gates,
) -> Assessment:
    """Test counts `x` (live bins, at least two and one turn) against their expectation.

    `phi_bins` are each bin's own factors, day component included.
    """
    n = int(x.sum())
    reference = expected.shares * expected.size
    smooth = (reference + HALF) / (expected.size + HALF * len(x))
    s = 1 / n + 1 / expected.size
    mean, variance = moments_of(smooth, expected.size, n)
    varied = smooth * expected.tau
    floor = phi * mean + float(varied.sum())
    spread = 2 * float(varied @ varied) + 4 * phi * s * float(varied @ (1 - smooth))
    raw, contributions = divergence(smooth, smoothed(x))
    p = gamma_tail(raw, floor, phi * phi * variance + spread)
    factors = np.maximum(phi, phi_bins) + varied / ((1 - smooth) * s)
    z, h, p_bins = bin_tests(reference, x, factors)
    hits = (p_bins < alpha) & (np.abs(h) >= gates.bin_effect)
    debiased = raw - floor
    hit = bool(hits.any())
    level: Level = "low"
    if p < alpha and debiased >= gates.moderate:
        level = "significant" if debiased >= gates.significant else "moderate"
    elif hit:
        level = "moderate"
    calm = not hit and (debiased < CALM * gates.moderate or p > alpha)
    least = detectable(expected.shares, factors, s, alpha, gates)
    return Assessment(raw, floor, p, contributions, factors, z, h, hits, level, calm, least)


@lru_cache(maxsize=256)
def normal_quantile(tail: float) -> float:
    """The z that a standard normal exceeds with this probability."""
    return -NormalDist().inv_cdf(tail)


def detectable(shares: Floats, factors: Floats, s: float, alpha: float, gates: Gates) -> float | None:
    """The smallest rise of any bin's share that would exceed now, in share points; None where none can.

    Closed form of statistics-2.md section 3: with `h* = max(gate, z sqrt(f s))`, it is at
    `q* = sin(asin(sqrt(p)) + h*/2)^2`.
    """
    z = normal_quantile(alpha / (2 * len(shares)))
    half = np.maximum(gates.bin_effect, z * np.sqrt(factors * s)) / 2
    angle = np.arcsin(np.sqrt(np.minimum(shares, 1.0))) + half
    possible = angle <= math.pi / 2
    if not possible.any():
        return None
    return float((np.sin(angle[possible]) ** 2 - shares[possible]).min())


def attribute(
    x: NDArray[np.int64], expected: Expectation, found: Assessment, gates: Gates
) -> tuple[list[int], bool]:
    """Which live bins drive the change, strongest first, and whether the others still differ.

    Of two bins, one change is two moves: the bin that rose is named.
    """
    if not found.exceeds:
        return [], False
    if len(x) == 2:
        return [int(np.argmax(found.z))], False
    reference = expected.shares * expected.size
    drivers = [bin_ for bin_, _, _ in peel(reference, x, DRIVER_ALPHA, found.factors)[0]]
    rest = np.setdiff1d(np.arange(len(x)), drivers)
    left, p = residual_psi(reference[rest], x[rest], float(found.factors[rest].mean()))
    return drivers, p < DRIVER_ALPHA and left >= SMEAR * gates.moderate
