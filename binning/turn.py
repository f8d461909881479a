"""What a turn is: one user input and the agent's answer to it.

The wire format (turn JSON) and every other trace dialect decode to this one shape. Only `binning` reads its
texts; what leaves this package are bins, counts and pointers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
if TYPE_CHECKING:
    OrNull = Annotated[T, "null on the wire"]
else:
    OrNull = T | None
"""Null on the wire is the same as absent: whoever reads a turn finds the default, never None."""


class EventTime(float):
    """Seconds since the epoch, UTC. A type of its own: a decoder can accept ISO 8601, s, ms, us and ns."""

    __slots__ = ()


class Input(msgspec.Struct):
    """The user's side of a turn."""

    text: str | None = None
    modalities: OrNull[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self.modalities = self.modalities or ()


class ToolCall(msgspec.Struct):
    """One tool call of the agent. `error` is true or a message when the call failed."""

    name: str
    arguments: Any = None
    error: bool | str | None = None
    result: Any = None


class Output(msgspec.Struct):
    """The agent's side of a turn. Neither text nor tool call means that there is no output to judge."""

    text: str | None = None
    tool_calls: OrNull[tuple[ToolCall, ...]] = ()
    finish_reason: str | None = None
    flags: OrNull[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        self.tool_calls = self.tool_calls or ()
        self.flags = self.flags or ()


class Retrieval(msgspec.Struct):
    """What the agent's retrieval step found."""

    sources: OrNull[tuple[str, ...]] = ()
    documents: int | None = None
    top_score: float | None = None
    index_version: str | None = None

    def __post_init__(self) -> None:
        self.sources = self.sources or ()


class Turn(msgspec.Struct, kw_only=True):
    """One turn. `at` is `timestamp` on the wire; `turn_id` defaults to `trace_id` (see `identity`)."""

    trace_id: str
    at: EventTime = msgspec.field(name="timestamp")
    turn_id: str | None = None
    agent: str | None = None
    input: OrNull[Input] = msgspec.field(default_factory=Input)
    output: Output | None = None
    model: str | None = None
    response_model: str | None = None
    prompt_version: str | None = None
    service_version: str | None = None
    tools: tuple[str, ...] | None = None
    system_prompt_hash: str | None = None
    retrieval: Retrieval | None = None
    conversation_id: str | None = None
    attributes: OrNull[dict[str, OrNull[str | float | bool]]] = msgspec.field(default_factory=dict)
    input_tokens: float | None = None
    output_tokens: float | None = None
    duration_ms: float | None = None

    def __post_init__(self) -> None:
        self.input = self.input or Input()
        given = self.attributes or {}
        self.attributes = (
            {k: v for k, v in given.items() if v is not None} if None in given.values() else given
        )

    @property
    def identity(self) -> str:
        """The turn's own id: its `turn_id`, or its `trace_id` where a trace is one turn."""
        return self.turn_id or self.trace_id

    @property
    def answered(self) -> bool:
        """Whether the turn has an output: some text or a tool call."""
        return self.output is not None and bool(self.output.text or self.output.tool_calls)
