"""What every dimension is. Adding one is one file in this folder and one line in its `__init__`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from binning.encoders import Encoder
    from binning.layout import Side
    from binning.spec import BinSpec
    from binning.turn import Turn


@dataclass(slots=True)
class Batch:
    """Some turns and what several dimensions need of them, computed once.

    `texts` are the input texts, empty where there is none or only blanks. `vectors` is (turns, width) int8,
    the encoder's vector of each input text; a row of zeros has no text, or no token that the encoder knows.
    """

    turns: Sequence[Turn]
    texts: Sequence[str]
    vectors: NDArray[np.int8]


@dataclass(slots=True)
class Learning:
    """What bins are learned from. `fitting`, (turns,): the half that a `halved` dimension is fitted on."""

    batch: Batch
    fitting: NDArray[np.bool_]
    spec: BinSpec
    encoder: Encoder


class Dimension(Protocol):
    """One categorical histogram of one side, fitted: it assigns every turn of a batch to one of its bins.

    Immutable once learned. The same turn gets the same bin alone and in any batch. `version` rises whenever
    the code would bin any turn differently; counts of two versions are never compared. `halved`: its bins are
    fitted on half of the learning turns. `configured`: its bins come from configuration and are never pooled.
    """

    side: ClassVar[Side]
    version: ClassVar[int]
    halved: ClassVar[bool]
    configured: ClassVar[bool]

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """What this kind makes of the learning turns: usually one dimension, `flags` makes one a name."""

    @property
    def name(self) -> str:
        """Its name within its side."""

    @property
    def bins(self) -> tuple[str, ...]:
        """Its bins, in slot order."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What a person reads for each bin, or nothing where the bin's name says it."""

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The index of each turn's bin, (turns,); `ABSENT` where the turn lacks what the dimension needs."""

    def state(self) -> Mapping[str, Any]:
        """All that it learned, as plain values, bytes and arrays: part of the bin set's digest."""

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """The dimension that `state` came from."""
