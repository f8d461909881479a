"""The sentiment of an input, by VADER's lexicon.

Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text (2014);
the lexicon is that of the package vaderSentiment. Of its rules only negation is kept: the package's own
analyzer takes ten times as long and names 94 to 95 % of texts the same.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from vaderSentiment.vaderSentiment import NEGATE, SentimentIntensityAnalyzer

from binning.dimensions.fixed import Fixed
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from binning.dimensions.base import Batch

READ = 1_000
WORDS = 60
"""Characters and words of a text that are looked at."""

_DECISIVE = 1.75
"""Sum of valences, each -4 to 4, from which a text is not neutral: one weak word decides nothing."""
_NEGATED = -0.74
_REACH = 3
"""Words that a negation reaches over; both are VADER's."""
_REMEMBERED = 65_536

Word = tuple[float, bool]
"""The valence of a word, and whether it negates."""


class Sentiment(Fixed):
    """Whether the words of an input text are rather negative, rather positive, or neither."""

    __slots__ = ()
    side: ClassVar[Side] = "input"
    name: ClassVar[str] = "sentiment"
    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = ("negative", "neutral", "positive")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The sentiment of each input text; absent where there is none."""
        return np.fromiter(map(_bin, batch.texts), np.int32, len(batch.texts))


def valence(text: str) -> float:
    """The sum of the valences of the first words, each turned around shortly after a negation."""
    words = text[:READ].lower().split(None, WORDS)[:WORDS]
    known = _words.get
    read = [known(word) or _learn(word) for word in words]
    total = 0.0
    for number, (worth, _) in enumerate(read):
        if worth:
            negated = any(negates for _, negates in read[max(0, number - _REACH) : number])
            total += worth * _NEGATED if negated else worth
    return total


def _bin(text: str) -> int:
    if not text:
        return ABSENT
    total = valence(text)
    return 1 + (total >= _DECISIVE) - (total <= -_DECISIVE)


def _learn(word: str) -> Word:
    if len(_words) >= _REMEMBERED:
        _words.clear()
    straight = word.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    bare = straight.strip(string.punctuation)
    worth = float(_LEXICON.get(straight, _LEXICON.get(bare, 0.0)))
    found = _words[word] = (worth, bare in _NEGATIONS or "n't" in bare)
    return found


_MANNERS = ("please", "pls", "plz", "help", "helping")
"""The lexicon finds these positive. Who asks for something says them in any mood."""

_LEXICON: dict[str, float] = {
    word: worth for word, worth in SentimentIntensityAnalyzer().lexicon.items() if word not in _MANNERS
}
_NEGATIONS = frozenset(NEGATE)
_words: dict[str, Word] = {}
