"""Turns as no agent would send them, and as some do: for properties that every dimension must keep."""

from __future__ import annotations

from hypothesis import strategies as st

from binning.turn import EventTime, Input, Output, Retrieval, ToolCall, Turn

_NUMBERS = st.none() | st.floats() | st.sampled_from([0.0, -1.0, 1e300, 240.0])
_NAMES = st.sampled_from(["faq", "manual", "Ann@example.com", "", "new", "x" * 300, "a\nb\x00"]) | st.text(
    max_size=8
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_WRITTEN = st.sampled_from(
    [
        "",
        "plain",
        "{",
        '{"id": 1}',
        '{"id": {"x": [1]}}',
        "[]",
        '[{"id": 2}]',
        "[" * 3_000,
        '{"a": NaN}',
        "null",
    ]
)
_CALLS = st.lists(
    st.builds(
        ToolCall,
        name=st.sampled_from(["track", "find_bill", "credit", "brand_new", ""]),
        arguments=_JSON | _WRITTEN,
        error=st.none() | st.booleans() | st.just("timeout"),
        result=_JSON | _WRITTEN,
    ),
    max_size=4,
).map(tuple)
_TEXTS = (
    st.none()
    | st.text(max_size=60)
    | st.sampled_from(["Sorry!", "Which one?", "```\nx = 1\n```", "one\n\ntwo", "\ud800", "{" * 9_000, " \n"])
)

ODD_TURNS = st.builds(
    Turn,
    trace_id=st.text(max_size=12),
    at=st.floats(1e9, 2e9).map(EventTime),
    input=st.builds(
        Input,
        text=_TEXTS,
        modalities=st.lists(st.sampled_from(["text", "image", "Audio", "", "scent"]), max_size=3).map(tuple),
    ),
    output=st.none()
    | st.builds(
        Output,
        text=_TEXTS,
        tool_calls=_CALLS,
        flags=st.lists(st.sampled_from(["hallucination", "toxic"]), max_size=2).map(tuple),
    ),
    retrieval=st.none()
    | st.builds(
        Retrieval,
        sources=st.lists(_NAMES, max_size=3).map(tuple),
        documents=st.none() | st.integers(),
        top_score=_NUMBERS,
    ),
    attributes=st.dictionaries(st.sampled_from(["tier", "price"]), _NAMES | st.booleans() | st.floats()),
    input_tokens=_NUMBERS,
    output_tokens=_NUMBERS,
    duration_ms=_NUMBERS,
)
