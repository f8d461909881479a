"""The population stability index of two histograms, what it is worth by chance, and the test of each bin.

Every function takes plain count vectors (reference counts may be fractional: shares times a size) and stays
finite for any of them. Formulas: research note `statistics.md`, section 0, steps 1, 2, 4, 5 and 10.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from baselines.ragged import Ragged

if TYPE_CHECKING:
    from baselines.arrays import Floats, Numbers

HALF = 0.5
"""What Jeffreys' prior adds to every bin: no share is ever 0, so no PSI is infinite."""
EXACT_BELOW = 60.0
"""Bins with fewer expected turns than this get the exact binomial sum, the others its limit."""
EXACT_TERMS = math.ceil(EXACT_BELOW + 12 * math.sqrt(EXACT_BELOW) + 10)
_TERMS = np.arange(EXACT_TERMS + 1, dtype=np.float64)
_LOG_TERMS = np.log(_TERMS + HALF)


def smoothed(counts: Numbers) -> Floats:
    """Shares of the bins with half a count added to each, (bins,): positive, summing to 1."""
    return np.asarray((counts + HALF) / (np.add.reduce(counts) + HALF * len(counts)))


def psi(base: Numbers, current: Numbers) -> tuple[float, Floats]:
    """The Jeffreys-smoothed PSI of two histograms over the same bins, and each bin's (non-negative) part."""
    return divergence(smoothed(base), smoothed(current))


def divergence(b: Floats, c: Floats) -> tuple[float, Floats]:
    """The PSI of two vectors of positive shares, and each bin's (non-negative) part."""
    parts = contributions(b, c)
    return float(np.add.reduce(parts)), parts


def contributions(b: Floats, c: Floats) -> Floats:
    """Each bin's (non-negative) part of the PSI of two vectors of positive shares, or of many end to end."""
    return np.asarray((c - b) * np.log(c / b))


def null_moments(base: Numbers, n: int) -> tuple[float, float]:
    """Mean and variance of `psi(base, current)` for `n` independent turns when nothing changed.

    Deterministic. (0, 0) where there is nothing to compare: fewer than two bins, no reference, no turn.
    """
    m = float(base.sum())
    if len(base) < 2 or n < 1 or m <= 0:
        return 0.0, 0.0
    return moments_of(smoothed(base), m, n)


def moments_of(b: Floats, m: float, n: int) -> tuple[float, float]:
    """`null_moments` of a reference of `m` turns with these smoothed shares (two or more); m, n positive."""
    mean, variance = moments(b, np.array([m]), np.array([float(n)]), Ragged.of([len(b)]))
    return float(mean[0]), float(variance[0])


def moments(b: Floats, m: Floats, n: Floats, at: Ragged) -> tuple[Floats, Floats]:
    """`moments_of` of many references at once: `b` end to end, the others (references,), n whole numbers."""
    turns = at.wide(n)
    expected = turns * b
    weight = expected / (1 + expected)
    inflation = (1 + at.wide(n / m) * weight) ** 2
    rest = 1 - b
    squared = rest * rest
    means, variances = rest / turns, squared * (2 / turns**2)
    small = np.flatnonzero(expected < EXACT_BELOW)
    if len(small):
        size = at.wide(n + HALF * at.sizes)
        means[small], variances[small] = _exact_moments(b[small], turns[small], size[small])
    mean = at.sums(means) + at.sums(rest * weight) / m
    return mean, at.sums(variances * inflation) * (at.sizes - 1) / at.sums(squared)


