"""The intent taxonomy and the response patterns: the built-in ones or yours, checked, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import re2
from pydantic import Field, ValidationError, field_validator

from config.errors import explain
from config.sources import read_yaml
from config.values import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

_BUILT_IN = Path(__file__).parent
Shape = TypeVar("Shape", bound=Section)
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"


class Intent(Section):
    """One kind of thing that users ask for, and how they say it."""

    name: str = Field(pattern=_NAME, examples=["billing"])
    description: str = ""
    examples: tuple[str, ...] = ()


class Response(Section):
    """One kind of answer, and what tells it from the text: regular expressions (RE2), and examples."""

    category: str = Field(pattern=_NAME, examples=["refused"])
    patterns: tuple[str, ...] = ()
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()
    at_most: int | None = Field(default=None, ge=1)
    suspects: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def expressions(self) -> dict[str, tuple[str, ...]]:
        """The RE2 expressions by the key that they stand under."""
        return {
            "patterns": self.patterns,
            "opening": self.opening,
            "closing": self.closing,
            "suspects": self.suspects,
        }


class _Intents(Section):
    intents: tuple[Intent, ...] = Field(min_length=2, examples=["[{name: billing, examples: [...]}]"])

    @field_validator("intents")
    @classmethod
    def _usable(cls, intents: tuple[Intent, ...]) -> tuple[Intent, ...]:
        _told_apart([intent.name for intent in intents])
        if sum(bool(intent.examples) for intent in intents) < 2:
            raise ValueError("need examples: at least two intents must have some to be told apart")
        return intents


class _Responses(Section):
    responses: tuple[Response, ...] = Field(min_length=1, examples=["[{category: refused, patterns: [...]}]"])

    @field_validator("responses")
    @classmethod
    def _usable(cls, responses: tuple[Response, ...]) -> tuple[Response, ...]:
        _told_apart([response.category for response in responses])
        for response in responses:
            _compiles(response)
        return responses


def load_intents(path: Path | None) -> list[dict[str, Any]]:
    """The intents of the file (None: the built-in ones), each `{name, description, examples}`.

    Raises:
        ConfigError: the file cannot be read or has another shape.
    """
    return [intent.model_dump() for intent in _load(path or _BUILT_IN / "taxonomy.yaml", _Intents).intents]


def load_responses(path: Path | None) -> list[dict[str, Any]]:
    """The response categories of the file (None: the built-in ones), each with all keys of `Response`.

    Raises:
        ConfigError: the file cannot be read or has another shape.
    """
    return [entry.model_dump() for entry in _load(path or _BUILT_IN / "responses.yaml", _Responses).responses]


def _load(path: Path, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate(read_yaml(path))
    except ValidationError as error:
        raise explain(error, shape, lambda _: str(path)) from None


def _compiles(response: Response) -> None:
    options = re2.Options()
    options.log_errors = False  # it would print the pattern
    for key, expressions in response.expressions().items():
        for number, expression in enumerate(expressions, 1):
            try:
                re2.compile(expression, options)
            except re2.error:
                raise ValueError(
                    f"{key.removesuffix('s')} {number} of {response.category} is no RE2 expression: "
                    "it knows neither look-around nor back-references"
                ) from None


def _told_apart(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise ValueError("names one twice")
