"""What kind of answer the agent gave. Structured evidence comes first, then ordered patterns on the text."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import re2

from binning.dimensions.prototypes import Prototypes, opening
from binning.dimensions.response_patterns import NOTHING, ResponsePatterns
from binning.layout import ABSENT, Side
from binning.spec import ResponseRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.dimensions.response_patterns import Found
    from binning.encoder import Encoder
    from binning.turn import Output

ANSWERED = "answered"
CATEGORIES = (
    ANSWERED,
    "asked_clarify",
    "refused",
    "tool_called",
    "apologized",
    "escalated",
    "hallucination_flag",
    "other",
)

_REFUSING_FINISHES = frozenset({"content_filter", "refusal", "safety", "guardrail_intervened", "blocklist"})
_HANDS_OVER = re2.compile(
    r"(?i)escalat|hand_?-?(off|over)|(transfer|connect|forward|route|pass|switch|call)"
    r".*(human|agent|person|representative|operator|specialist|staff)"
)
_SURE = 0.9
"""How likely the prototypes must find a category before a text without any pattern is of it."""


@dataclass(frozen=True, slots=True)
class ResponseCategory:
    """The first of these that applies; each is tested against the next in `test_response_category.py`.

    1. `hallucination_flag`: an evaluator's flag that names a hallucination.
    2. `refused`: a finish reason that says so (a content filter, a guardrail).
    3. `refused`: a pattern of that rule in the text, also beside a tool call.
    4. `escalated`: a tool that hands over to a human, or a pattern of that rule.
    5. `tool_called`: any other tool call.
    6. `other`: a text of blanks only.
    7. The first rule, in their order, of which a pattern matches.
    8. The prototypes: what words alone do not show (many refusals never say sorry). Where no pattern matches
       but one of a rule's `suspects` does, the text's first words are compared with the rules' examples.
    9. `answered`.
    """

    side: ClassVar[Side] = "output"
    version: ClassVar[int] = 3
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = True
    name: ClassVar[str] = "response_category"
    labels: ClassVar[tuple[str, ...]] = ()

    rules: tuple[ResponseRule, ...]
    prototypes: Prototypes | None = None
    _patterns: ResponsePatterns = field(init=False, repr=False, compare=False)
    _ranks: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_patterns", ResponsePatterns.of(self.rules))
        object.__setattr__(self, "_ranks", {rule.category: rank for rank, rule in enumerate(self.rules)})

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Only what is configured counts."""
        return (cls.from_rules(learning.spec.responses, learning.encoder),)

    @classmethod
    def from_rules(cls, rules: Sequence[ResponseRule], encoder: Encoder) -> Self:
        """Of rules, with prototypes where at least two of them have examples.

        Raises:
            ValueError: a pattern is no RE2 expression.
        """
        prototypes = Prototypes.of({rule.category: rule.examples for rule in rules}, encoder)
        return cls(tuple(_without_examples(rule) for rule in rules), prototypes)

    @property
    def bins(self) -> tuple[str, ...]:
        """The eight categories, then those that only the rules name."""
        return tuple(dict.fromkeys((*CATEGORIES, *(rule.category for rule in self.rules))))

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The category of each output."""
        index = {name: number for number, name in enumerate(self.bins)}
        bins = np.full(len(batch.turns), ABSENT, dtype=np.int32)
        unsure: dict[int, frozenset[int]] = {}
        for row, output in enumerate(batch.outputs):
            if output is not None:
                category, suspected = self._read(output)
                bins[row] = index[category]
                if suspected and self.prototypes is not None:
                    unsure[row] = suspected
        if self.prototypes is not None and unsure:
            asked = list(unsure)
            vectors, made = batch.encode([opening(batch.output_texts[row]) for row in asked], asked)
            named = self._compared(self.prototypes, vectors, unsure.values())
            bins[asked] = np.where(made, [index[category] for category in named], ABSENT)
        if self.prototypes is not None:  # while the encoder fails, the sure ones alone are no fair sample
            bins[batch.has_text & ~batch.embedded] = ABSENT
        return bins

    def state(self) -> Mapping[str, Any]:
        """The rules without their examples, which are texts, and what was learned from those."""
        learned = self.prototypes.state() if self.prototypes is not None else {}
        return {"rules": [list(astuple(rule)) for rule in self.rules], **learned}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        rules = tuple(ResponseRule(*map(_as_tuple, fields)) for fields in state["rules"])
        if "kinds" not in state:
            return cls(rules)
        return cls(rules, Prototypes(tuple(state["kinds"]), state["weights"], state["bias"]))

    def _read(self, output: Output) -> tuple[str, frozenset[int]]:
        """The category by evidence and patterns, and the rules that the prototypes may still name instead."""
        text = output.text.strip() if output.text else ""
        found = self._patterns.search(text) if text else NOTHING
        category = self._by_evidence(output, found)
        if category is None and found.named:
            category = self.rules[found.named[0]].category
        if category is None and text:
            return ANSWERED, found.suspected
        return category or "other", _NONE

    def _by_evidence(self, output: Output, found: Found) -> str | None:
        """What outranks the order of the rules."""
        if output.flags and any("hallucinat" in flag.casefold() for flag in output.flags):
            return "hallucination_flag"
        finish = output.finish_reason
        if self._ranks.get("refused") in found.named or (finish and finish.casefold() in _REFUSING_FINISHES):
            return "refused"
        if self._ranks.get("escalated") in found.named:
            return "escalated"
        if output.tool_calls:
            handed = any(_hands_over(call.name) for call in output.tool_calls)
            return "escalated" if handed else "tool_called"
        return None

    def _compared(
        self, prototypes: Prototypes, vectors: NDArray[np.int8], suspected: Iterable[frozenset[int]]
    ) -> list[str]:
        shares = prototypes.shares(vectors)
        likeliest = shares.argmax(axis=1)
        named = []
        for kind, share, rules in zip(
            likeliest.tolist(), shares.max(axis=1).tolist(), suspected, strict=True
        ):
            category = prototypes.kinds[kind]
            named.append(category if share >= _SURE and self._ranks[category] in rules else ANSWERED)
        return named


_NONE: frozenset[int] = frozenset()


@lru_cache(maxsize=4096)
def _hands_over(tool: str) -> bool:
    return _HANDS_OVER.search(tool.encode("utf-8", "replace")) is not None


def _without_examples(rule: ResponseRule) -> ResponseRule:
    return ResponseRule(*astuple(rule)[:-1])


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
