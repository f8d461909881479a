"""The names of the dimensions, as the setting `decide` takes them."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

DIMENSIONS = (
    "input.intent",
    "input.cluster",
    "input.novelty",
    "input.length",
    "input.tokens",
    "input.has_code",
    "input.language",
    "input.sentiment",
    "input.modality",
    "input.tool_requested",
    "input.retrieval_source",
    "input.retrieval_documents",
    "input.retrieval_score",
    "output.response_category",
    "output.flags",
    "output.tool_pattern",
    "output.tool_count",
    "output.tool_arguments",
    "output.tool_outcome",
    "output.tool_result_shape",
    "output.length",
    "output.tokens",
    "output.duration",
    "output.paragraphs",
    "output.has_code",
    "output.tone",
)
"""Every dimension, `side.name`. A family stands for its members: `output.flags` for `output.flags:NAME`."""

FAMILIES = ("output.flags", "output.tool_arguments", "output.tool_result_shape")
"""The dimensions that there is one of for each flag, or for each tool."""

NEVER_DECIDING = "input.tool_requested"
"""Of the input side, yet the agent chose it: it would say that the users changed when the agent did."""

DEFAULT_DECIDE = (
    "input.intent",
    "input.cluster",
    "input.novelty",
    "input.language",
    "output.response_category",
    "output.flags",
    "output.tool_pattern",
    "output.tool_outcome",
    "output.length",
)
"""The deciding dimensions: few, because each one more that pages costs power."""


def canonical(name: str, defined: Collection[str] = ()) -> str:
    """`side.name` of a dimension that may be named without its side; a bare `length` is the output's.

    `defined` are those that the config defines, `side.name`.

    Raises:
        ValueError: there is no such dimension; the message names the nearest one.
    """
    family = name.partition(":")[0]
    for prefix in ("", "output.", "input."):
        key = f"{prefix}{family}"
        if key in DIMENSIONS and (family == name or key in FAMILIES):
            return f"{prefix}{name}"
        if f"{prefix}{name}" in defined:
            return f"{prefix}{name}"
    known = (*DIMENSIONS, *defined)
    close = get_close_matches(name, [*known, *(key.partition(".")[2] for key in known)], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    raise ValueError(f"names a dimension that does not exist; {hint}")
