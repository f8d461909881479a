"""Learn one kind of dimension from turns, and read which bins it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from binning.dimensions.base import Batch, Learning
from binning.spec import BinSpec
from binning.turn import EventTime, Input, Output, Retrieval, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Dimension


class NoEncoder:
    """Knows no token: for dimensions that need no vectors."""

    name, digest, width = "none", "0" * 64, 4

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Rows of zeros."""
        return np.zeros((len(texts), self.width), dtype=np.int8)


def teach(kind: type[Dimension], turns: Sequence[Turn], spec: BinSpec | None = None) -> list[Any]:
    """What `kind` makes of the turns."""
    batch = Batch(turns, NoEncoder())
    fitting = np.zeros(len(turns), dtype=np.bool_)
    return list(kind.learn(Learning(batch, fitting, spec or BinSpec((), ()), NoEncoder())))


def bins_of(dimension: Dimension, turns: Sequence[Turn]) -> list[str | None]:
    """The name of each turn's bin, None where it is absent."""
    numbers = dimension.assign(Batch(turns, NoEncoder())).tolist()
    return [dimension.bins[number] if number >= 0 else None for number in numbers]


def asked(text: str | None = None, *modalities: str) -> Turn:
    """A turn without an output."""
    return Turn(trace_id="t", at=EventTime(0.0), input=Input(text, modalities))


def answered(text: str | None = "Done.", *calls: ToolCall, **more: Any) -> Turn:
    """A turn with an output; `more` are keys of the turn."""
    return Turn(trace_id="t", at=EventTime(0.0), output=Output(text, calls), **more)


def called(*tools: str) -> Turn:
    """A turn that called these tools."""
    return answered("Done.", *(ToolCall(tool) for tool in tools))


def retrieved(*sources: str, documents: int | None = None, score: float | None = None) -> Turn:
    """A turn whose retrieval found this."""
    found = Retrieval(sources, documents, score)
    return Turn(trace_id="t", at=EventTime(0.0), retrieval=found)
