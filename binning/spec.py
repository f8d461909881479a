"""What is configured about binning, as plain values: whoever reads the YAML passes them in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.layout import Side

DECIDING_OUTPUTS = ("response_category", "flags", "tool_pattern", "tool_outcome", "length")


@dataclass(frozen=True, slots=True)
class TaxonomyEntry:
    """One intent: its name, what it means, and texts that users with this intent write."""

    name: str
    description: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """What puts an output text into `category`. RE2 patterns; case and line breaks do not matter.

    `opening` patterns are searched in the first 240 characters, `closing` in the last 160, `patterns` in
    both; none counts in a text of more than `at_most` characters. `examples` are openings of such texts, for
    the encoder: a text that no pattern matches is compared with them, if one of `suspects` (all texts if
    there is none) is in its opening.
    """

    category: str
    patterns: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    at_most: int | None = None
    suspects: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defined:
    """A dimension that the user defines, of an attribute, of a number or of a pattern.

    `attribute` alone: its values, those of `values` or, where there are none, the most frequent while
    learning. `thresholds` with an `attribute` or a `field` of `FIELDS`: ascending, between them lie the bins.
    `pattern`: yes where the RE2 expression is found in the side's text; case and line breaks do not matter.
    """

    name: str
    side: Side
    attribute: str | None = None
    values: tuple[str, ...] = ()
    field: str | None = None
    thresholds: tuple[float, ...] = ()
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class BinSpec:
    """Everything that is configured about binning.

    `segments` maps an attribute to its allowed values, at most 8. `joint_outcomes` names the deciding output
    dimensions; `flags` stands for every dimension of a flag. `defined` are the user's own. Bins are fitted
    on at most `max_turns` turns.
    `embedded_turns_per_hour`: where learning sees more, only a sample of about so many is embedded.
    `clusters` are the least and the most: the silhouette says how many.
    """

    taxonomy: tuple[TaxonomyEntry, ...]
    responses: tuple[ResponseRule, ...]
    clusters: tuple[int, int] = (32, 32)
    flags: tuple[str, ...] = ("hallucination",)
    segments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joint_outcomes: tuple[str, ...] = DECIDING_OUTPUTS
    defined: tuple[Defined, ...] = ()
    max_turns: int = 100_000
    embedded_turns_per_hour: int = 50_000

    @property
    def digest(self) -> str:
        """Names these settings: others give another bin set from the same turns."""
        plain = msgspec.json.encode(msgspec.to_builtins(self), order="deterministic")
        return hashlib.sha256(plain).hexdigest()[:16]
