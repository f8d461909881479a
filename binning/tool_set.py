"""What a set of tools is called: one value of the change set for all the tools that an agent is offered."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHORT = re.compile(r"[\w.:/+-]{0,60}")
"""Names and no sentence, and no more of them than an alert shows of a value: what it cut would not differ."""


def tool_set(tools: Iterable[str]) -> str:
    """One name for tools in any order: `lookup+refund`, `none`, or how many and a digest: `12 #5c0e91d3`."""
    names = sorted(set(tools))
    if _SHORT.fullmatch(shown := "+".join(names)):
        return shown or "none"
    digest = blake2b("\n".join(names).encode(), digest_size=4).hexdigest()
    return f"{len(names)} #{digest}"
