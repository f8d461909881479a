"""A half of each set to develop on, and a half that is only scored."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def developing(text: str) -> bool:
    """Whether such texts were looked at: by the hash of the input, so that its answers stay together."""
    return hashlib.sha256(text.strip().lower().encode()).digest()[0] % 2 == 0


def parted(rows: Sequence[T], text: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """The rows to develop on, and those that are only scored."""
    first = [row for row in rows if developing(text(row))]
    return first, [row for row in rows if not developing(text(row))]
