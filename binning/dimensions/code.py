"""Whether a text holds code: a fenced block, a line that is a statement, markup or data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import re2

from binning.dimensions.fixed import Fixed
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch
    from binning.dimensions.marks import Marks

_FENCE = "```"
_READ = 4_000
"""Characters of a text that are looked at."""

_LINES = (
    r"(async )?def \w+\(.*\).*:",
    r"class \w+(\(.*\))?( extends \w+)? ?[:{]",
    r"(export |async )*(function\*? ?\w* ?\(|(const|let|var) [\w{}, ]+ ?=).*",
    r"#include ?[<\"].*",
    r"(if|for|while|switch|catch) ?\(.*\) ?\{",
    r"(import|from) [\w.]+.*;",
    r"select .+ from \w+.*[=;].*",
    r"[\w.\[\]'\"]+ ?[-+*/|:]?= ?[\w.\[\]]+\(.*\);?",
    r".*\w\(.*\) ?(;|\{)",
    r"</?[a-z][a-z0-9]*( [a-z-]+=.*)?/?>.*",
    r"[{\[] ?\"[^\"]*\" ?:.*",
    r"[{}\])]+[;,]?",
)


class _HasCode(Fixed):
    """`yes` where the head of a text holds code, absent where there is no text."""

    __slots__ = ()
    name: ClassVar[str] = "has_code"
    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = ("no", "yes")


class InputCode(_HasCode):
    """Whether the user sent code."""

    __slots__ = ()
    side: ClassVar[Side] = "input"

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """1 for code, 0 for none, absent without an input text."""
        return _codes(batch.texts, batch.input_marks)


class OutputCode(_HasCode):
    """Whether the agent answered with code."""

    __slots__ = ()
    side: ClassVar[Side] = "output"

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """1 for code, 0 for none, absent without an output text."""
        return _codes(batch.output_texts, batch.output_marks)


def has_code(text: str) -> bool:
    """Whether the head of the text has a fenced block or a line of code. Code in a line of prose is none.

    Every pattern of a line needs one of a few signs, which most prose lacks: those are looked for first.
    """
    head = text[:_READ]
    if _FENCE in head:
        return True
    signs = "{" in head or "}" in head or "=" in head or "<" in head or ";" in head or "):" in head
    return signs and _LINE.search(head.encode("utf-8", "replace")) is not None


def _codes(texts: Sequence[str], marks: Marks) -> NDArray[np.int32]:
    bins = np.fromiter((0 if text else ABSENT for text in texts), np.int32, len(texts))
    bins[marks.signed] = [has_code(texts[row]) for row in marks.signed]
    return bins


def _compile() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.never_capture = True
    return re2.compile(rf"(?m)^[ \t]*({'|'.join(_LINES)})[ \t\r]*$", options)


_LINE = _compile()
