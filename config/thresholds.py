"""How large a movement must be to count: for all dimensions, and for single ones."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from config.decide import canonical
from config.values import Section


class Effect(Section):
    """Where a debiased PSI counts as moderate, from where it may page, and as significant."""

    moderate: float = Field(gt=0, examples=["0.10"])
    significant: float = Field(gt=0, examples=["0.25"])

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.moderate >= self.significant:
            raise ValueError("moderate should be below significant")
        return self


class Thresholds(Effect):
    """The effect of all dimensions, and of those with their own (`quadrift calibrate` proposes them)."""

    moderate: float = Field(default=0.10, gt=0)
    significant: float = Field(default=0.25, gt=0)
    dimensions: dict[str, Effect] = Field(default_factory=dict)
    """By dimension, named as `decide` names them; `flags` is every flag that has no entry of its own.
    The context of validation are the dimensions that the config defines."""

    @field_validator("dimensions", mode="before")
    @classmethod
    def _named(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, dict):
            return given
        named: dict[str, Any] = {}
        for name, effect in given.items():
            key = canonical(str(name), info.context or ())
            if key in named:
                raise ValueError("names a dimension twice, once without its side")
            named[key] = effect
        return named

    def of(self, dimension: str) -> Effect:
        """The effect that a dimension (`side.name`) is held to."""
        family = dimension.partition(":")[0]
        return self.dimensions.get(dimension) or self.dimensions.get(family) or self
