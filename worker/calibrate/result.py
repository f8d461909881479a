"""What a calibration found, as plain values: what `--json` prints, what the table and the picture show."""

from __future__ import annotations

import msgspec

from alerts.verdict import Side


class Threshold(msgspec.Struct, frozen=True):
    """The two thresholds of a dimension, debiased PSI."""

    moderate: float
    significant: float


class Spot(msgspec.Struct, frozen=True):
    """One bin: its usual share, and the smallest share above it that would be found in time; None: none."""

    bin: str
    share: float
    within_2h: float | None
    within_24h: float | None


class BlindSpots(msgspec.Struct, frozen=True):
    """What a dimension can see.

    `mix` is the part of the turns that must move to the rarer half of its bins. `windows_2h` and
    `windows_24h` are how many windows end in that time; with none, only the fast lane can find anything.
    """

    windows_2h: int
    windows_24h: int
    spots: tuple[Spot, ...]
    mix_within_2h: float | None
    mix_within_24h: float | None


class Pages(msgspec.Struct, frozen=True):
    """What one pair of thresholds does: evaluations that exceeded, alerts that opened, and what to expect.

    `expected` are false pages a month by the model, None where the dimension does not page.
    """

    exceeded: int
    opened: int
    expected: float | None


class DimensionResult(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension. What was not measured is None, and `note` says why.

    `window_s` is the length of the windows that serve it, `turns` what such a window usually holds. `phi` is
    the design effect there: `phi_within` and what days add, `omega` a turn. `movement` are the 95th and 99th
    percentile between `pairs` of normal windows, `chance` those of chance alone. `series` holds the
    end of each window and its debiased PSI.
    """

    side: Side
    name: str
    deciding: bool
    phi_within: float
    current: Threshold
    note: str | None
    window_s: int | None = None
    turns: int | None = None
    evaluations: int = 0
    omega: float | None = None
    phi: float | None = None
    pairs: int = 0
    movement: tuple[float, float] | None = None
    chance: tuple[float, float] | None = None
    proposed: Threshold | None = None
    pages_current: Pages = Pages(0, 0, None)
    pages_proposed: Pages = Pages(0, 0, None)
    blind: BlindSpots | None = None
    series: tuple[tuple[int, float], ...] = ()

    @property
    def key(self) -> str:
        """`side.name`."""
        return f"{self.side}.{self.name}"


class Span(msgspec.Struct, frozen=True):
    """Event time, seconds since the epoch."""

    start: int
    end: int


class Result(msgspec.Struct, frozen=True):
    """One agent. `judged` is the time looked at, `episodes` when alerts were open there.

    `known_calm` says that those count as normal. `asked` is `false_pages_per_month`, `expected_*` the sums
    over the deciding dimensions and `fast_lane`, which no threshold changes.
    """

    agent: str
    judged: Span
    episodes: tuple[Span, ...]
    known_calm: bool
    asked: float
    fast_lane: float
    expected_current: float
    expected_proposed: float
    dimensions: tuple[DimensionResult, ...]
