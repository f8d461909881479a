"""The reference's counts by hour of day and day type, and what they lead one to expect of a window.

Pseudo-code `expect` of statistics-2.md, section 0. A bin is *live* when the reference or the window has
it: bins that nobody has used take no part, so that adding one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.psi import smoothed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from baselines.arrays import Floats

LEAST_AROUND = 30
TAU_KNOWN = 0.02
"""Relative variance of a share between days of a known cell; divided by its days."""
TAU_UNKNOWN = 0.20
"""The same for an hour of a day type not seen yet."""
TAU_TILTED = 0.05
"""The least of it for such an hour, however much the tilt has seen: what the hour has of its own.

statistics-2.md has .02. On the first weekend evenings of generated traffic the tilt left .013 to .019 on
average over the dimensions, .028 in some, and windows exceeded five times as often as alpha allows.
"""
SAME, OTHER_TYPE, ALL = 0, 1, 2
_BEFORE, _AFTER = np.arange(-1, 23), np.arange(1, 25) % 24
REMEMBERED = 1024
"""Expectations kept at most: 48 cells times the sets of bins that windows had."""


class HourOfWindow(NamedTuple):
    """A window's turns inside one hour of one day type."""

    day: int
    hour: int
    turns: int


class Part(NamedTuple):
    """The hours of a window that one cell serves: from which source, for which day type and hour of day."""

    source: int
    day: int
    hour: int


class Tilt(NamedTuple):
    """Turns of each day type's calm hours so far, seen and as the other type expects them, both (2, bins)."""

    seen: Floats
    expected: Floats


class Shrink(NamedTuple):
    """What decides how far a cell is drawn to the whole: the season's PSI, and phi_w."""

    season: float
    phi: float


