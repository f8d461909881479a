"""What many texts show at one look: how many words each has, and which of them are worth a closer one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BLANK, _BREAK, _SIGN = 1, 2, 4
_KINDS = bytes(
    chr(code).isspace() * _BLANK + (chr(code) == "\n") * _BREAK + (chr(code) in "`{}=<;)") * _SIGN
    for code in range(128)
).ljust(256, b"\0")
_AT_ONCE = 1 << 18
"""About so many characters are looked at together: a look takes ten times their memory."""


@dataclass(frozen=True, slots=True)
class Marks:
    """`words`, (texts,): how many, as `str.split` parts them.

    `broken` and `signed` are the places, ascending, of the texts that may have a line break, or a sign
    without which nothing is code: of all that have one, and of those that are not plain ASCII.
    """

    words: NDArray[np.int64]
    broken: Sequence[int]
    signed: Sequence[int]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Plain ASCII is joined and looked at many at once, other texts one by one."""
        others = [row for row, text in enumerate(texts) if not text.isascii()]
        plain = list(texts)
        for row in others:
            plain[row] = ""
        lengths = np.fromiter(map(len, plain), np.int64, len(plain)) + 1
        words, held = np.empty(len(plain), np.int64), np.empty(len(plain), np.uint8)
        for begin, end in pairwise((0, *_cuts(lengths), len(plain))):
            words[begin:end], held[begin:end] = _look(plain[begin:end], lengths[begin:end])
        for row in others:
            words[row] = len(texts[row].split())
            held[row] = _BREAK | _SIGN
        return cls(words, np.flatnonzero(held & _BREAK).tolist(), np.flatnonzero(held & _SIGN).tolist())


def _cuts(lengths: NDArray[np.int64]) -> list[int]:
    """Before which texts another look begins."""
    looks = np.cumsum(lengths) // _AT_ONCE
    found: list[int] = (np.flatnonzero(looks[1:] > looks[:-1]) + 1).tolist()
    return found


def _look(plain: Sequence[str], lengths: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The words of each text, and what kinds of sign it holds. `lengths` have a blank more, before each."""
    begins = np.cumsum(lengths) - lengths
    kinds = np.frombuffer(" ".join(("", *plain, "")).encode("ascii").translate(_KINDS), dtype=np.uint8)
    blank = kinds & _BLANK
    words = np.add.reduceat(blank[:-1] > blank[1:], begins, dtype=np.int64)
    return words, np.bitwise_or.reduceat(kinds[:-1], begins)
