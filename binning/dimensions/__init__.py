"""The dimensions. A new one is one file here and one line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binning.dimensions.cluster import Cluster
from binning.dimensions.flags import Flag
from binning.dimensions.intent import Intent
from binning.dimensions.language import Language
from binning.dimensions.length import InputLength, OutputLength
from binning.dimensions.novelty import Novelty
from binning.dimensions.response_category import ResponseCategory
from binning.dimensions.tools import ToolCount, ToolOutcome, ToolPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.dimensions.base import Dimension

KINDS: Mapping[str, type[Dimension]] = {
    "input.intent": Intent,
    "input.cluster": Cluster,
    "input.novelty": Novelty,
    "input.length": InputLength,
    "input.language": Language,
    "output.response_category": ResponseCategory,
    "output.flags": Flag,
    "output.tool_pattern": ToolPattern,
    "output.tool_count": ToolCount,
    "output.tool_outcome": ToolOutcome,
    "output.length": OutputLength,
}
"""Every kind by the key it is stored under, in the order of a bin set's layout."""
