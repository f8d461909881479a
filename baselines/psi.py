"""The population stability index of two histograms, what it is worth by chance, and the test of each bin.

Every function takes plain count vectors (reference counts may be fractional: shares times a size) and stays
finite for any of them. Formulas: research note `statistics.md`, section 0, steps 1, 2, 4, 5 and 10.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.int64]

HALF = 0.5
"""What Jeffreys' prior adds to every bin: no share is ever 0, so no PSI is infinite."""
EXACT_BELOW = 60.0
"""Bins with fewer expected turns than this get the exact binomial sum, the others its limit."""
EXACT_TERMS = math.ceil(EXACT_BELOW + 12 * math.sqrt(EXACT_BELOW) + 10)


def smoothed(counts: Numbers) -> Floats:
    """Shares of the bins with half a count added to each, (bins,): positive, summing to 1."""
    return np.asarray((counts + HALF) / (np.add.reduce(counts) + HALF * len(counts)))


def psi(base: Numbers, current: Numbers) -> tuple[float, Floats]:
    """The Jeffreys-smoothed PSI of two histograms over the same bins, and each bin's (non-negative) part."""
    return divergence(smoothed(base), smoothed(current))


def divergence(b: Floats, c: Floats) -> tuple[float, Floats]:
    """The PSI of two vectors of positive shares, and each bin's (non-negative) part."""
    contributions = (c - b) * np.log(c / b)
    return float(np.add.reduce(contributions)), contributions


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
    expected = n * b
    weight = expected / (1 + expected)
    inflation = (1 + n / m * weight) ** 2
    rest = 1 - b
    squared = rest * rest
    means, variances = rest / n, squared * (2 / n**2)
    small = expected < EXACT_BELOW
    if small.any():
        means[small], variances[small] = _exact_moments(b[small], n, len(b))
    mean = float(np.add.reduce(means)) + float(rest @ weight) / m
    return mean, float(variances @ inflation) * (len(b) - 1) / float(np.add.reduce(squared))


def _exact_moments(q: Floats, n: int, bins: int) -> tuple[Floats, Floats]:
    """Mean and variance of a rare bin's summand over Binomial(n, q), for each share of `q`."""
    log_choose, current, log_current = _binomial(n, bins)
    largest = float(n * q.max())
    terms = min(len(current), math.ceil(largest + 12 * math.sqrt(largest) + 24))
    log_q, log_rest, column = np.log(q), np.log1p(-q), q[:, None]
    exponent = np.multiply.outer(log_q - log_rest, np.arange(terms, dtype=np.float64))
    exponent += log_choose[:terms]
    exponent += (n * log_rest)[:, None]
    weights = np.exp(exponent)
    weights /= weights.sum(1, keepdims=True)
    summand = (current[:terms] - column) * (log_current[:terms] - log_q[:, None])
    weights *= summand
    mean = weights.sum(1)
    return mean, np.asarray((weights * summand).sum(1) - mean * mean)


@lru_cache(maxsize=512)
def _binomial(n: int, bins: int) -> tuple[Floats, Floats, Floats]:
    """For 0, 1, 2 ... turns in a bin: log of the binomial coefficient, smoothed share, log of that share."""
    x = np.arange(min(n, EXACT_TERMS) + 1, dtype=np.float64)
    log_choose = np.zeros(len(x))
    np.cumsum(np.log((n - x[:-1]) / x[1:]), out=log_choose[1:])
    current = (x + HALF) / (n + HALF * bins)
    return log_choose, current, np.log(current)


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
    p = np.array([math.erfc(u) for u in (np.abs(z) / math.sqrt(2)).tolist()]) * bins
    return z, h, np.minimum(p, 1.0)


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
