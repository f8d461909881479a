"""How many paragraphs the answer has: one that became a list or an essay shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from binning.dimensions.numbers import Number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from binning.dimensions.base import Batch
    from binning.layout import Side

_MOST = 1_000
"""More line breaks than this are not looked at: such an answer is in the last bin anyway."""


class Paragraphs(Number):
    """Blocks of the output text between blank lines."""

    __slots__ = ()
    side: ClassVar[Side] = "output"
    name: ClassVar[str] = "paragraphs"
    least: ClassVar[int | None] = 1
    fallback: ClassVar[tuple[int, ...]] = (2, 3, 4, 5, 7, 10)

    @staticmethod
    def _given(batch: Batch) -> NDArray[np.int64]:
        texts, marks = batch.output_texts, batch.output_marks
        blocks = np.minimum(marks.words, 1)
        blocks[marks.broken] = [paragraphs(texts[row]) for row in marks.broken]
        return blocks


def paragraphs(text: str) -> int:
    """Blocks of lines that are not blank; 0 for blanks only."""
    count, inside = 0, False
    for line in text.split("\n", _MOST):
        filled = bool(line) and not line.isspace()
        count += filled and not inside
        inside = filled
    return count
