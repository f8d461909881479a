"""Which tools the agent called, how often, and whether they worked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.fixed import Fixed
from binning.identity import identity_hash
from binning.layout import ABSENT, OTHER, UNSEEN, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.turn import ToolCall

NO_TOOL = "none"

_OWN_BIN_TURNS = 5
_MOST_PATTERNS = 30
_MOST_NAMES = 8
_REMEMBERED_TOOLS = 10_000


@dataclass(frozen=True, slots=True)
class ToolPattern:
    """Tool names in order, immediate repeats folded: `lookup>refund`.

    A rare or new combination of known tools is `__other__`; a pattern with a tool that no learning turn
    called is `__unseen__`. Known tools are remembered by hash, (n,) uint64.
    """

    side: ClassVar[Side] = "output"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "tool_pattern"

    patterns: tuple[str, ...]
    known: frozenset[int]
    labels: tuple[str, ...] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """The most frequent patterns of at least 5 turns, at most 30."""
        called = [
            turn.output.tool_calls for turn in learning.batch.turns if turn.output and turn.output.tool_calls
        ]
        counts = Counter(map(pattern_of, called))
        frequent = sorted(counts, key=lambda pattern: (-counts[pattern], pattern))[:_MOST_PATTERNS]
        patterns = tuple(pattern for pattern in frequent if counts[pattern] >= _OWN_BIN_TURNS)
        tools = Counter(call.name for calls in called for call in calls)
        kept = sorted(tools, key=lambda tool: (-tools[tool], tool))[:_REMEMBERED_TOOLS]
        return (cls(patterns, frozenset(map(identity_hash, kept))),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`none`, the frequent patterns, `__other__`, `__unseen__`."""
        return (NO_TOOL, *self.patterns, OTHER, UNSEEN)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's pattern."""
        index = {pattern: number for number, pattern in enumerate(self.patterns, start=1)}
        other = len(self.patterns) + 1

        def bin_of(calls: tuple[ToolCall, ...]) -> int:
            found = index.get(pattern_of(calls))
            if found is not None:
                return found
            return other if all(identity_hash(call.name) in self.known for call in calls) else other + 1

        return by_calls(batch, bin_of)

    def state(self) -> Mapping[str, Any]:
        """Patterns and the hashes of known tools."""
        return {"patterns": self.patterns, "known": np.array(sorted(self.known), dtype=np.uint64)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["patterns"]), frozenset(int(tool) for tool in state["known"]))


class ToolCount(Fixed):
    """How many tool calls the turn took."""

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "tool_count"
    configured: ClassVar[bool] = False
    bins: ClassVar[tuple[str, ...]] = ("0", "1", "2", "3", "4-5", "6+")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of the number of calls."""
        return by_calls(batch, lambda calls: _COUNT_BIN[min(len(calls), 6)])


class ToolOutcome(Fixed):
    """Whether any tool call of the turn failed."""

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "tool_outcome"
    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = (NO_TOOL, "ok", "error")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """`error` when one call failed, `ok` when all worked, `none` without a call."""
        return by_calls(batch, _outcome)


_COUNT_BIN = (0, 1, 2, 3, 4, 4, 5)


def pattern_of(calls: Sequence[ToolCall]) -> str:
    """`a>b>a` for calls a, a, b, a; cut after 8 names."""
    if len(calls) == 1:
        return calls[0].name
    names = [name for name, _ in groupby(call.name for call in calls)]
    return ">".join((*names[:_MOST_NAMES], "...") if len(names) > _MOST_NAMES else names)


def _outcome(calls: tuple[ToolCall, ...]) -> int:
    return 2 if any(call.error for call in calls) else 1


def by_calls(batch: Batch, bin_of: Callable[[tuple[ToolCall, ...]], int]) -> NDArray[np.int32]:
    """The bin of each turn, by its calls where it has any; else 0, and absent without an output."""
    bins = np.where(batch.answered, np.int32(0), np.int32(ABSENT))
    rows, called = batch.calling
    bins[rows] = [bin_of(calls) for calls in called]
    return bins
