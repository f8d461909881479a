"""Which tool the agent reached for first: what it took the question for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from binning.dimensions.folding import Folding
from binning.dimensions.tools import NO_TOOL, by_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.layout import Side
    from binning.turn import ToolCall

_MOST_TOOLS = 30
_OWN_BIN_TURNS = 5


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The first tool of the turn, or `none`. Of the input side, yet never deciding: the agent chose it."""

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "tool_requested"
    labels: ClassVar[tuple[str, ...]] = ()

    tools: Folding

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """The most frequent tools of at least 5 turns, at most 30."""
        first = [calls[0].name for calls in learning.batch.calling[1]]
        seen = ((name, (name,)) for name in first)
        return (cls(Folding.learn(seen, most=_MOST_TOOLS, least=_OWN_BIN_TURNS)),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`none`, the frequent tools, `__other__`, `__unseen__`."""
        return (NO_TOOL, *self.tools.bins)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's first tool; absent without an output."""
        index = self.tools.index()

        def bin_of(calls: tuple[ToolCall, ...]) -> int:
            name = calls[0].name
            found = index.get(name)
            return 1 + (self.tools.place((name,)) if found is None else found)

        return by_calls(batch, bin_of)

    def state(self) -> Mapping[str, Any]:
        """The tools."""
        return self.tools.state()

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(Folding.restore(state))
