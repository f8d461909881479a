"""What a turn is: one user input and the agent's answer to it.

The wire format (turn JSON) and every other trace dialect decode to this one shape. Only `binning` reads its
texts; what leaves this package are bins, counts and pointers. What nothing reads of the wire format
(`conversation_id`) is no field here, so that no time goes into decoding it. A turn refers to nothing that
refers to it, so the garbage collector need not look at it (`gc=False`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

T = TypeVar("T")
if TYPE_CHECKING:
    OrNull = Annotated[T, "null on the wire"]
    Listed = str | None
else:
    OrNull = T | None
    Listed = msgspec.Raw
"""Null on the wire is the same as absent: whoever reads a turn finds the default, never None. `Listed` is a
list of names on the wire and one name here: the decoder of records reads what may be hundreds only where they
are not those of the turn before."""


class EventTime(float):
    """Seconds since the epoch, UTC. A type of its own: a decoder can accept ISO 8601, s, ms, us and ns."""

    __slots__ = ()


class Input(msgspec.Struct, gc=False):
    """The user's side of a turn."""

    text: str | None = None
    modalities: OrNull[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.modalities is None:
            self.modalities = ()


class ToolCall(msgspec.Struct, gc=False):
    """One tool call of the agent. `error` is true or a message when the call failed."""

    name: str
    arguments: Any = None
    error: bool | str | None = None
    result: Any = None


class Output(msgspec.Struct, gc=False):
    """The agent's side of a turn. Neither text nor tool call means that there is no output to judge."""

    text: str | None = None
    tool_calls: OrNull[tuple[ToolCall, ...]] = ()
    finish_reason: str | None = None
    flags: OrNull[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.tool_calls is None:
            self.tool_calls = ()
        if self.flags is None:
            self.flags = ()


class Retrieval(msgspec.Struct, gc=False):
    """What the agent's retrieval step found, and in which build of its index."""

    sources: OrNull[tuple[str, ...]] = ()
    documents: int | None = None
    top_score: float | None = None
    index_version: str | None = None

    def __post_init__(self) -> None:
        if self.sources is None:
            self.sources = ()


class Turn(msgspec.Struct, kw_only=True, gc=False):
    """One turn. `at` is `timestamp` on the wire; `turn_id` defaults to `trace_id` (see `identity`).

    `tool_set` names all the tools that the agent was offered, whichever it called: `tools` on the wire.
    """

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
    tool_set: Listed = msgspec.field(name="tools", default=None)
    system_prompt_hash: str | None = None
    retrieval: Retrieval | None = None
    attributes: OrNull[dict[str, OrNull[str | float | bool]]] = msgspec.field(default_factory=dict)
    input_tokens: float | None = None
    output_tokens: float | None = None
    duration_ms: float | None = None

    def __post_init__(self) -> None:
        if self.input is None:
            self.input = Input()
        given = self.attributes
        if given is None or None in given.values():
            self.attributes = {k: v for k, v in (given or {}).items() if v is not None}

    def attribute(self, name: str) -> str | None:
        """The attribute as YAML or JSON write it: `true`, `3`, `2.5`; None where the turn lacks it."""
        value = self.attributes.get(name)
        if value is None or isinstance(value, str):
            return value
        return str(value).lower() if isinstance(value, bool) else f"{value:.15g}"

    @property
    def identity(self) -> str:
        """The turn's own id: its `turn_id`, or its `trace_id` where a trace is one turn."""
        return self.turn_id or self.trace_id

    @property
    def answered(self) -> bool:
        """Whether the turn has an output: some text or a tool call."""
        return self.output is not None and bool(self.output.text or self.output.tool_calls)
