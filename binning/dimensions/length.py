"""How long a text is, in words, in quantile bins."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.edges import place, quantile_edges
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

_BINS = 10
_FALLBACK = (5, 10, 20, 40, 80, 160)
"""Edges when no learning turn had a text of this side."""


@dataclass(frozen=True, slots=True)
class _Length(ABC):
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "length"

    edges: tuple[int, ...]
    labels: tuple[str, ...] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Quantile edges of all learning turns."""
        words = cls._words(learning.batch)
        seen = words[words > 0]
        return (cls(quantile_edges(seen, _BINS) if len(seen) else _FALLBACK),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`1-4`, `5-9`, ..., `40+`: words."""
        starts = (1, *self.edges)
        spans = [_span(low, high - 1) for low, high in itertools.pairwise(starts)]
        return (*spans, f"{starts[-1]}+")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of the number of words; absent where there is none."""
        words = self._words(batch)
        return np.where(words > 0, place(words, self.edges), ABSENT).astype(np.int32)

    def state(self) -> Mapping[str, Any]:
        """The edges."""
        return {"edges": self.edges}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["edges"]))

    @staticmethod
    @abstractmethod
    def _words(batch: Batch) -> NDArray[np.int64]:
        """Words of each turn's text of this side, (turns,); 0 where there is none."""


class InputLength(_Length):
    """Words of the input text."""

    __slots__ = ()
    side: ClassVar[Side] = "input"

    @staticmethod
    def _words(batch: Batch) -> NDArray[np.int64]:
        return batch.input_words


class OutputLength(_Length):
    """Words of the output text; a turn that only calls tools has no output text and no length."""

    __slots__ = ()
    side: ClassVar[Side] = "output"

    @staticmethod
    def _words(batch: Batch) -> NDArray[np.int64]:
        return batch.output_words


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low}-{high}"
