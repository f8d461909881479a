"""What the agent's retrieval found: an index that was rebuilt overnight shows here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.folding import Folding
from binning.dimensions.numbers import Number
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.turn import Retrieval

NOTHING = "none"

_MOST_SOURCES = 20
_OWN_BIN_TURNS = 20
_COVERED = 0.8
_MOST_DOCUMENTS = 1_000_000


@dataclass(frozen=True, slots=True)
class RetrievalSource:
    """Where the documents came from; `none` where the retrieval says that it found no document.

    All sources of a turn together, such as `faq+manual`, so that one that fell silent is missed; where there
    are so many combinations that those with a bin of their own would not cover 80 % of the learning turns,
    the first source alone (`combined` is false). A bin of its own takes 20 learning turns: a source may be a
    document, and its name somebody's.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "retrieval_source"
    labels: ClassVar[tuple[str, ...]] = ()

    sources: Folding
    combined: bool

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """The most frequent combinations, or first sources, at most 20."""
        given = [turn.retrieval for turn in learning.batch.turns if turn.retrieval and turn.retrieval.sources]
        together = cls(_fold(given, combined=True), combined=True)
        counts = Counter(_pattern(found, combined=True) for found in given)
        covered = sum(counts[pattern] for pattern in together.sources.own)
        if covered >= _COVERED * len(given):
            return (together,)
        return (cls(_fold(given, combined=False), combined=False),)

    @property
    def bins(self) -> tuple[str, ...]:
        """`none`, the frequent ones, `__other__`, `__unseen__`."""
        return (NOTHING, *self.sources.bins)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's sources; absent where it names none, unless nothing was found."""
        index = self.sources.index()
        placed: dict[tuple[str, ...], int] = {}

        def bin_of(found: Retrieval | None) -> int:
            if found is None:
                return ABSENT
            if not found.sources:
                return 0 if found.documents == 0 else ABSENT
            number = placed.get(found.sources)
            if number is None:
                number = index.get(_pattern(found, combined=self.combined))
                if number is None:
                    number = self.sources.place(_parts(found, combined=self.combined))
                placed[found.sources] = number
            return 1 + number

        return np.fromiter((bin_of(turn.retrieval) for turn in batch.turns), np.int32, len(batch.turns))

    def state(self) -> Mapping[str, Any]:
        """The sources, and whether they are combined."""
        return {**self.sources.state(), "combined": self.combined}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(Folding.restore(state), combined=bool(state["combined"]))


class RetrievalDocuments(Number):
    """How many documents were found; none at all always has a bin of its own."""

    __slots__ = ()
    side: ClassVar[Side] = "input"
    name: ClassVar[str] = "retrieval_documents"
    always: ClassVar[tuple[int, ...]] = (1,)
    fallback: ClassVar[tuple[int, ...]] = (2, 3, 5, 10, 20)

    @staticmethod
    def _given(batch: Batch) -> Iterable[float | None]:
        return (_documents(turn.retrieval) for turn in batch.turns)


class RetrievalScore(Number):
    """The best document's score, to four decimals. Its scale is the retriever's own."""

    __slots__ = ()
    side: ClassVar[Side] = "input"
    name: ClassVar[str] = "retrieval_score"
    scale: ClassVar[int] = 10_000
    least: ClassVar[int | None] = None

    @staticmethod
    def _given(batch: Batch) -> Iterable[float | None]:
        return (turn.retrieval.top_score if turn.retrieval is not None else None for turn in batch.turns)


def _fold(given: Sequence[Retrieval], *, combined: bool) -> Folding:
    seen = ((_pattern(each, combined=combined), _parts(each, combined=combined)) for each in given)
    return Folding.learn(seen, most=_MOST_SOURCES, least=_OWN_BIN_TURNS)


def _pattern(found: Retrieval, *, combined: bool) -> str:
    return "+".join(_parts(found, combined=combined))


def _parts(found: Retrieval, *, combined: bool) -> Sequence[str]:
    if not combined or len(found.sources) == 1:
        return found.sources[:1]
    return sorted(set(found.sources))


def _documents(found: Retrieval | None) -> int | None:
    """The number as one that a float can hold: JSON's integers have no bound."""
    if found is None or found.documents is None:
        return None
    return min(max(found.documents, -1), _MOST_DOCUMENTS)
