"""Open categories in a bounded number of bins, however many names the traffic brings."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from binning.identity import identity_hash
from binning.layout import OTHER, UNSEEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_NAME = re.compile(r"[\w.:/+>* \[\],{}#-]{1,80}")
"""What may name a bin: bins reach Redis, alerts and HTTP. An e-mail address or a paragraph is none."""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Folding:
    """The patterns with a bin of their own, and by hash the parts that more than one learning turn had.

    A pattern is one name, or a combination of several, its parts. A rare or new combination of known parts is
    `__other__`, one with an unknown part `__unseen__`. A part of a single learning turn is unknown on
    purpose: the share of such turns estimates how often something new turns up anyway (Good and Turing 1953),
    so that names which never repeat, such as ids, are as unseen while learning as they are later.
    """

    own: tuple[str, ...]
    known: frozenset[int]

    @classmethod
    def learn(cls, seen: Iterable[tuple[str, Sequence[str]]], *, most: int, least: int) -> Self:
        """From each turn's pattern and its parts: at most `most` patterns of at least `least` turns."""
        patterns: Counter[str] = Counter()
        parts: Counter[str] = Counter()
        for pattern, its in seen:
            patterns[pattern] += 1
            parts.update(set(its))
        frequent = (pattern for pattern in _ranked(patterns) if patterns[pattern] >= least)
        own = [pattern for pattern in frequent if _NAME.fullmatch(pattern)][:most]
        known = [part for part in _ranked(parts)[:_REMEMBERED] if parts[part] > 1]
        return cls(tuple(own), frozenset(map(identity_hash, known)))

    @property
    def bins(self) -> tuple[str, ...]:
        """The own patterns, the most frequent first, then `__other__` and `__unseen__`."""
        return (*self.own, OTHER, UNSEEN)

    def index(self) -> dict[str, int]:
        """The bin of each own pattern, for `place`."""
        return {pattern: number for number, pattern in enumerate(self.own)}

    def place(self, parts: Sequence[str]) -> int:
        """The bin of a pattern that is none of the own ones, by its parts."""
        unseen = any(identity_hash(part) not in self.known for part in parts)
        return len(self.own) + unseen

    def state(self) -> Mapping[str, Any]:
        """The own patterns, and the hashes as an array."""
        return {"own": self.own, "known": np.array(sorted(self.known), dtype=np.uint64)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["own"]), frozenset(int(part) for part in state["known"]))


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))
