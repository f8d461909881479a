"""The value types of the settings: durations, moments, names. No message repeats what was given."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


class Section(BaseModel):
    """One section of the settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, regex_engine="python-re"
    )


def seconds(value: object) -> object:
    """`90s`, `15m`, `24h`, `14d` or `2w` in seconds. A bare number is refused: who can tell its unit?"""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("should be a number with a unit, such as 90s, 15m, 24h or 14d")
    return round(float(match[1]) * _UNITS[match[2]])


def spelled(duration: int) -> str:
    """Seconds as `seconds` reads them, in the largest unit that divides them."""
    unit = next(name for name in ("d", "h", "m", "s") if duration % _UNITS[name] == 0)
    return f"{duration // _UNITS[unit]}{unit}"


def moment(value: object) -> object:
    """`earliest`, `latest` or an ISO 8601 time (UTC where it names no zone) as seconds since the epoch."""
    if isinstance(value, str) and value in ("earliest", "latest"):
        return value
    try:
        return _epoch(value)
    except (TypeError, ValueError):
        message = "should be earliest, latest or a time such as 2026-11-01T00:00:00Z"
        raise ValueError(message) from None


def _epoch(value: object) -> float:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise TypeError
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


def _spelled_moment(value: str | float) -> str:
    return value if isinstance(value, str) else datetime.fromtimestamp(value, UTC).isoformat()


def names(value: object) -> object:
    """A list of names; from the environment also `a,b`."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def text(value: object) -> object:
    """A yes/no or a number as an attribute's text: `true`, `3`, `0.5`. Everything else as it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def version(value: object) -> object:
    """A version such as `2.8` as a tuple of whole numbers."""
    if value is None or (isinstance(value, str) and re.fullmatch(r"\d+(\.\d+){1,3}", value)):
        return tuple(int(part) for part in value.split(".")) if isinstance(value, str) else None
    raise ValueError("should be a version in quotes, such as '2.8'")


_STRING: dict[str, Any] = {"type": "string"}
Duration = Annotated[
    int,
    BeforeValidator(seconds),
    PlainSerializer(spelled, when_used="json"),
    WithJsonSchema(_STRING | {"examples": ["24h"]}),
]
Moment = Annotated[
    Literal["earliest", "latest"] | float,
    BeforeValidator(moment),
    PlainSerializer(_spelled_moment, when_used="json"),
    WithJsonSchema(_STRING | {"examples": ["earliest"]}),
]
Text = Annotated[str, BeforeValidator(text)]
Names = Annotated[tuple[Text, ...], BeforeValidator(names)]
Version = Annotated[tuple[int, ...] | None, BeforeValidator(version), WithJsonSchema(_STRING)]
