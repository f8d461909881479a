"""The blind spots of one dimension at its own traffic, and how they are said."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.blind import MOST_WINDOWS, Sight, blind_at_once, blind_bin, blind_mix
from baselines.cells import TAU_KNOWN
from baselines.evaluate import BIN_LEVEL
from baselines.fast import LEAST_EFFECTIVE
from baselines.psi import smoothed
from baselines.windows import DAY, HOUR
from binning.layout import OTHER, UNSEEN
from worker.calibrate.result import BlindSpots, Spot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.chance import Traffic
    from baselines.evaluate import Gates
    from baselines.reference import FixedReference
    from binning.layout import DimensionLayout

SOON = 2 * HOUR
LARGE = 0.20
"""A rise that nobody would call a small change."""


class Lane(NamedTuple):
    """The fast lane's longest window: its threshold z, and a dimension's design effect there, (bins,) too."""

    z: float
    phi: float
    bins: Floats


def blind_spots(
    layout: DimensionLayout,
    reference: FixedReference,
    window: Traffic,
    *,
    length_s: int,
    alpha: float,
    gates: Gates,
    lane: Lane | None,
) -> BlindSpots:
    """The smallest rise of each bin in use and the smallest new mix, found in 2 hours and in a day.

    All at the level of the bins; the PSI path, which finds a mix too, is tested at the whole `alpha`.
    """
    live, shares = usual_shares(reference)
    level = BIN_LEVEL * alpha
    soon, day = (min(horizon // length_s, MOST_WINDOWS) for horizon in (SOON, DAY))
    factors = _factors(reference, window, live, shares)

    def least(p: float, factor: float, windows: int) -> float | None:
        sight = Sight(len(shares), window.reference_turns, window.turns, factor, level, gates)
        return blind_bin(p, sight, windows) if windows else None

    at_once = _at_once(reference, window, length_s, gates, lane, live, shares)
    spots = tuple(
        Spot(
            name,
            p,
            _smaller(least(p, factor, soon), sudden),
            _smaller(least(p, factor, day), sudden),
        )
        for name, p, factor, sudden in zip(
            _names(layout, reference, live), shares.tolist(), factors.tolist(), at_once, strict=True
        )
    )
    sight = Sight(len(shares), window.reference_turns, window.turns, window.phi, level, gates)
    rarer = rarer_half(shares)
    mixes = [blind_mix(shares, rarer, sight, windows) if windows else None for windows in (soon, day)]
    return BlindSpots(soon, day, spots, mixes[0], mixes[1])


def _at_once(
    reference: FixedReference,
    window: Traffic,
    length_s: int,
    gates: Gates,
    lane: Lane | None,
    live: NDArray[np.bool_],
    shares: Floats,
) -> list[float | None]:
    """The smallest rise of each bin that the fast lane finds in an hour's traffic."""
    if lane is None:
        return [None] * len(shares)
    turns = window.turns * HOUR / length_s
    s = 1 / turns + 1 / window.reference_turns
    between = reference.spread.omega(HOUR) * (1 + 1 / usual_days(reference)) / s
    if turns / (lane.phi + between) < LEAST_EFFECTIVE:
        return [None] * len(shares)
    tau = TAU_KNOWN / usual_days(reference) * shares / ((1 - shares) * s)
    factors = np.maximum(lane.phi, lane.bins[live]) + between + tau
    alpha = 2 * len(shares) * NormalDist().cdf(-lane.z)
    return [
        blind_at_once(p, Sight(len(shares), window.reference_turns, turns, factor, alpha, gates))
        for p, factor in zip(shares.tolist(), factors.tolist(), strict=True)
    ]


def _smaller(one: float | None, other: float | None) -> float | None:
    return min((share for share in (one, other) if share is not None), default=None)


