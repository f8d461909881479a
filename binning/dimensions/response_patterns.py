"""The patterns of all response rules, searched at once: one RE2 set for a text's opening, one for its end."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

import re2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from binning.spec import ResponseRule

    Hits = tuple[int, ...]
    Use = Literal["names", "suspects"]

OPENING = 240
CLOSING = 160
"""Characters of a text that are read: refusals open it, questions close it, what is between is neither."""

_MEMORY = 64 << 20
_REMEMBERED = 4096
_CURLY = "\N{RIGHT SINGLE QUOTATION MARK}"


@dataclass(frozen=True, slots=True)
class Found:
    """What the patterns say of one text: the rules that name it, in order, and those that suspect it."""

    named: tuple[int, ...]
    suspected: frozenset[int]


@dataclass(frozen=True, slots=True)
class ResponsePatterns:
    """Each set is one automaton, so a text costs two passes however many patterns there are."""

    _opening: Any
    _closing: Any
    _opening_owners: tuple[tuple[int, Use], ...]
    _closing_owners: tuple[tuple[int, Use], ...]
    _at_most: tuple[int | None, ...]
    _limits: tuple[int, ...]
    _seen: dict[tuple[Hits, Hits, int], Found] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Sequence[ResponseRule]) -> Self:
        """The patterns of `rules`, compiled.

        Raises:
            ValueError: a pattern is no RE2 expression.
        """
        opening: list[tuple[int, Use, str]] = []
        closing: list[tuple[int, Use, str]] = []
        for number, rule in enumerate(rules):
            opening += ((number, "names", pattern) for pattern in (*rule.opening, *rule.patterns))
            closing += ((number, "names", pattern) for pattern in (*rule.closing, *rule.patterns))
            opening += ((number, "suspects", pattern) for pattern in rule.suspects)
        return cls(
            automaton(pattern for _, _, pattern in opening),
            automaton(pattern for _, _, pattern in closing),
            tuple((number, use) for number, use, _ in opening),
            tuple((number, use) for number, use, _ in closing),
            tuple(rule.at_most for rule in rules),
            tuple(sorted({rule.at_most for rule in rules if rule.at_most is not None})),
        )

    def search(self, text: str) -> Found:
        """What they say of `text`, which begins and ends with something visible."""
        opening = self._opening.Match(plain(text[:OPENING]))
        closing = self._closing.Match(plain(text[-CLOSING:]))
        if opening is None and closing is None:
            return NOTHING
        key = (tuple(opening or ()), tuple(closing or ()), bisect_left(self._limits, len(text)))
        found = self._seen.get(key)
        return found if found is not None else self._learn(key, len(text))

    def _learn(self, key: tuple[Hits, Hits, int], length: int) -> Found:
        """What these hits mean, remembered: few combinations occur, and they come again and again."""
        hits = [self._opening_owners[hit] for hit in key[0]] + [self._closing_owners[hit] for hit in key[1]]
        named = {rule for rule, use in hits if use == "names" and length <= (self._at_most[rule] or length)}
        found = Found(tuple(sorted(named)), frozenset(rule for rule, use in hits if use == "suspects"))
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[key] = found
        return found


NOTHING = Found((), frozenset())


def as_written() -> Any:
    """How RE2 takes any expression that a person wrote: whatever its case, over lines, and in silence."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.dot_nl = True
    options.never_capture = True
    return options


def automaton(patterns: Iterable[str]) -> Any:
    """One RE2 set: `Match` of a text gives the numbers of the patterns that are in it, or None.

    Raises:
        ValueError: a pattern is no RE2 expression.
    """
    options = as_written()
    options.max_mem = _MEMORY
    made = re2.Set.SearchSet(options)
    for pattern in patterns:
        try:
            made.Add(pattern)
        except re2.error as error:
            raise ValueError(f"response pattern {pattern!r} is no RE2 expression: {error}") from error
    made.Compile()
    return made


def plain(text: str) -> bytes:
    """For RE2: with plain apostrophes and without halves of surrogate pairs, which it cannot take."""
    return text.replace(_CURLY, "'").encode("utf-8", "replace")
