"""How much more a dimension's shares scatter than independent turns would: the design effect.

`phi(N) = phi_w + omega (1 + 1/days) / s` with `s = 1/N + 1/M`: phi_w is what sessions and hourly wobble add
within a day, omega what days add (statistics-2.md, section 0, rule 2 and the pseudo-code).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.arrays import pack, unpack
from baselines.psi import smoothed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.arrays import Floats

OMEGA_PRIOR = 0.001
OMEGA_WEIGHT = 24
BIN_WEIGHT = 100
"""Hours that a bin's own factor is shrunk by towards the dimension's."""
UNMEASURED = 2.0
ENOUGH_HOURS = 6
"""Where fewer hours than this could be measured, the missing ones count as `UNMEASURED`."""
CAP = 4.0
LEAST_TURNS = 50


def residual(
    counts: NDArray[np.int64], shares: Floats, inverse_size: float, live: NDArray[np.bool_]
) -> tuple[float, Floats]:
    """Squared distance of a histogram from expected `shares` over what independent turns would give.

    `inverse_size` is the variance factor of the expectation (1/M). Overall and per bin, both 1 on average for
    independent turns; bins that are not `live` read 1.
    """
    n = int(counts.sum())
    e = shares[live]
    variance = e * (1 / n + inverse_size)
    ratio = (counts[live] / n - e) ** 2 / variance
    frequent = e * n >= 1
    per_bin = np.ones(len(counts))
    per_bin[live] = ratio / (1 - e)
    return float(ratio[frequent].sum() / max(int(frequent.sum()) - 1, 1)), per_bin


def neighbour_residual(
    counts: NDArray[np.int64],
    previous: NDArray[np.int64],
    following: NDArray[np.int64],
    live: NDArray[np.bool_],
) -> tuple[float, Floats] | None:
    """An hour against the mean of the shares of the hours around it; None where one of the three is empty."""
    n, before, after = int(counts.sum()), int(previous.sum()), int(following.sum())
    live = live | (counts > 0) | (previous > 0) | (following > 0)
    if min(n, before, after) == 0 or live.sum() < 2:
        return None
    shares = np.zeros(len(counts))
    shares[live] = (smoothed(previous[live]) + smoothed(following[live])) / 2
    return residual(counts, shares, (1 / before + 1 / after) / 4, live)


def day_residual(x: NDArray[np.int64], earlier: NDArray[np.int64]) -> tuple[float, float] | None:
    """Two windows a day apart at pooled shares: their residual and `s2 = 1/N + 1/N'`; None if too small."""
    n, m = int(x.sum()), int(earlier.sum())
    if min(n, m) < LEAST_TURNS:
        return None
    s2 = 1 / n + 1 / m
    shares = (x + earlier) / (n + m)
    frequent = shares * min(n, m) >= 1
    if frequent.sum() < 2:
        return None
    ratio = (x / n - earlier / m)[frequent] ** 2 / (shares[frequent] * s2)
    return float(ratio.sum() / (int(frequent.sum()) - 1)), s2


@dataclass(slots=True)
class Spread:
    """The design effect of one dimension and what it was learned from: running sums and their counts.

    `between` maps a window length in seconds to (sum of omega, its weight).
    """

    total: float
    hours: int
    bins: Floats
    bin_hours: int
    between: dict[int, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def learn(cls, residuals: list[tuple[float, Floats]], bins: int, share: float) -> Self:
        """From the learning day's hours, which counted `share` of the turns (thinned sessions hide phi)."""
        count = len(residuals)
        full = 1 + (np.array([r for r, _ in residuals]) - 1) / share
        missing = max(0, ENOUGH_HOURS - count)
        per_bin = sum((1 + (each - 1) / share for _, each in residuals), np.zeros(bins))
        return cls(float(full.sum()) + UNMEASURED * missing, count + missing, per_bin, count)

    @property
    def within(self) -> float:
        """phi_w, never below 1."""
        return max(1.0, self.total / self.hours)

    @property
    def within_bins(self) -> Floats:
        """phi_i, (bins,): each bin's own factor, shrunk to phi_w, never below 1."""
        return np.maximum(1.0, (self.bins + BIN_WEIGHT * self.within) / (self.bin_hours + BIN_WEIGHT))

    def omega(self, length_s: int) -> float:
        """What days add on windows of this length, never below 0."""
        total, weight = self.between.get(length_s, (OMEGA_WEIGHT * OMEGA_PRIOR, float(OMEGA_WEIGHT)))
        return max(0.0, total / weight)

    def add_hour(self, overall: float, per_bin: Floats, share: float) -> None:
        """One more hour's residual, capped at four times what is expected of it."""
        cap = CAP * self.within
        self.total += min(1 + (overall - 1) / share, cap)
        self.bins = self.bins + np.minimum(1 + (per_bin - 1) / share, cap)
        self.hours += 1
        self.bin_hours += 1

    def add_day(self, length_s: int, overall: float, s2: float, share: float = 1.0) -> None:
        """One more pair of windows a day apart, capped at four times what is expected of it."""
        total, weight = self.between.get(length_s, (OMEGA_WEIGHT * OMEGA_PRIOR, float(OMEGA_WEIGHT)))
        within = 1 + (self.within - 1) * share
        capped = min(overall, CAP * (within + 2 * max(0.0, total / weight) / s2))
        self.between[length_s] = (total + (capped - within) * s2 / 2, weight + 1)

    def state(self) -> dict[str, Any]:
        """Plain values and bytes."""
        between = [[length, *sums] for length, sums in sorted(self.between.items())]
        sums = {"total": self.total, "hours": self.hours, "bin_hours": self.bin_hours}
        return sums | {"bins": pack(self.bins), "between": between}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The design effect that `state` came from."""
        between = {length: (total, weight) for length, total, weight in state["between"]}
        return cls(state["total"], state["hours"], unpack(state["bins"]), state["bin_hours"], between)
