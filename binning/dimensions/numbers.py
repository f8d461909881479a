"""Numbers that a turn carries, in quantile bins: tokens of both sides, and how long the agent took."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.edges import place, value_edges
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

_BINS = 10
_LARGEST = 1e12
"""Larger ones count as this, so that every value fits an integer with room to spare."""


@dataclass(frozen=True, slots=True)
class Number(ABC):
    """One number of a turn in at most ten bins by the learning turns' quantiles.

    Numbers are counted in whole units of 1 / `scale`. `least` is the smallest there can be, None where
    nothing bounds it; what lies below it or is not finite is no number and absent. `always` are edges
    whatever was learned, `fallback` those when no learning turn carried a number.
    """

    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ()
    scale: ClassVar[int] = 1
    least: ClassVar[int | None] = 0
    always: ClassVar[tuple[int, ...]] = ()
    fallback: ClassVar[tuple[int, ...]] = ()

    edges: tuple[int, ...]

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Quantile edges of all learning turns."""
        units, carried = cls._units(learning.batch)
        edges = value_edges(units[carried], _BINS) if carried.any() else cls.fallback
        above = (edge for edge in {*edges, *cls.always} if cls.least is None or edge > cls.least)
        return (cls(tuple(sorted(above))),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`0-49`, `50`, `51-90`, ..., `400+`; where nothing bounds it from below the first is `<50`."""
        if not self.edges:
            return ("any",)
        below = f"<{self._said(self.edges[0])}" if self.least is None else ""
        starts = self.edges if below else (self.least or 0, *self.edges)
        spans = (self._span(low, high) for low, high in itertools.pairwise(starts))
        return (*((below,) if below else ()), *spans, f"{self._said(starts[-1])}+")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's number; absent where it carries none."""
        units, carried = self._units(batch)
        return np.where(carried, place(units, self.edges), ABSENT).astype(np.int32)

    def state(self) -> Mapping[str, Any]:
        """The edges."""
        return {"edges": self.edges}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["edges"]))

    @classmethod
    def _units(cls, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The numbers in units, (turns,), and which turns carry one."""
        found = cls._given(batch)
        if isinstance(found, np.ndarray):
            given = found.astype(np.float64)
        else:
            given = np.fromiter(found, np.float64, len(batch.turns))
        carried = np.isfinite(given)
        if cls.least is not None:
            carried &= given >= cls.least
        numbers = np.clip(np.where(carried, given, 0.0), -_LARGEST, _LARGEST)
        return np.rint(numbers * cls.scale).astype(np.int64), carried

    @staticmethod
    @abstractmethod
    def _given(batch: Batch) -> Iterable[float | None] | NDArray[np.int64]:
        """The number of each turn, None, NaN or less than `least` where it carries none."""

    def _span(self, low: int, high: int) -> str:
        """Units from `low` to below `high`."""
        if high == low + 1:
            return self._said(low)
        return f"{self._said(low)}-{self._said(high - 1 if self.scale == 1 else high)}"

    def _said(self, units: int) -> str:
        return str(units) if self.scale == 1 else f"{units / self.scale:.15g}"


class InputTokens(Number):
    """Tokens that the model read for the turn."""

    __slots__ = ()
    side: ClassVar[Side] = "input"
    name: ClassVar[str] = "tokens"
    fallback: ClassVar[tuple[int, ...]] = (100, 200, 400, 800, 1600, 3200, 6400, 12_800)

    @staticmethod
    def _given(batch: Batch) -> Iterable[float | None]:
        return (turn.input_tokens for turn in batch.turns)


class OutputTokens(Number):
    """Tokens that the model wrote for the turn, where there is an output."""

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "tokens"
    fallback: ClassVar[tuple[int, ...]] = (25, 50, 100, 200, 400, 800, 1600, 3200)

    @staticmethod
    def _given(batch: Batch) -> Iterable[float | None]:
        return _of_answered(batch, [turn.output_tokens for turn in batch.turns])


class Duration(Number):
    """Milliseconds that the turn took, where there is an output."""

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "duration"
    fallback: ClassVar[tuple[int, ...]] = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)

    @staticmethod
    def _given(batch: Batch) -> Iterable[float | None]:
        return _of_answered(batch, [turn.duration_ms for turn in batch.turns])


def _of_answered(batch: Batch, numbers: Iterable[float | None]) -> Iterable[float | None]:
    return (number if out is not None else None for number, out in zip(numbers, batch.outputs, strict=True))
