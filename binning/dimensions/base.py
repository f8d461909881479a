"""What every dimension is. Adding one is one file in this folder and one line in its `__init__`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np

from binning.dimensions.marks import Marks
from binning.encoder import EncoderFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.encoder import Encoder
    from binning.layout import Side
    from binning.spec import BinSpec
    from binning.turn import Output, ToolCall, Turn


class Batch:
    """Some turns and what several dimensions need of them: each made once, when it is asked for.

    All are in the order of `turns`. Dimensions read them and never change them. `degraded`, (turns,): some
    vector was asked for that the encoder failed to make. It is only ever set where a failure is `tolerated`;
    elsewhere `vectors` and `encode` raise EncoderFailed.
    """

    def __init__(self, turns: Sequence[Turn], encoder: Encoder, *, tolerated: bool = False) -> None:
        self.turns = turns
        self.degraded = np.zeros(len(turns), dtype=np.bool_)
        self._encoder = encoder
        self._tolerated = tolerated

    @cached_property
    def texts(self) -> list[str]:
        """The input texts, empty where there is none or only blanks."""
        texts = [turn.input.text for turn in self.turns]
        return [text if text and not text.isspace() else "" for text in texts]

    @cached_property
    def has_text(self) -> NDArray[np.bool_]:
        """Whether there is an input text, (turns,)."""
        return np.fromiter(map(bool, self.texts), np.bool_, len(self.texts))

    @cached_property
    def vectors(self) -> NDArray[np.int8]:
        """The encoder's vector of each input text, (turns, width).

        A row of zeros has no text, no token that the encoder knows, or is not `embedded`.
        """
        return self._embedding[0]

    @property
    def embedded(self) -> NDArray[np.bool_]:
        """Whether there is an input text, and the encoder did not fail on it, (turns,)."""
        return self._embedding[1]

    @cached_property
    def _embedding(self) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        rows = np.zeros((len(self.turns), self._encoder.width), dtype=np.int8)
        embedded = self.has_text.copy()
        if embedded.any():
            asked = np.flatnonzero(embedded)
            rows[asked], embedded[asked] = self.encode([text for text in self.texts if text], asked)
        return rows, embedded

    def encode(
        self, texts: Sequence[str], rows: Sequence[int] | NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """The vectors of texts of the turns at `rows`, (texts, width), and which there are, (texts,)."""
        try:
            return self._encoder.encode(texts), np.ones(len(texts), dtype=np.bool_)
        except EncoderFailed as failure:
            if not self._tolerated:
                raise
            self.degraded[rows] |= failure.failed
            return failure.vectors, ~failure.failed

    @cached_property
    def input_marks(self) -> Marks:
        """What the input texts show at one look."""
        return Marks.of(self.texts)

    @cached_property
    def outputs(self) -> list[Output | None]:
        """Each turn's output; None where it has neither text nor tool call."""
        return [
            out if out is not None and (out.text or out.tool_calls) else None
            for out in [turn.output for turn in self.turns]
        ]

    @cached_property
    def answered(self) -> NDArray[np.bool_]:
        """Whether there is an output, (turns,)."""
        return np.fromiter((out is not None for out in self.outputs), np.bool_, len(self.outputs))

    @cached_property
    def output_texts(self) -> list[str]:
        """The output texts as they came, empty where there is none."""
        return [(out.text or "") if out is not None else "" for out in self.outputs]

    @cached_property
    def output_marks(self) -> Marks:
        """What the output texts show at one look."""
        return Marks.of(self.output_texts)

    @cached_property
    def calls(self) -> list[tuple[ToolCall, ...] | None]:
        """The tool calls of each output; None where there is no output."""
        return [out.tool_calls if out is not None else None for out in self.outputs]

    @cached_property
    def calling(self) -> tuple[list[int], list[tuple[ToolCall, ...]]]:
        """The rows of the turns with tool calls, and those calls."""
        rows = [row for row, calls in enumerate(self.calls) if calls]
        return rows, [calls for calls in self.calls if calls]

    @cached_property
    def calls_of(self) -> dict[str, list[tuple[int, ToolCall]]]:
        """The calls of each tool, with the rows of their turns."""
        found: dict[str, list[tuple[int, ToolCall]]] = {}
        for row, calls in zip(*self.calling, strict=True):
            for call in calls:
                found.setdefault(call.name, []).append((row, call))
        return found


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
    fitted on half of the learning turns.
    """

    version: ClassVar[int]
    halved: ClassVar[bool]

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """What this kind makes of the learning turns: usually one dimension, `flags` makes one a name."""

    @property
    def side(self) -> Side:
        """Which side of a turn it is of."""

    @property
    def configured(self) -> bool:
        """Whether its bins come from configuration; those are never pooled."""

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
