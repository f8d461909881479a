"""What kind of answer the agent gave. Structured evidence comes first, then ordered patterns on the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import re2

from binning.layout import ABSENT, Side
from binning.spec import ResponseRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.turn import Output, Turn

CATEGORIES = (
    "answered",
    "asked_clarify",
    "refused",
    "tool_called",
    "apologized",
    "escalated",
    "hallucination_flag",
    "other",
)

_REFUSING_FINISHES = frozenset({"content_filter", "refusal", "safety", "guardrail_intervened", "blocklist"})
_BEFORE_TOOLS = ("refused", "escalated")
"""What a text may say that counts more than a tool call; looked for in this order, before all else."""

_HANDS_OVER = (
    r"escalat|hand_?-?(off|over)|(transfer|connect|forward|route|pass|switch|call)"
    r".*(human|agent|person|representative|operator|specialist|staff)"
)
_HEAD = 400
_TAIL = 300
_MEMORY = 64 << 20


@dataclass(frozen=True, slots=True)
class ResponseCategory:
    """In this precedence: evaluator flag, refusal, escalation, tool call, then the text by the rules' order.

    A refusal is a finish reason or a pattern, an escalation a tool that hands over or a pattern. A text that
    no pattern matches is `answered`. Long texts are read at their head and tail.
    """

    side: ClassVar[Side] = "output"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = True
    name: ClassVar[str] = "response_category"
    labels: ClassVar[tuple[str, ...]] = ()

    rules: tuple[ResponseRule, ...]
    _urgent: tuple[tuple[str, Any], ...] = field(init=False, repr=False, compare=False)
    _rest: tuple[tuple[str, Any], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        matchers = {rule.category: _compile(rule.patterns) for rule in self.rules if rule.patterns}
        urgent = tuple(
            (category, matchers.pop(category)) for category in _BEFORE_TOOLS if category in matchers
        )
        object.__setattr__(self, "_urgent", urgent)
        object.__setattr__(self, "_rest", tuple(matchers.items()))

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Only the configured rules count."""
        return (cls(learning.spec.responses),)

    @property
    def bins(self) -> tuple[str, ...]:
        """The eight categories, then those that only the rules name."""
        return tuple(dict.fromkeys((*CATEGORIES, *(rule.category for rule in self.rules))))

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The category of each output."""
        index = {name: number for number, name in enumerate(self.bins)}
        return np.fromiter((self._bin(turn, index) for turn in batch.turns), np.int32, len(batch.turns))

    def category(self, output: Output) -> str:
        """The category of one output."""
        if any("hallucinat" in flag.casefold() for flag in output.flags):
            return "hallucination_flag"
        text = _ends(output.text or "")
        if (output.finish_reason or "").casefold() in _REFUSING_FINISHES:
            return "refused"
        urgent = _first_match(self._urgent, text)
        if urgent == "refused":
            return urgent
        if urgent is not None or any(_TOOL_HANDS_OVER.search(call.name) for call in output.tool_calls):
            return "escalated"
        if output.tool_calls:
            return "tool_called"
        return (_first_match(self._rest, text) or "answered") if text else "other"

    def state(self) -> Mapping[str, Any]:
        """The rules."""
        return {"rules": [[rule.category, list(rule.patterns)] for rule in self.rules]}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(ResponseRule(category, tuple(patterns)) for category, patterns in state["rules"]))

    def _bin(self, turn: Turn, index: Mapping[str, int]) -> int:
        return index[self.category(turn.output)] if turn.output is not None and turn.answered else ABSENT


def _first_match(matchers: tuple[tuple[str, Any], ...], text: str) -> str | None:
    return next((category for category, matcher in matchers if text and matcher.search(text)), None)


def _ends(text: str) -> str:
    """Head and tail of a long text, with plain apostrophes and without halves of surrogate pairs."""
    short = text if len(text) <= _HEAD + _TAIL else f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    if not short.isascii():
        short = (
            short.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").encode("utf-8", "replace").decode("utf-8")
        )
    return short.strip()


def _compile(patterns: Sequence[str]) -> Any:
    """One expression for all patterns of a rule.

    Raises:
        ValueError: a pattern is no RE2 expression.
    """
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.dot_nl = True
    options.max_mem = _MEMORY
    options.never_capture = True
    for pattern in patterns:
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            raise ValueError(f"response pattern {pattern!r} is no RE2 expression: {error}") from error
    return re2.compile("|".join(f"(?:{pattern})" for pattern in patterns), options)


_TOOL_HANDS_OVER = _compile((_HANDS_OVER,))