def rarer_half(shares: Floats) -> Floats:
    """The mix of turns that all fall into the rarer half of the bins, each bin as usual among them."""
    kept = np.zeros_like(shares)
    rare = np.argsort(shares, kind="stable")[: len(shares) // 2]
    kept[rare] = shares[rare]
    return np.asarray(kept / kept.sum())


def usual_shares(reference: FixedReference) -> tuple[NDArray[np.bool_], Floats]:
    """Which pooled bins are in use, and their shares over all that the reference holds.

    A dimension of which one bin is in use, a flag that was never raised, has all of its bins.
    """
    counts = reference.cells.counts.sum((0, 1))
    live = counts > 0
    if live.sum() < 2:
        live = np.ones(len(counts), dtype=bool)
    return live, smoothed(counts[live])


def _factors(
    reference: FixedReference,
    window: Traffic,
    live: NDArray[np.bool_],
    shares: Floats,
) -> Floats:
    """Each bin's own variance factor on a usual window, as judging has it."""
    between = window.phi - reference.spread.within
    own = np.maximum(window.phi, reference.spread.within_bins[live] + between)
    s = 1 / window.turns + 1 / window.reference_turns
    return np.asarray(own + TAU_KNOWN / usual_days(reference) * shares / ((1 - shares) * s))


def usual_days(reference: FixedReference) -> float:
    """How many days a cell holds that holds any; 1 where none does."""
    days = reference.cells.days
    held = days[days > 0]
    return float(held.mean()) if len(held) else 1.0


def _names(
    layout: DimensionLayout,
    reference: FixedReference,
    live: NDArray[np.bool_],
) -> list[str]:
    """What a person calls each pooled bin in use."""
    names = []
    for pool in np.flatnonzero(live).tolist():
        held = np.flatnonzero(reference.pooling.of == pool).tolist()
        label = layout.labels[held[0]] if layout.labels and len(held) == 1 else ""
        names.append("the rare ones" if len(held) > 1 else label or _plain(layout.bins[held[0]]))
    return names


def _plain(name: str) -> str:
    return {OTHER: "other", UNSEEN: "never seen before"}.get(name, name)


def said(blind: BlindSpots, length_s: int) -> str:
    """One line: the bin whose rise shows first and the one whose shows last, or that none would."""
    if not blind.windows_24h and all(_best(spot) is None for spot in blind.spots):
        return f"judged on windows of {length_s // DAY} days: nothing within a day"
    soon = any(spot.within_2h is not None for spot in blind.spots)
    sooner = (
        ""
        if blind.windows_2h or soon
        else f"judged on {length_s // HOUR} h windows, which say nothing in 2 h: "
    )
    ranked = _ranked(blind)
    if len(ranked) > 2 and _rise(ranked[0]) < LARGE:
        return f"{sooner}{_words(ranked[0])}; {_words(ranked[-1])}"
    return sooner + briefly(blind)


def briefly(blind: BlindSpots) -> str:
    """The bin whose rise shows first."""
    ranked = _ranked(blind)
    if not ranked:
        return "no rise of any bin within a day"
    if _rise(ranked[0]) >= LARGE:
        return f"nothing under {100 * _rise(ranked[0]):.0f} points"
    return _words(ranked[0])


def _ranked(blind: BlindSpots) -> list[Spot]:
    """The bins that can be seen at all, the smallest rise first."""
    return sorted((spot for spot in blind.spots if _best(spot) is not None), key=_rise)


def _rise(spot: Spot) -> float:
    best = _best(spot)
    return best - spot.share if best is not None else 1.0


def _best(spot: Spot) -> float | None:
    return spot.within_24h if spot.within_24h is not None else spot.within_2h


def _words(spot: Spot) -> str:
    parts = [
        f"{percent(share)} % {when}"
        for share, when in ((spot.within_2h, "in 2 h"), (spot.within_24h, "in a day"))
        if share is not None
    ]
    return f"{spot.bin} {percent(spot.share)} → {', '.join(parts)}"


def percent(share: float) -> str:
    """A share in per cent with as many digits as mean something."""
    value = 100 * share
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.095 else f"{value:.2f}"
