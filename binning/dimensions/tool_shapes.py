"""The shape of each tool's arguments and of its result: a tool that changed its format shows here."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.folding import Folding
from binning.dimensions.shape import Skeleton, paths, shape_name, skeleton
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.turn import ToolCall

_MOST_TOOLS = 8
_MOST_SHAPES = 8
_OWN_BIN_TURNS = 20
_TOOL = re.compile(r"[\w./:-]{1,64}")
_REMEMBERED = 256
"""Shapes at most; where keys are data each is a new one, of up to thousands of keys."""


@dataclass(frozen=True, slots=True)
class _ToolShape(ABC):
    """One dimension a tool, so that an alert names the tool; of the 8 tools that most learning turns called.

    A combination of all tools' shapes in one bin would not say which of them changed. Shapes of at least 20
    learning turns have a bin of their own, at most 8 a tool. A turn that calls the tool more than once has
    the bin of its rarest shape.
    """

    side: ClassVar[Side] = "output"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ()
    family: ClassVar[str]

    tool: str
    shapes: Folding
    _bins_of: dict[Skeleton, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """One for each of the tools that were called most."""
        turns = {
            tool: Counter(row for row, _ in cls._skeletons(calls))
            for tool, calls in learning.batch.calls_of.items()
            if _TOOL.fullmatch(tool)
        }
        called = [tool for tool in turns if len(turns[tool]) >= _OWN_BIN_TURNS]
        chosen = sorted(called, key=lambda tool: (-len(turns[tool]), tool))[:_MOST_TOOLS]
        return tuple(cls(tool, cls._folding(learning.batch.calls_of[tool])) for tool in sorted(chosen))

    @property
    def name(self) -> str:
        """The family and the tool, such as `tool_arguments:lookup_order`."""
        return f"{self.family}:{self.tool}"

    @property
    def bins(self) -> tuple[str, ...]:
        """The tool's usual shapes by their keys, the most frequent first, `__other__`, `__unseen__`."""
        return self.shapes.bins

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of the rarest shape of each turn; absent where the tool was not called with any."""
        found = list(self._skeletons(batch.calls_of.get(self.tool, ())))
        known = self._bins_of
        numbers = [known[its] if its in known else self._place(its) for _, its in found]
        bins = np.full(len(batch.turns), ABSENT, dtype=np.int32)
        np.maximum.at(bins, [row for row, _ in found], numbers)
        return bins

    def state(self) -> Mapping[str, Any]:
        """The tool and its shapes."""
        return {"tool": self.tool, **self.shapes.state()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(state["tool"], Folding.restore(state))

    @classmethod
    def _folding(cls, calls: Sequence[tuple[int, ToolCall]]) -> Folding:
        """What the turns have; each turn's shapes count once."""
        each = dict.fromkeys(cls._skeletons(calls))
        parts = {found: paths(found) for found in {found for _, found in each}}
        turns = dict.fromkeys((row, parts[found]) for row, found in each)
        seen = ((shape_name(its), its) for _, its in turns)
        return Folding.learn(seen, most=_MOST_SHAPES, least=_OWN_BIN_TURNS)

    def _place(self, found: Skeleton) -> int:
        parts = paths(found)
        name = shape_name(parts)
        own = self.shapes.own
        if len(self._bins_of) >= _REMEMBERED:
            self._bins_of.clear()
        self._bins_of[found] = number = own.index(name) if name in own else self.shapes.place(parts)
        return number

    @classmethod
    def _skeletons(cls, calls: Sequence[tuple[int, ToolCall]]) -> Iterator[tuple[int, Skeleton]]:
        for row, call in calls:
            found = skeleton(cls._value(call))
            if found is not None:
                yield row, found

    @staticmethod
    @abstractmethod
    def _value(call: ToolCall) -> Any:
        """What of a call has the shape."""


class ToolArguments(_ToolShape):
    """What the tool was called with."""

    __slots__ = ()
    family: ClassVar[str] = "tool_arguments"

    @staticmethod
    def _value(call: ToolCall) -> Any:
        return call.arguments


class ToolResultShape(_ToolShape):
    """What the tool gave back, unless it failed: how often it fails is `tool_outcome`."""

    __slots__ = ()
    family: ClassVar[str] = "tool_result_shape"

    @staticmethod
    def _value(call: ToolCall) -> Any:
        return None if call.error else call.result
