"""Dimensions that the user defines in the YAML file."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Literal, Self

import re2
from pydantic import Field, field_validator, model_validator

from config.decide import DIMENSIONS
from config.values import Names, Section, Text

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_BUILT_IN = frozenset(key.partition(".")[2] for key in DIMENSIONS)
_MOST_BINS = 20
_LONGEST_VALUE = 80

Number = Literal["input_tokens", "output_tokens", "duration_ms", "retrieval.documents", "retrieval.top_score"]


class DefinedDimension(Section):
    """One dimension: an attribute's values, thresholds on a number, or a pattern on the side's text."""

    name: str = Field(examples=["plan"])
    side: Literal["input", "output"] = Field(examples=["input"])
    attribute: Text | None = None
    values: Names = ()
    """The attribute's values with a bin of their own; without any, the most frequent while learning."""
    field: Number | None = None
    thresholds: tuple[float, ...] = ()
    pattern: str | None = None

    @property
    def key(self) -> str:
        """`side.name`, as `decide` knows it."""
        return f"{self.side}.{self.name}"

    @field_validator("name")
    @classmethod
    def _nameable(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("should be at most 40 of a-z, 0-9 and _, and begin with a letter")
        if name in _BUILT_IN:
            raise ValueError("is the name of a built-in dimension: take another")
        return name

    @field_validator("values")
    @classmethod
    def _told_apart(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if len(values) > _MOST_BINS or len(set(values)) != len(values):
            raise ValueError(f"should be at most {_MOST_BINS} different ones; every other is __other__")
        if not all(0 < len(value) <= _LONGEST_VALUE and value.isprintable() for value in values):
            raise ValueError(f"should have 1 to {_LONGEST_VALUE} characters each, on one line")
        if any(value.startswith("__") for value in values):
            raise ValueError("should not begin with __, which only bins of quadrift do")
        return values

    @field_validator("thresholds")
    @classmethod
    def _ascending(cls, thresholds: tuple[float, ...]) -> tuple[float, ...]:
        if len(thresholds) >= _MOST_BINS or any(low >= high for low, high in pairwise(thresholds)):
            raise ValueError(f"should be at most {_MOST_BINS - 1} numbers, each larger than the one before")
        if not all(map(math.isfinite, thresholds)):
            raise ValueError("should be finite numbers")
        return thresholds

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        options = re2.Options()
        options.log_errors = False  # it would print the pattern
        try:
            if pattern is not None:
                re2.compile(pattern, options)
        except re2.error:
            message = "is no RE2 expression: it knows neither look-around nor back-references"
            raise ValueError(message) from None
        return pattern

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if sum(bool(source) for source in (self.attribute, self.field, self.pattern)) != 1:
            raise ValueError("takes exactly one of attribute, field and pattern, and it may not be empty")
        if self.field and not self.thresholds:
            raise ValueError("needs thresholds for its field, such as [10, 100]")
        if self.pattern and (self.thresholds or self.values):
            raise ValueError("has a pattern, whose bins are no and yes: leave values and thresholds out")
        if self.values and (self.thresholds or not self.attribute):
            raise ValueError("takes values for an attribute alone: leave thresholds out")
        return self