def _exact_moments(q: Floats, n: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of a rare bin's summand over Binomial(n, q), all (rare bins,).

    `size` is n with the half counts that smooth the bin's histogram. Every row is summed over the same number
    of terms, so that none depends on what it is worked out with.
    """
    log_q, log_rest = np.log(q), np.log1p(-q)
    distinct, row = np.unique(n, return_inverse=True)
    weights = np.multiply.outer(log_q - log_rest, _TERMS)
    weights += np.array([_log_choose(int(each)) for each in distinct])[row]
    weights += (n * log_rest)[:, None]
    np.exp(weights, out=weights)
    weights /= np.add.reduce(weights, axis=1, keepdims=True)
    summand = (_TERMS + HALF) / size[:, None]
    summand -= q[:, None]
    summand *= _LOG_TERMS - (np.log(size) + log_q)[:, None]
    weights *= summand
    mean = np.add.reduce(weights, axis=1)
    weights *= summand
    return mean, np.asarray(np.add.reduce(weights, axis=1) - mean * mean)


@lru_cache(maxsize=512)
def _log_choose(n: int) -> Floats:
    """Log of the binomial coefficient for 0, 1, 2 ... of `n` turns in a bin, -inf above n; always as long."""
    logs = np.full(len(_TERMS), -np.inf)
    logs[0] = 0.0
    x = _TERMS[: min(n, len(_TERMS) - 1)]
    np.cumsum(np.log((n - x) / (x + 1)), out=logs[1 : len(x) + 1])
    return logs


def gamma_tail(x: float, mean: float, variance: float) -> float:
    """P(X >= x), X a scaled chi-square of this mean and variance (Wilson-Hilferty); 1 without spread."""
    if mean <= 0 or variance <= 0:
        return 1.0
    h = variance / (9 * mean * mean)
    z = ((max(x, 0.0) / mean) ** (1 / 3) - (1 - h)) / math.sqrt(h)
    return 0.5 * math.erfc(z / math.sqrt(2))


def signed_roots(
    base: Numbers, m: float | Floats, current: Numbers, n: float | Floats
) -> tuple[Floats, Floats]:
    """Each bin against the rest: the signed root of the likelihood ratio, and Cohen's h.

    Counts `base` of `m` turns and `current` of `n`, all positive turns, in any shapes that broadcast.
    """
    pooled = (current + base) / (n + m)
    observed, expected = np.empty((4, *pooled.shape)), np.empty((4, *pooled.shape))
    observed[0], observed[1], observed[2], observed[3] = current, n - current, base, m - base
    expected[0::2] = pooled
    expected[1::2] = 1 - pooled
    expected[:2] *= n
    expected[2:] *= m
    absent = observed <= 0
    observed[absent] = expected[absent] = 1.0  # 0 log 0 is 0
    logs = np.log(observed / expected)
    logs *= observed
    deviance = 2 * np.add.reduce(logs)
    now, then = current / n, base / m
    z = np.sign(now - then) * np.sqrt(np.maximum(deviance, 0.0))
    return z, 2 * (np.arcsin(np.sqrt(now)) - np.arcsin(np.sqrt(then)))


def bin_tests(base: Numbers, current: Numbers, phi: float | Floats = 1.0) -> tuple[Floats, Floats, Floats]:
    """Each bin against the rest: signed-root likelihood ratio, Cohen's h, and p times the number of bins.

    `phi` is the design effect, of all bins or of each. Without turns on either side nothing differs.
    """
    n, m, bins = float(current.sum()), float(base.sum()), len(base)
    if n <= 0 or m <= 0:
        return np.zeros(bins), np.zeros(bins), np.ones(bins)
    root, h = signed_roots(base, m, current, n)
    z = np.asarray(root / np.sqrt(phi))
    return z, h, np.minimum(two_sided(z) * bins, 1.0)


def two_sided(z: Floats) -> Floats:
    """The probability of a standard normal farther from 0 than each."""
    return np.array([math.erfc(u) for u in (np.abs(z) / math.sqrt(2)).tolist()])


def peel(
    base: Numbers, current: Numbers, alpha: float = 1e-3, phi: float | Floats = 1.0
) -> tuple[list[tuple[int, float, float]], float]:
    """Which bins drive a change: take out the strongest, renormalise and test the rest, and so on.

    Returns (bin, z, h) strongest first, at most half of the bins, and the debiased PSI of the bins left.
    Renormalising keeps "everything else fell" from being reported (`statistics.md` section 6).
    """
    factor = np.broadcast_to(np.asarray(phi, dtype=np.float64), (len(base),))
    alive = np.ones(len(base), dtype=bool)
    drivers: list[tuple[int, float, float]] = []
    while alive.sum() > 2 and len(drivers) < len(base) // 2:
        z, h, p = bin_tests(base[alive], current[alive], factor[alive])
        strongest = int(np.argmax(np.abs(z)))
        if p[strongest] > alpha:
            break
        index = int(np.flatnonzero(alive)[strongest])
        drivers.append((index, float(z[strongest]), float(h[strongest])))
        alive[index] = False
    return drivers, residual_psi(base[alive], current[alive], float(factor[alive].mean()))[0]


def residual_psi(base: Numbers, current: Numbers, phi: float) -> tuple[float, float]:
    """The debiased PSI of what peeling left, and its p-value; (0, 1) below 20 turns or two bins."""
    n = int(current.sum())
    if n < 20 or len(base) < 2:
        return 0.0, 1.0
    mean, variance = null_moments(base, n)
    raw = psi(base, current)[0]
    return raw - phi * mean, gamma_tail(raw, phi * mean, phi * phi * variance)
