"""Generated traffic of one agent, turn by turn: day and night, weekends, sessions, known changes.

The world of the research note `statistics-2.md`, section 1: ten dimensions whose mix moves with the hour and
the day type, directions drawn anew for every installation. Turns come in sessions of six that spread over a
quarter of an hour and partly repeat themselves (design effect 1.8 on an hour).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from quiet_hours import COPIED, KINDS, WOBBLE, Kind, is_weekend, night_phase, tilt

from binning.layout import DimensionLayout, JointLayout, Layout, Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Shares = NDArray[np.float64]

SESSION, SPREAD = 6, 15  # turns of a session, and the minutes that they spread over
MINUTES = 60
NAMES: dict[str, tuple[Side, str]] = {
    "intent": ("input", "intent"),
    "cluster": ("input", "cluster"),
    "novelty": ("input", "novelty"),
    "language": ("input", "language"),
    "words": ("input", "length"),
    "category": ("output", "response_category"),
    "pattern": ("output", "tool_pattern"),
    "flag": ("output", "flags:hallucination"),
    "outcome": ("output", "tool_outcome"),
    "length": ("output", "length"),
}


class Change(NamedTuple):
    """A known change of one dimension: `apply` turns the shares of an hour into those after it.

    `bin` is the one bin that gains, where it is one.
    """

    name: str
    dimension: str
    bin: int | None
    apply: Callable[[Shares], Shares]


def gain(shares: Shares, index: int, points: float) -> Shares:
    """One bin gains this share, the others lose it in proportion."""
    moved = shares * (1 - points / (1 - shares[index]))
    moved[index] = shares[index] + points
    return moved


def blend(shares: Shares, part: float) -> Shares:
    """A mix of these shares and the same in reverse order."""
    return (1 - part) * shares + part * shares[::-1]


CHANGES = (
    Change("flag .5 -> 5 %", "output.flags:hallucination", 1, lambda p: gain(p, 1, 0.045)),
    Change("category 30 % mix", "output.response_category", None, lambda p: blend(p, 0.30)),
    Change("intent 15 % mix", "input.intent", None, lambda p: blend(p, 0.15)),
    Change("tool 2.7 -> 8.7 %", "output.tool_pattern", 11, lambda p: gain(p, 11, 0.06)),
    Change("new cluster 5 %", "input.cluster", 33, lambda p: gain(p, 33, 0.05)),
    Change("outcome 3 -> 6 %", "output.tool_outcome", 2, lambda p: gain(p, 2, 0.03)),
)
"""One change each of six dimensions: independent, so one stream can carry them all."""


def kinds() -> tuple[Kind, ...]:
    """The ten dimensions; clusters have one bin more, which nothing falls into before a change."""
    return tuple(
        Kind(k.name, np.append(k.base, 0.0), k.night, k.weekend) if k.name == "cluster" else k for k in KINDS
    )


def layout_of(dimensions: list[tuple[Side, str, int]], joints: list[tuple[str, str]] = []) -> Layout:  # noqa: B006
    """A layout of these (side, name, bins), and of the joints (given, outcome)."""
    placed, at = [], 0
    for side, name, bins in dimensions:
        names = tuple(f"bin {i}" for i in range(bins))
        placed.append(DimensionLayout(side, name, 1, names, at, configured=True))
        at += bins
    sizes = {each.key: len(each.bins) for each in placed}
    tables = []
    for given, outcome in joints:
        tables.append(JointLayout(given, outcome, at, (sizes[given], sizes[outcome])))
        at += sizes[given] * sizes[outcome]
    return Layout(tuple(placed), tuple(tables), at)


LAYOUT = layout_of([(*NAMES[k.name], len(k.base)) for k in kinds()])


@dataclass(slots=True)
class Traffic:
    """Quiet traffic of one installation; `changes` are in force while they are set."""

    rng: np.random.Generator
    busiest: float = 3000.0
    quietest: float = 600.0
    changes: tuple[Change, ...] = ()
    season: list[tuple[Kind, Shares]] = field(default_factory=list)
    carried: Counts = field(default_factory=lambda: np.zeros((SPREAD, LAYOUT.size), dtype=np.int64))

    def __post_init__(self) -> None:
        for kind in kinds() if not self.season else ():
            used, tilts = kind.base > 0, np.zeros((3, len(kind.base)))
            distances = (kind.night, kind.weekend, 0.03 if kind.weekend else 0.0)
            for i, distance in enumerate(distances):
                tilts[i, used] = tilt(kind.base[used], self.rng.normal(size=int(used.sum())), distance)
            self.season.append((kind, tilts))

    def rate(self, hour: int) -> float:
        """Turns of an hour: most at 14:00, fewest at 02:00, three fifths of it at weekends."""
        turns = self.busiest + (self.quietest - self.busiest) * night_phase(hour)
        return turns * (0.6 if is_weekend(hour) else 1.0)

    def shares(self, at: int, hour: int) -> Shares:
        """The true shares of one hour in dimension number `at`, changes and wobble included."""
        kind, (night, weekend, evening) = self.season[at]
        exponent = night * night_phase(hour)
        if is_weekend(hour):
            exponent = exponent + weekend + evening * np.exp(-(((hour % 24 - 21.5) / 3) ** 2))
        now = kind.base * np.exp(exponent)
        now /= now.sum()
        for change in self.changes:
            if change.dimension == LAYOUT.dimensions[at].key:
                now = change.apply(now)
        drawn = self.rng.standard_gamma(now * WOBBLE)  # a Dirichlet, and a share of zero stays zero
        return drawn / drawn.sum()

    def hour(self, hour: int) -> Counts:
        """Turns of each minute and slot of the next hour; sessions under way run over into it."""
        sessions = int(self.rng.poisson(self.rate(hour) / SESSION))
        start = self.rng.uniform(0, MINUTES, sessions)
        minute = (start[:, None] + self.rng.uniform(0, SPREAD, (sessions, SESSION))).astype(np.int64)
        counts = np.zeros((MINUTES + SPREAD, LAYOUT.size), dtype=np.int64)
        for at, dimension in enumerate(LAYOUT.dimensions):
            edges, bins = np.cumsum(self.shares(at, hour)), len(dimension.bins)
            drawn = np.searchsorted(edges / edges[-1], self.rng.random((sessions, SESSION + 1)), "right")
            copied = self.rng.random((sessions, SESSION)) < COPIED
            chosen = np.where(copied, drawn[:, :1], drawn[:, 1:])
            flat = np.bincount((minute * bins + chosen).ravel(), minlength=len(counts) * bins)
            counts[:, dimension.slots] = flat.reshape(-1, bins)
        counts[:SPREAD] += self.carried
        self.carried = counts[MINUTES:]
        return counts[:MINUTES]

    def fork(self, rng: np.random.Generator, changes: tuple[Change, ...]) -> Traffic:
        """The same installation from here on, with these changes: sessions under way end as they began."""
        return Traffic(rng, self.busiest, self.quietest, changes, self.season, self.carried.copy())
