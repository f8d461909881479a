"""The fast lane: every minute each bin of every deciding dimension, over the last 5, 15, 30 and 60 minutes.

The likelihood ratio of each bin against the expectation that the ladder has of the same hours
(statistics-2.md, section 0, rule 7). All bins and lanes are tested at once; what comes near the threshold is
then judged as any window is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from baselines.cells import HourOfWindow, Part, Shrink
from baselines.evaluation import Evaluation, Window
from baselines.judging import Counted, Scale, judge
from baselines.lanes import LANES
from baselines.psi import HALF, signed_roots
from baselines.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.evaluate import Gates
    from baselines.judging import Basis
    from baselines.lanes import LaneSpread

    Counts = NDArray[np.int64]

MINUTE = 60
MINUTES = LANES[-1] // MINUTE
LEAST_EFFECTIVE = 20.0
FALSE_PAGES = 0.1
"""False pages per 1000 hours that the lane may add where one a month or more is allowed."""
NEAR = 0.9
"""The part of the threshold from which a bin is looked at closely."""


def threshold(bins: int, rate: float = FALSE_PAGES) -> float:
    """The z, in units of sqrt(phi) of a hit; `bins` of all deciding dimensions together.

    Formula of statistics-2.md, section 0, rule 7; `rate` is in false pages per 1000 hours.
    """
    return 6.2 + math.log(max(bins, 1) / 116 * 0.1 / rate) / 4


class Scanned(NamedTuple):
    """A dimension that may be looked at: what it is judged against, its slots, its lanes, its gates."""

    basis: Basis
    slots: slice
    spread: LaneSpread
    gates: Gates


class _Hour(NamedTuple):
    """What an hour should look like: (bins,) shares and relative variances, (dimensions,) sizes and days."""

    shares: Floats
    tau: Floats
    size: Floats
    days: Floats


@dataclass(slots=True)
class Scan:
    """All bins of some dimensions, side by side. Made anew whenever what they are judged against changes.

    `rate` is the false pages per 1000 hours that the lane may add.
    """

    dimensions: Sequence[Scanned]
    rate: float
    z: float = field(init=False)
    _starts: NDArray[np.int64] = field(init=False)
    _owner: NDArray[np.int64] = field(init=False)
    _phi: Floats = field(init=False)
    _phi_bins: Floats = field(init=False)
    _omega: Floats = field(init=False)
    _gate: Floats = field(init=False)
    _hours: dict[int, _Hour] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        sizes = [each.basis.pooling.size for each in self.dimensions]
        for each in self.dimensions:
            each.basis.cells.refresh()
        self.z = threshold(sum(int(each.basis.cells.mass.sum()) for each in self.dimensions), self.rate)
        self._starts = np.cumsum([0, *sizes[:-1]])
        self._owner = np.repeat(np.arange(len(sizes)), sizes)
        self._phi = np.array([each.spread.phi for each in self.dimensions]).T
        self._phi_bins = np.concatenate([each.spread.bins for each in self.dimensions], axis=1)
        self._omega = np.array([each.basis.spread.omega(HOUR) for each in self.dimensions])
        self._gate = np.array([each.gates.bin_effect for each in self.dimensions])[self._owner]

    def near(self, end: int, minutes: Counts, lanes: int) -> dict[int, list[int]]:
        """The dimensions that a lane comes near the threshold in, each with its lanes, shortest first.

        `minutes` are the flat counts of the 60 minutes before `end` (seconds), oldest first; the first
        `lanes` lanes are looked at.
        """
        x, late = self._sums(end, minutes, lanes)
        n, n_late = np.add.reduceat(x, self._starts, axis=1), np.add.reduceat(late, self._starts, axis=1)
        weight = n_late / np.maximum(n, 1)
        last = (end - MINUTE) // HOUR
        now, before = self._hour(last), self._hour(last - 1)
        wide = weight[:, self._owner]
        shares = wide * now.shares + (1 - wide) * before.shares
        tau = wide * now.tau + (1 - wide) * before.tau
        size = weight * now.size + (1 - weight) * before.size
        days = weight * now.days + (1 - weight) * before.days
        s = 1 / np.maximum(n, 1) + 1 / np.maximum(size, 1)
        between = self._omega * (1 + 1 / np.maximum(days, 1)) / s
        phi = self._phi[:lanes] + between
        enough = (n / phi >= LEAST_EFFECTIVE) & (size > 0)
        factors = np.maximum(phi[:, self._owner], self._phi_bins[:lanes] + between[:, self._owner])
        factors += tau * shares / ((1 - shares) * s[:, self._owner])
        m = np.maximum(size, 1)[:, self._owner]
        z, h = signed_roots(shares * m, m, x, np.maximum(n, 1)[:, self._owner])
        hot = (np.abs(z) >= NEAR * self.z * np.sqrt(factors)) & (np.abs(h) >= NEAR * self._gate)
        hot &= enough[:, self._owner]
        found: dict[int, list[int]] = {}
        for lane, bin_ in np.argwhere(hot).tolist():
            own = found.setdefault(int(self._owner[bin_]), [])
            if lane not in own:
                own.append(lane)
        return found

    def judge(
        self, index: int, lane: int, end: int, hourly: Sequence[tuple[int, Counts]], alpha: float
    ) -> Evaluation | None:
        """One dimension on one lane's window, judged as any window is; None where it has too few turns."""
        each = self.dimensions[index]
        scale = Scale(float(each.spread.phi[lane]), each.spread.bins[lane], LEAST_EFFECTIVE)
        own = [(hour, counts[each.slots]) for hour, counts in hourly]
        counted = Counted.of(Window(end - LANES[lane], end), own, each.basis.calendar)
        found = judge(each.basis, counted, alpha=alpha, gates=each.gates, scale=scale)
        return found if isinstance(found, Evaluation) else None

    def hit(self, found: Evaluation) -> bool:
        """Whether a bin is over the threshold of the lane and the gate of its effect."""
        columns = found.columns
        return any(hit and abs(z) >= self.z for hit, z in zip(columns.hits, columns.z, strict=True))

    def _sums(self, end: int, minutes: Counts, lanes: int) -> tuple[Counts, Counts]:
        """Pooled counts by lane, (lanes, bins): all, and those of the hour that the last minute is in."""
        this_hour = (end - MINUTE) // HOUR * HOUR
        late = np.arange(end - LANES[-1], end, MINUTE) >= this_hour
        rows = [minutes[MINUTES - length // MINUTE :] for length in LANES[:lanes]]
        sums = [row.sum(0) for row in rows] + [row[late[MINUTES - len(row) :]].sum(0) for row in rows]
        table = np.array(sums)
        pooled = np.concatenate([_pooled(table[:, each.slots], each.basis) for each in self.dimensions], 1)
        return pooled[:lanes], pooled[lanes:]

    def _hour(self, hour: int) -> _Hour:
        if hour not in self._hours:
            rows = [_expected(each.basis, hour) for each in self.dimensions]
            shares, tau, size, days = zip(*rows, strict=True)
            self._hours[hour] = _Hour(
                np.concatenate(shares), np.concatenate(tau), np.array(size), np.array(days)
            )
        return self._hours[hour]


def _pooled(table: Counts, basis: Basis) -> Counts:
    pooling = basis.pooling
    if pooling.size == len(pooling.of):
        return table
    return np.array([pooling.pooled(row) for row in table])


def _expected(basis: Basis, hour: int) -> tuple[Floats, Floats, float, float]:
    """What an hour since the epoch should look like; a bin that nobody has used is worth half a turn."""
    cells = basis.cells
    shares, tau = np.full(basis.pooling.size, HALF), np.zeros(basis.pooling.size)
    if not cells.mass.any():
        return shares, tau, 0.0, 1.0
    at = HourOfWindow(*basis.calendar.cell(hour), 1)
    part, shrink = Part(cells.source(at), at.day, at.hour), Shrink(basis.season, basis.spread.within)
    found = cells.expect(part, shrink, cells.mass, cells.mass.tobytes(), basis.tilt)
    shares[:] = HALF / (found.size + HALF * (len(found.shares) + 1))
    shares[cells.mass], tau[cells.mass] = np.minimum(found.shares, 1 - 1e-9), found.tau
    return shares, tau, found.size, found.days


def hourly(end: int, length: int, minutes: Mapping[int, Counts]) -> list[tuple[int, Counts]]:
    """The counts of the `length` seconds before `end`, split by hour; `minutes` are since the epoch."""
    parts: dict[int, Counts] = {}
    for minute in range((end - length) // MINUTE, end // MINUTE):
        if minute in minutes:
            hour = minute * MINUTE // HOUR
            parts[hour] = parts[hour] + minutes[minute] if hour in parts else minutes[minute]
    return sorted(parts.items(), key=lambda part: part[0])
