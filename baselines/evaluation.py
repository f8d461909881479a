"""What judging one dimension on one window against one reference says: plain values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["low", "moderate", "significant"]
ReferenceName = Literal["fixed", "rolling"]


@dataclass(frozen=True, slots=True)
class Window:
    """A run of event time, `start` inclusive, `end` exclusive, in whole seconds since the epoch, UTC."""

    start: int
    end: int

    @property
    def length_s(self) -> int:
        """Its length in seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class BinShift:
    """How one bin moved.

    `contribution` is its summand of the PSI (never negative), `z` its signed-root likelihood ratio in units
    of its own spread, `h` Cohen's effect size; `hit` when it pages by itself.
    """

    bin: int
    reference_share: float
    current_share: float
    contribution: float
    z: float
    h: float
    hit: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """The bins of an evaluation, a column each of what `BinShift` has."""

    reference_shares: tuple[float, ...]
    current_shares: tuple[float, ...]
    contributions: tuple[float, ...]
    z: tuple[float, ...]
    h: tuple[float, ...]
    hits: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One dimension, one window, one reference (statistics.md section 0, statistics-2.md section 0).

    `psi` is debiased and never below 0; `psi_raw` is smoothed but not debiased; `noise_floor` is what was
    taken off. `drivers` are bin indices, strongest first, by peeling; `residual_moved` says whether the
    bins that are left still differ. `calm`: quiet enough to count towards closing (half-return is the
    caller's, by `displacement`, asin(sqrt(share)) - asin(sqrt(expected)) per bin).
    """

    dimension: str
    reference: ReferenceName
    window: Window
    turns: int
    reference_turns: int
    effective_n: float
    psi: float
    psi_raw: float
    noise_floor: float
    p_value: float
    level: Level
    exceeds: bool
    calm: bool
    columns: Columns
    drivers: tuple[int, ...]
    residual_moved: bool
    detectable: float | None
    displacement: tuple[float, ...]

    @property
    def bins(self) -> tuple[BinShift, ...]:
        """How each bin moved; made when asked for, which most evaluations never are."""
        c = self.columns
        rows = zip(c.reference_shares, c.current_shares, c.contributions, c.z, c.h, c.hits, strict=True)
        return tuple(BinShift(i, *row) for i, row in enumerate(rows))


@dataclass(frozen=True, slots=True)
class CellMove:
    """One cell of a joint table that moved: at input `given`, outcome `bin` changed its share."""

    given: int
    bin: int
    reference_share: float
    current_share: float
    turns: int


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Behaviour at fixed inputs, from one joint table (statistics.md section 5).

    `psi` is the direct, post-stratified PSI (debiased), `mix_explained_psi` the part of the output shift that
    the new input mix explains, `residual_psi` what it does not. `assessable` is false when the effective N is
    under 100 or more than half of the window lies on inputs that the reference has not seen. `moved` is the
    test's verdict and only means something when `assessable`.
    """

    given: str
    outcome: str
    window: Window
    psi: float
    p_value: float
    mix_explained_psi: float
    residual_psi: float
    residual_p_value: float
    unsupported_share: float
    effective_n: float
    assessable: bool
    moved: bool
    where: tuple[CellMove, ...]
