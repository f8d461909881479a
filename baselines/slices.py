"""Slices of a joint table that changed while their input stayed: statistics-2.md, section 4."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.evaluation import CellMove
from baselines.psi import bin_tests, gamma_tail, null_moments, psi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

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
    total = int(current.sum())
    n, m = current.sum(1), reference.sum(1)
    rows = np.flatnonzero((n >= LEAST_TURNS) & (m >= LEAST_TURNS)).tolist()
    hits = []
    for row in rows:
        z, h, _ = bin_tests(reference[row], current[row], phi)
        p = np.array([math.erfc(u) for u in (np.abs(z) / math.sqrt(2)).tolist()]) * len(rows) * len(z)
        impact = np.abs(current[row] / n[row] - reference[row] / m[row]) * n[row] / total
        found = (p < alpha / 2) & (np.abs(h) >= BIN_EFFECT) & (impact >= LEAST_IMPACT)
        hits += [SliceHit(row, bin_, float(h[bin_])) for bin_ in np.flatnonzero(found).tolist()]
        mean, variance = null_moments(reference[row], int(n[row]))
        raw = psi(reference[row], current[row])[0]
        debiased, tail = raw - phi * mean, gamma_tail(raw, phi * mean, phi * phi * variance)
        if debiased >= MODERATE and len(rows) * tail < alpha / 2:
            hits.append(SliceHit(row, None, debiased))
    return hits


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
