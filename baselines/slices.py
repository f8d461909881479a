"""Slices of a joint table that changed while their input stayed: statistics-2.md, section 4."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.evaluation import CellMove
from baselines.psi import (
    EXACT_BELOW,
    EXACT_TERMS,
    HALF,
    contributions,
    gamma_tail,
    moments,
    psi,
    signed_roots,
)
from baselines.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from baselines.arrays import Floats

BIN_EFFECT = 0.28
LEAST_IMPACT = 0.005
LEAST_TURNS = 20
MODERATE = 0.10


class SliceHit(NamedTuple):
    """Input `given` whose outcome `bin` moved (effect: h), or whose whole mix did (None; debiased PSI)."""

    given: int
    bin: int | None
    effect: float


def slice_hits(
    reference: NDArray[np.int64], current: NDArray[np.int64], *, phi: float, alpha: float
) -> list[SliceHit]:
    """The slices of (inputs, outcomes) tables that moved, a bin or the whole mix, each at alpha / 2.

    Only slices with 20 turns on both sides are looked at; a bin must also move 0.5 % of all turns.
    """
    n, m = current.sum(1), reference.sum(1)
    rows = np.flatnonzero((n >= LEAST_TURNS) & (m >= LEAST_TURNS))
    if not len(rows):
        return []
    total, before, now = int(n.sum()), reference[rows], current[rows]
    hits = _moved_bins(rows, before, now, total=total, phi=phi, alpha=alpha)
    hits += _moved_mixes(rows, before, now, phi=phi, alpha=alpha)
    return sorted(hits, key=lambda hit: (hit.given, hit.bin is None))


def _moved_bins(
    rows: NDArray[np.int64],
    before: NDArray[np.int64],
    now: NDArray[np.int64],
    *,
    total: int,
    phi: float,
    alpha: float,
) -> list[SliceHit]:
    """The bin path of all slices at once; most bins fail a gate, so p is worked out for the others only."""
    n, m = now.sum(1, keepdims=True), before.sum(1, keepdims=True)
    z, h = signed_roots(before, m, now, n)
    impact = np.abs(now / n - before / m) * n / total
    gated = (np.abs(h) >= BIN_EFFECT) & (impact >= LEAST_IMPACT)
    return [
        SliceHit(int(rows[row]), bin_, float(h[row, bin_]))
        for row, bin_ in np.argwhere(gated).tolist()
        if math.erfc(abs(z[row, bin_]) / math.sqrt(2 * phi)) * z.size < alpha / 2
    ]


def _moved_mixes(
    rows: NDArray[np.int64], before: NDArray[np.int64], now: NDArray[np.int64], *, phi: float, alpha: float
) -> list[SliceHit]:
    """The PSI path of all slices at once; chance is worked out for those only that it could matter to.

    The others have a PSI below the gate, or below its mean by chance. That mean is looked up and may be a
    third off; a p-value that counts here needs twice the mean or more.
    """
    bins = before.shape[1]
    n, m = now.sum(1).astype(np.float64), before.sum(1).astype(np.float64)
    b = (before + HALF) / (m + HALF * bins)[:, None]
    raw = contributions(b, (now + HALF) / (n + HALF * bins)[:, None]).sum(1)
    by_chance = ((1 - b) * np.interp(n[:, None] * b, *_chance())).sum(1) / n
    worth = np.flatnonzero((raw >= MODERATE) & (raw >= phi * by_chance))
    if not len(worth):
        return []
    found = moments(b[worth].ravel(), m[worth], n[worth], Ragged.of([bins] * len(worth)))
    tests = zip(rows[worth].tolist(), raw[worth].tolist(), *(each.tolist() for each in found), strict=True)
    return [
        SliceHit(row, None, moved - phi * mean)
        for row, moved, mean, variance in tests
        if moved - phi * mean >= MODERATE
        and len(rows) * gamma_tail(moved, phi * mean, phi * phi * variance) < alpha / 2
    ]


@lru_cache(maxsize=1)
def _chance() -> tuple[Floats, Floats]:
    """Expected turns of a bin, and what it adds to n times the PSI by chance: the Poisson limit."""
    expected = np.concatenate([[1e-6], np.geomspace(1e-3, EXACT_BELOW, 120)])
    x = np.arange(EXACT_TERMS)
    logs = np.cumsum(np.log(np.maximum(x, 1)))
    weights = np.exp(np.maximum(x * np.log(expected[:, None]) - expected[:, None] - logs, -600.0))
    moved = (x + HALF - expected[:, None]) * np.log((x + HALF) / expected[:, None])
    return expected, np.asarray((weights * moved).sum(1))


def slices(
    reference: NDArray[np.int64], current: NDArray[np.int64], *, phi: float, alpha: float
) -> list[CellMove]:
    """The cells that moved, the one that moved most turns first.

    A slice whose whole mix moved names the bin that contributes most to it.
    """
    cells = set()
    for hit in slice_hits(reference, current, phi=phi, alpha=alpha):
        contributions = psi(reference[hit.given], current[hit.given])[1]
        cells.add((hit.given, int(np.argmax(contributions)) if hit.bin is None else hit.bin))
    return cell_moves(reference, current, cells)


def cell_moves(
    reference: NDArray[np.int64], current: NDArray[np.int64], cells: Iterable[tuple[int, int]]
) -> list[CellMove]:
    """What is said of these (input, outcome) cells, the one that moved most of all turns first."""
    moves = []
    for given, bin_ in cells:
        n, m = int(current[given].sum()), int(reference[given].sum())
        was, now = float(reference[given, bin_]) / max(m, 1), float(current[given, bin_]) / max(n, 1)
        moves.append(CellMove(given, bin_, was, now, n))
    return sorted(moves, key=_impact)


def _impact(move: CellMove) -> tuple[float, int, int]:
    moved = move.turns * abs(move.current_share - move.reference_share)
    return -moved, move.given, move.bin
