"""Record to turn: one decoding pass that validates, and a closed set of reasons why a record is none.

Nothing that this module returns or raises carries a value of the record: a reason and a key path are all that
leaves it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from binning.tool_set import tool_set
from binning.turn import EventTime, Turn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_BYTES = 1 << 20
"""Largest record that is looked at, bytes."""

OLDEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
"""An event time before this is a clock that was never set, not an event."""

AHEAD_S = 300.0
"""How far a producer's clock may be ahead of ours before its event time is refused, seconds."""

SERVICE_KEYS = ("service", "service.name", "service_name")
"""Names under which a configuration may ask for the service name; on the wire it is an attribute."""

_PATH = re.compile(r" - at `(\$[\w.\[\]]*)`$")
_MISSING = re.compile(r"^Object missing required field `(\w+)`")
_BYTE = re.compile(r"\((byte \d+)\)$")

_SHORT_LIST = 8_192
"""Lists of tools of so many bytes are remembered: a hundred of a record's size would take 100 MiB."""

_MILLISECONDS = 1e11
"""From here on a number is milliseconds or less."""


class Reason(StrEnum):
    """Why a record is no turn. A closed set: it labels a metric and a header of the dead letter."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    WRONG_TYPE = "wrong_type"
    MISSING_KEY = "missing_key"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record that is no turn. `detail` is a key path (`$.input.text`) or a byte position, never a value."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AgentMatch:
    """One configured agent and what selects its turns: key to value, all of which must agree; none takes all.

    A key is `agent` (the turn's own key), a name of the service name, or any attribute.
    """

    name: str
    match: Mapping[str, str] = field(default_factory=dict)

    def takes(self, turn: Turn) -> bool:
        """Whether the turn is this agent's."""
        return all(_matched(turn, key) == wanted for key, wanted in self.match.items())


class _BadTimestampError(ValueError):
    """Neither ISO 8601 nor a number; carries no value."""


def decode_turn(value: bytes | None, *, now: float, max_bytes: int = MAX_BYTES) -> Turn | Malformed:
    """The turn that a record holds, or why it holds none.

    Args:
        value: the record's value, turn JSON.
        now: the wall clock, seconds since the epoch.
        max_bytes: a larger record is not looked at.
    """
    if value is None:
        return Malformed(Reason.NULL_VALUE)
    if len(value) > max_bytes:
        return Malformed(Reason.TOO_LARGE)
    turn = _decoded(value)
    if isinstance(turn, Malformed):
        return turn
    return turn if turn.trace_id and OLDEST <= turn.at <= now + AHEAD_S else _implausible(turn)


def agent_of(turn: Turn, agents: Sequence[AgentMatch]) -> str | None:
    """The name of the first agent that takes the turn, None when it is no agent's."""
    for agent in agents:
        if not agent.match or agent.takes(turn):
            return agent.name
    return None


def rows_by_agent(turns: Sequence[Turn], agents: Sequence[AgentMatch]) -> Mapping[str | None, Sequence[int]]:
    """The places of each agent's turns among `turns`, as `agent_of` has it; under None those of no agent."""
    if agents and not agents[0].match:
        return {agents[0].name: range(len(turns))}
    rows: dict[str | None, list[int]] = {}
    for row, turn in enumerate(turns):
        rows.setdefault(agent_of(turn, agents), []).append(row)
    return rows


def event_time(value: object) -> EventTime:
    """Seconds since the epoch of an ISO 8601 text (UTC where it names no zone), or of s, ms, us or ns.

    A number below 1e11 is seconds (until the year 5138), below 1e14 milliseconds, below 1e17 microseconds.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, float) and 0.0 <= value < _MILLISECONDS:
        return EventTime(value)
    try:
        if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
            return EventTime(_seconds(float(value)))
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return EventTime((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise _BadTimestampError("not a point in time") from None
    raise _BadTimestampError("not a point in time")


def _seconds(number: float) -> float:
    magnitude = abs(number)
    if magnitude < _MILLISECONDS:
        return number
    if magnitude < 1e14:
        return number / 1e3
    return number / 1e6 if magnitude < 1e17 else number / 1e9


def _hook(kind: type, value: Any) -> Any:
    if kind is EventTime:
        return event_time(value)
    raise NotImplementedError(kind.__name__)


class _Offered(msgspec.Struct):
    tools: tuple[str, ...] | None = None


_DECODER = msgspec.json.Decoder(Turn, dec_hook=_hook)
_OFFERED = msgspec.json.Decoder(_Offered)
_TOOLS = msgspec.json.Decoder(tuple[str, ...] | None)


def _decoded(value: bytes) -> Turn | Malformed:
    try:
        return _with_tools(_DECODER.decode(value), value)
    except msgspec.ValidationError as error:
        return _invalid(error)
    except msgspec.DecodeError as error:
        return _undecodable(value, error)
    except UnicodeDecodeError:
        return Malformed(Reason.NOT_UTF8)
    except RecursionError:
        return Malformed(Reason.TOO_DEEP)


def _with_tools(turn: Turn, value: bytes) -> Turn:
    """The turn with its list of tools read; it raises as decoding does, with the place in the record."""
    listed: Any = turn.tool_set
    if listed is not None:
        try:
            read = _tool_set_again if len(listed) <= _SHORT_LIST else _tool_set
            turn.tool_set = read(bytes(listed))
        except msgspec.DecodeError:
            _OFFERED.decode(value)
            raise
    return turn


def _tool_set(listed: bytes) -> str | None:
    tools = _TOOLS.decode(listed)
    return None if tools is None else tool_set(tools)


_tool_set_again = lru_cache(maxsize=128)(_tool_set)


def _implausible(turn: Turn) -> Malformed:
    if not turn.trace_id:
        return Malformed(Reason.MISSING_KEY, "$.trace_id")
    return Malformed(Reason.TOO_OLD if turn.at < OLDEST else Reason.IN_FUTURE, "$.timestamp")


def _invalid(error: msgspec.ValidationError) -> Malformed:
    message = str(error)
    found = _PATH.search(message)
    path = found[1] if found else "$"
    if missing := _MISSING.match(message):
        return Malformed(Reason.MISSING_KEY, f"{path}.{missing[1]}")
    if path == "$.timestamp":
        return Malformed(Reason.BAD_TIMESTAMP, path)
    return Malformed(Reason.WRONG_TYPE, path)


def _undecodable(value: bytes, error: msgspec.DecodeError) -> Malformed:
    try:
        value.decode()
    except UnicodeDecodeError:
        return Malformed(Reason.NOT_UTF8)
    where = _BYTE.search(str(error))
    return Malformed(Reason.NOT_JSON, where[1] if where else "")


def _matched(turn: Turn, key: str) -> str | None:
    if key == "agent":
        return turn.agent
    for name in SERVICE_KEYS if key in SERVICE_KEYS else (key,):
        if (value := turn.attributes.get(name)) is not None:
            return _text(value)
    return None


def _text(value: str | float | bool) -> str:
    """An attribute as a configuration would write it: `true`, `3`, `0.5`."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else f"{value:.15g}"
