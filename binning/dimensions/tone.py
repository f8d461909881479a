"""How the agent speaks: apologetic, hedged, confident or plainly declarative."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from binning.dimensions.fixed import Fixed
from binning.dimensions.response_patterns import automaton, plain
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from binning.dimensions.base import Batch

READ = 400
"""Characters of a text that are looked at."""

_APOLOGETIC = (
    r"\b(sorry|apolog(y|ies|i[sz]e[sd]?|i[sz]ing)|forgive (me|us)|my (bad|mistake)|our mistake)\b",
    r"\b(unfortunately|regrettably|i'm afraid|i am afraid|we're afraid|(i|we)( \w+)? regret)\b",
)
_HEDGED = (
    r"\b(maybe|perhaps|possibly|probably|presumably|apparently|roughly)\b",
    r"\b(may|might|could) (not|also|well|still|be|have|take|need|want|vary|apply|differ)\b",
    r"\b(may|might|could) (require|help|indicate|mean|affect|result|get|find|see|depend|include|cause)\b",
    r"\b(i|we) (\w+ )?(think|believe|guess|assume|suppose|suspect|would say)\b",
    r"\b(it|this|that|there) (\w+ )?(seems?|appears?|looks like)\b",
    r"\b(i'm|i am|we're|we are) (not (\w+ )?(sure|certain)|unsure)\b",
    r"\b(as far as (i|we)|to the best of|it depends|depend(s|ing) on|in (some|most|many) cases)\b",
    r"\b(likely|unlikely|tends? to|in general|generally|typically|usually|more or less)\b",
)
_CONFIDENT = (
    r"\b(certainly|definitely|absolutely|undoubtedly|surely|clearly|obviously|of course)\b",
    r"\b(without (a |any )?doubt|no doubt|for sure|guarantee[sd]?|100 ?%|rest assured|in fact)\b",
    r"\b(exactly|precisely|always|never|must)\b",
    r"\b(i'm|i am|we're|we are|you can be) (\w+ )?(sure|certain|confident|positive)\b",
)


class Tone(Fixed):
    """The first of these that the head of an output text shows; a text that shows none is declarative.

    Apologetic comes first, since an apology sets the tone whatever follows it; hedged comes before confident,
    since one "might" takes the certainty out of a sentence and one "of course" does not put it back.
    """

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "tone"
    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = ("apologetic", "hedged", "confident", "declarative")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The tone of each output text; absent where there is none."""
        return np.fromiter(map(_bin, batch.output_texts), np.int32, len(batch.turns))


def _bin(text: str) -> int:
    if not text or text.isspace():
        return ABSENT
    hits = _PATTERNS.Match(plain(text[:READ]))
    return _DECLARATIVE if hits is None else min(_OWNERS[hit] for hit in hits)


_KINDS = (_APOLOGETIC, _HEDGED, _CONFIDENT)
_DECLARATIVE = len(_KINDS)
_OWNERS = tuple(number for number, patterns in enumerate(_KINDS) for _ in patterns)
_PATTERNS = automaton(pattern for patterns in _KINDS for pattern in patterns)