class CellExpectation(NamedTuple):
    """What one hour is expected to look like: shares and relative variances of the live bins, size, days."""

    shares: Floats
    tau: Floats
    size: float
    days: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a window should look like: shares and relative variances of the live bins, size M, mean days."""

    shares: Floats
    tau: Floats
    size: float
    days: float


@dataclass(slots=True)
class Cells:
    """48 histograms: `counts` is (2, 24, bins) turns, `days` (2, 24) how many days each holds.

    The others are brought up to date by `refresh`: each cell with its neighbours, each day type in `whole`,
    (2, bins), their turns, and which bins have any.
    """

    counts: NDArray[np.int64]
    days: NDArray[np.int64]
    around: NDArray[np.int64] = field(init=False)
    whole: NDArray[np.int64] = field(init=False)
    around_turns: list[list[int]] = field(init=False)
    turns: list[list[int]] = field(init=False)
    mass: NDArray[np.bool_] = field(init=False)
    _stale: bool = True
    _known: dict[tuple[Part, Shrink, bytes], CellExpectation] = field(default_factory=dict)

    @classmethod
    def empty(cls, bins: int) -> Cells:
        """No turn in any cell."""
        return cls(np.zeros((2, 24, bins), dtype=np.int64), np.zeros((2, 24), dtype=np.int64))

    def add(self, day: int, hour: int, counts: NDArray[np.int64], sign: int = 1) -> None:
        """Count an hour in its cell, or with `sign` -1 take it out again."""
        self.counts[day, hour] += sign * counts
        self.days[day, hour] += sign
        self._stale = True

    def refresh(self) -> None:
        """Bring the sums over neighbours up to date after `add`."""
        if not self._stale:
            return
        self.around = self.counts + self.counts[:, _BEFORE] + self.counts[:, _AFTER]
        self.whole = self.counts.sum(1)
        self.mass = self.whole.sum(0) > 0
        self.around_turns, self.turns = self.around.sum(2).tolist(), self.counts.sum(2).tolist()
        self._known.clear()
        self._stale = False

    def usable(self, day: int, hour: int, turns: int) -> bool:
        """Whether the cell has a day of its own and, with its neighbours, enough turns to judge this many."""
        enough = self.around_turns[day][hour] >= max(LEAST_AROUND, turns)
        return enough and bool(self.days[day, hour] > 0)

    def source(self, at: HourOfWindow) -> int:
        """Which cells serve an hour: its own day type's, else the other's, else all."""
        if self.usable(at.day, at.hour, at.turns):
            return SAME
        return OTHER_TYPE if self.usable(1 - at.day, at.hour, at.turns) else ALL

    def shrunk(self, day: int, hour: int, shrink: Shrink, live: NDArray[np.bool_]) -> tuple[Floats, float]:
        """A cell's shares, drawn to its day type by how weak the season is, and the size that they have."""
        around, size = self.around[day, hour][live], float(self.around_turns[day][hour])
        whole = self.whole[day][live]
        noise = shrink.phi * (len(around) - 1) / size
        seasonal = shrink.season / (shrink.season + noise) if shrink.season > 0 else 0.0
        weight = max(seasonal, size / float(whole.sum()))
        return weight * smoothed(around) + (1 - weight) * smoothed(whole), size / weight

    def expect(
        self, part: Part, shrink: Shrink, live: NDArray[np.bool_], mask: bytes, tilt: Tilt | None
    ) -> CellExpectation:
        """What an hour should look like, remembered until the cells change; `mask` is `live` as bytes."""
        key = (part, shrink, mask)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._expect(part, shrink, live, tilt)
        return known

    def _expect(
        self, part: Part, shrink: Shrink, live: NDArray[np.bool_], tilt: Tilt | None
    ) -> CellExpectation:
        bins = int(live.sum())
        if part.source == ALL:
            whole = self.whole.sum(0)[live]
            days = float(self.days[self.days > 0].mean())
            return CellExpectation(smoothed(whole), np.full(bins, TAU_UNKNOWN), float(whole.sum()), days)
        day = part.day if part.source == SAME else 1 - part.day
        shares, size = self.shrunk(day, part.hour, shrink, live)
        days = float(self.days[day, part.hour])
        if part.source == SAME:
            return CellExpectation(shares, np.full(bins, TAU_KNOWN / days), size, days)
        if tilt is None:
            return CellExpectation(shares, np.full(bins, TAU_UNKNOWN), size, days)
        prior = shrink.phi / TAU_UNKNOWN
        seen, expected = tilt.seen[part.day][live] + prior, tilt.expected[part.day][live] + prior
        shares = shares * seen / expected
        tau = np.maximum(shrink.phi / expected, TAU_TILTED)
        return CellExpectation(shares / shares.sum(), tau, size, days)

    def turns_in(self, parts: Iterable[Part]) -> int:
        """Turns in the cells that serve these parts of a window, each cell counted once."""
        used: set[tuple[int, int]] = set()
        for part in parts:
            if part.source == ALL:
                return sum(map(sum, self.turns))
            day = part.day if part.source == SAME else 1 - part.day
            used.update((day, (part.hour + i) % 24) for i in (-1, 0, 1))
        return sum(self.turns[day][hour] for day, hour in used)


def expectation(
    cells: Cells,
    hours: list[HourOfWindow],
    *,
    shrink: Shrink,
    live: NDArray[np.bool_],
    tilt: Tilt | None,
) -> Expectation:
    """The window's expectation: the turn-weighted mean of its hours'. `cells` hold at least one turn."""
    turns: dict[Part, int] = {}
    for at in hours:
        part = Part(cells.source(at), at.day, at.hour)
        turns[part] = turns.get(part, 0) + at.turns
    mask = live.tobytes()
    total = sum(turns.values())
    found = [(cells.expect(part, shrink, live, mask, tilt), n / total) for part, n in turns.items()]
    first, weight = found[0]
    shares, tau, size, days = (
        weight * first.shares,
        weight * first.tau,
        weight * first.size,
        weight * first.days,
    )
    for each, weight in found[1:]:
        shares += weight * each.shares
        tau += weight * each.tau
        size += weight * each.size
        days += weight * each.days
    return Expectation(shares, tau, max(float(cells.turns_in(turns)), size), days)
