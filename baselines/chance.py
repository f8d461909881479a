"""How many false pages a month a dimension is worth, at its traffic, its level and its gates.

Section 2 of the research note `statistics-2.md`: pages per window length are linear in alpha, `c * alpha` for
one reference, with c = .31 where traffic is so little that alpha alone decides, and 1.3 times that with two.
On more traffic the gates decide: then each path fires as often as chance passes its gate, which is less.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from baselines.evaluate import BIN_LEVEL, normal_quantile
from baselines.psi import gamma_tail, moments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.arrays import Floats
    from baselines.evaluate import Gates

PAGES_PER_LEVEL = 0.31
TWO_REFERENCES = 1.3
HOURS_A_MONTH = 730.0


class Traffic(NamedTuple):
    """One window: its turns, those of its reference, and the design effect."""

    turns: float
    reference_turns: float
    phi: float


def gamma_quantile(tail: float, mean: float, variance: float) -> float:
    """The x that `gamma_tail` gives this probability; 0 where there is no spread."""
    if mean <= 0 or variance <= 0:
        return 0.0
    h = variance / (9 * mean * mean)
    return float(mean * (1 - h + normal_quantile(tail) * math.sqrt(h)) ** 3)


def false_pages_a_month(
    shares: Floats, windows: Sequence[Traffic], *, window_hours: float, alpha: float, gates: Gates
) -> float:
    """What to expect of steady traffic: the mean over `windows`; 0 without any. `shares` are positive."""
    if not windows or len(shares) < 2:
        return 0.0
    level = sum(effective_level(shares, window, alpha, gates) for window in windows) / len(windows)
    return PAGES_PER_LEVEL * TWO_REFERENCES * level * HOURS_A_MONTH / window_hours


def effective_level(shares: Floats, window: Traffic, alpha: float, gates: Gates) -> float:
    """The level that one window is really tested at: alpha where no gate binds, down to 0 where they do.

    The mean of the two paths', each the smaller of its part of alpha and the chance to pass its gate.
    """
    mean, variance = moments_of(shares, window.reference_turns, round(window.turns))
    floor = window.phi * mean
    mix = min(alpha, gamma_tail(floor + gates.moderate, floor, window.phi**2 * variance))
    spread = math.sqrt(window.phi * (1 / window.turns + 1 / window.reference_turns))
    one = math.erfc(gates.bin_effect / spread / math.sqrt(2))
    return (mix + min(BIN_LEVEL * alpha, len(shares) * one)) / 2
