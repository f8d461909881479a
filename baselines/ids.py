"""The ids of turns just counted, kept beside a partition's offset while a producer may repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class IdChanges:
    """What a commit does to them: blocks of ids `added` under a name, names of blocks `dropped`."""

    added: Mapping[str, bytes]
    dropped: Sequence[str]
