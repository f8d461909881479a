"""How long a text is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from binning.dimensions.numbers import Number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from binning.dimensions.base import Batch
    from binning.layout import Side


class _Length(Number):
    __slots__ = ()
    name: ClassVar[str] = "length"
    least: ClassVar[int | None] = 1
    fallback: ClassVar[tuple[int, ...]] = (5, 10, 20, 40, 80, 160)


class InputLength(_Length):
    """Words of the input text."""

    __slots__ = ()
    side: ClassVar[Side] = "input"

    @staticmethod
    def _given(batch: Batch) -> NDArray[np.int64]:
        return batch.input_marks.words


class OutputLength(_Length):
    """Words of the output text; a turn that only calls tools has no output text and no length."""

    __slots__ = ()
    side: ClassVar[Side] = "output"

    @staticmethod
    def _given(batch: Batch) -> NDArray[np.int64]:
        return batch.output_marks.words
