"""The dimensions. A new one is one file here and one line below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binning.dimensions.cluster import Cluster
from binning.dimensions.code import InputCode, OutputCode
from binning.dimensions.defined import AttributeValues, NumberThresholds, TextPattern
from binning.dimensions.flags import Flag
from binning.dimensions.intent import Intent
from binning.dimensions.language import Language
from binning.dimensions.length import InputLength, OutputLength
from binning.dimensions.modality import Modality
from binning.dimensions.novelty import Novelty
from binning.dimensions.numbers import Duration, InputTokens, OutputTokens
from binning.dimensions.paragraphs import Paragraphs
from binning.dimensions.requested import ToolRequested
from binning.dimensions.response_category import ResponseCategory
from binning.dimensions.retrieval import RetrievalDocuments, RetrievalScore, RetrievalSource
from binning.dimensions.sentiment import Sentiment
from binning.dimensions.tone import Tone
from binning.dimensions.tool_shapes import ToolArguments, ToolResultShape
from binning.dimensions.tools import ToolCount, ToolOutcome, ToolPattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.dimensions.base import Dimension

KINDS: Mapping[str, type[Dimension]] = {
    "input.intent": Intent,
    "input.cluster": Cluster,
    "input.novelty": Novelty,
    "input.length": InputLength,
    "input.tokens": InputTokens,
    "input.has_code": InputCode,
    "input.language": Language,
    "input.sentiment": Sentiment,
    "input.modality": Modality,
    "input.tool_requested": ToolRequested,
    "input.retrieval_source": RetrievalSource,
    "input.retrieval_documents": RetrievalDocuments,
    "input.retrieval_score": RetrievalScore,
    "output.response_category": ResponseCategory,
    "output.flags": Flag,
    "output.tool_pattern": ToolPattern,
    "output.tool_count": ToolCount,
    "output.tool_arguments": ToolArguments,
    "output.tool_outcome": ToolOutcome,
    "output.tool_result_shape": ToolResultShape,
    "output.length": OutputLength,
    "output.tokens": OutputTokens,
    "output.duration": Duration,
    "output.paragraphs": Paragraphs,
    "output.has_code": OutputCode,
    "output.tone": Tone,
    "defined.attribute": AttributeValues,
    "defined.thresholds": NumberThresholds,
    "defined.pattern": TextPattern,
}
"""Every kind by the key it is stored under, in the order of a bin set's layout; the users' own come last."""

EMBEDDED = frozenset(
    {
        "input.intent",
        "input.cluster",
        "input.novelty",
        "input.language",
        "input.sentiment",
        "output.response_category",
    }
)
"""Kinds that are counted on the embedded sample alone: they need a vector, or cost as much as one."""
