"""Behaviour at fixed inputs: what the outputs do once the mix of the inputs is held still.

Post-stratification of a joint table, statistics.md section 5; how it decides, design section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Self

import numpy as np

from baselines.evaluation import Behaviour
from baselines.psi import bin_tests, divergence, gamma_tail
from baselines.slices import cell_moves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.evaluation import Window

KAPPA_REFERENCE = 1.0
KAPPA_CURRENT = 2.0
"""Turns that a thin cell is drawn by: the reference's to the whole, the window's to the reference's."""
SUPPORT = 20
"""Reference turns below which an input is one that the reference has not seen."""
GATE = 0.05
BIN_EFFECT = 0.14
LEAST_EFFECTIVE = 100.0
MOST_UNSUPPORTED = 0.5
NAMED_CELLS = 3


@dataclass(frozen=True, slots=True)
class Standardised:
    """Tables of the supported inputs, smoothed: `then` and `now` are outcome shares given each input, (x, y).

    `m`, `n` are the inputs' turns, `mix_then`, `mix_now` their shares, `counts` the window's outcomes in
    turns; `before` are the reference's outcome shares, `explained` those that the new mix alone leads to.
    """

    n: Floats
    m: Floats
    mix_then: Floats
    mix_now: Floats
    then: Floats
    now: Floats
    before: Floats
    explained: Floats
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, reference: NDArray[np.int64], current: NDArray[np.int64]) -> Self:
        """From joint counts (x, y), every row with turns on the reference's side, at least one turn now."""
        m, n = reference.sum(1).astype(float), current.sum(1).astype(float)
        outcomes = reference.shape[1]
        whole = (reference.sum(0) + 0.5) / (m.sum() + 0.5 * outcomes)
        then = (reference + KAPPA_REFERENCE * whole) / (m[:, None] + KAPPA_REFERENCE)
        now = (current + KAPPA_CURRENT * then) / (n[:, None] + KAPPA_CURRENT)
        mix_then, mix_now = m / m.sum(), n / n.sum()
        return cls(n, m, mix_then, mix_now, then, now, mix_then @ then, mix_now @ then, current.sum(0))

    def direct(self, phi: float) -> tuple[float, float]:
        """Debiased PSI and p-value of behaviour at the reference's mix, whatever the window's mix is."""
        weights = self.mix_then**2 * (self.n / (self.n + KAPPA_CURRENT) ** 2 + 1 / (self.m + KAPPA_REFERENCE))
        return self._test(self.before, self.mix_then @ self.now, weights * phi)

    def residual(self, phi: float) -> tuple[float, float]:
        """Debiased PSI and p-value of what the window's mix does not explain."""
        weights = self.mix_now / self.n.sum() + self.mix_now**2 / (self.m + KAPPA_REFERENCE)
        observed = (self.counts + KAPPA_CURRENT * self.explained) / (self.n.sum() + KAPPA_CURRENT)
        return self._test(self.explained, observed, weights * phi)

    def _test(self, expected: Floats, observed: Floats, weights: Floats) -> tuple[float, float]:
        """PSI less its null mean, and p, under the covariance sum of weight_x (diag q_x - q_x q_x')."""
        covariance = np.diag(weights @ self.then) - (self.then.T * weights) @ self.then
        ratio = covariance / expected[:, None]
        mean, variance = float(np.trace(ratio)), 2 * float((ratio * ratio.T).sum())
        distance = divergence(expected, observed)[0]
        return distance - mean, gamma_tail(distance, mean, variance)

    def residual_bins(self, phi: float, alpha: float) -> bool:
        """Whether one outcome by itself moved beyond what the mix explains (the bin path)."""
        size = 1 / float((self.mix_now**2 / (self.m + KAPPA_REFERENCE)).sum())
        _, h, p = bin_tests(self.explained * size, self.counts, phi)
        return bool(((p < alpha) & (np.abs(h) >= BIN_EFFECT)).any())

    @property
    def effective_n(self) -> float:
        """Turns that behaviour at the reference's mix rests on; inputs hardly asked any more cost most."""
        return 1 / float((self.mix_then**2 / np.maximum(self.n, KAPPA_CURRENT)).sum())


def behaviour(
    given: str,
    outcome: str,
    window: Window,
    reference: NDArray[np.int64],
    current: NDArray[np.int64],
    *,
    phi: float,
    alpha: float,
    joints: int,
) -> Behaviour:
    """Test one joint table, turns of (inputs, outcomes); `alpha` is shared by `joints`.

    It moved when the direct or the residual PSI is at least .05 with p under alpha / joints, or an outcome of
    the residual hits by itself. Not assessable: effective N (over phi) under 100, or over half of the window
    on inputs with fewer than 20 reference turns.
    """
    known = np.flatnonzero(reference.sum(1) >= SUPPORT)
    unsupported = 1 - float(current[known].sum() / max(int(current.sum()), 1))
    if not current[known].any():
        return _not_assessable(given, outcome, window, unsupported)
    used = np.flatnonzero(reference[known].any(axis=0) | current[known].any(axis=0))
    table = Standardised.of(reference[np.ix_(known, used)], current[np.ix_(known, used)])
    level, effective = alpha / max(joints, 1), table.effective_n / phi
    (psi, p), (residual, residual_p) = table.direct(phi), table.residual(phi)
    shifted = (psi >= GATE and p < level) or (residual >= GATE and residual_p < level)
    assessable = effective >= LEAST_EFFECTIVE and unsupported <= MOST_UNSUPPORTED
    moved = assessable and (shifted or table.residual_bins(phi, level))
    cells = product(known.tolist(), used.tolist()) if moved else ()
    return Behaviour(
        given,
        outcome,
        window,
        max(0.0, psi),
        p,
        mix_explained_psi=divergence(table.before, table.explained)[0],
        residual_psi=max(0.0, residual),
        residual_p_value=residual_p,
        unsupported_share=unsupported,
        effective_n=effective,
        assessable=assessable,
        moved=moved,
        where=tuple(cell_moves(reference, current, cells)[:NAMED_CELLS]),
    )


def _not_assessable(given: str, outcome: str, window: Window, unsupported: float) -> Behaviour:
    return Behaviour(
        given,
        outcome,
        window,
        psi=0.0,
        p_value=1.0,
        mix_explained_psi=0.0,
        residual_psi=0.0,
        residual_p_value=1.0,
        unsupported_share=unsupported,
        effective_n=0.0,
        assessable=False,
        moved=False,
        where=(),
    )
