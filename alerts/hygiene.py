"""Names that come from traces (tools, labels, versions), made safe to print where people read them."""

from __future__ import annotations

import unicodedata

BLANK = frozenset({"Cc", "Zl", "Zp"})
DROPPED = frozenset({"Cf", "Cs", "Co"})
"""Format characters (bidirectional overrides, zero width, tags), lone surrogates, private use."""


def clean(text: str, limit: int = 60) -> str:
    """One line of at most `limit` characters, without what hides, reorders or breaks the rest."""
    kept = (
        " " if _category(c) in BLANK else c
        for c in unicodedata.normalize("NFC", text)
        if _category(c) not in DROPPED
    )
    return cut(" ".join("".join(kept).split()), limit)


def cut(text: str, limit: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _category(character: str) -> str:
    return unicodedata.category(character)
