"""What is a turn, and what is a dead letter, and that no dead letter's reason carries a user's text."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from binning.turn import Turn
from worker.decode import AgentMatch, Malformed, Reason, agent_of, decode_turn, event_time, rows_by_agent

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp()
SECRET = "my card is 4111-1111"
DEEP = 100_000


def record(**keys: Any) -> bytes:
    return json.dumps({"trace_id": "t1", "timestamp": NOW - 60, **keys}).encode()


def decoded(value: bytes | None) -> Turn:
    turn = decode_turn(value, now=NOW)
    assert isinstance(turn, Turn), turn
    return turn


def test_every_key_of_the_wire_format_is_read() -> None:
    turn = decoded(
        record(
            turn_id="u1",
            agent="support",
            input={"text": "where is my parcel", "modalities": ["text", "image"]},
            output={
                "text": "on its way",
                "tool_calls": [
                    {"name": "lookup", "arguments": {"id": 7}, "error": False, "result": [1, {"a": None}]},
                    {"name": "lookup", "arguments": "raw", "error": "no such order"},
                ],
                "finish_reason": "stop",
                "flags": ["hallucination"],
            },
            attributes={"plan": "pro", "seats": 3, "beta": True},
            retrieval={"sources": ["wiki"], "documents": 4, "top_score": 0.5, "index_version": "7"},
            model="m",
            tools=["lookup", "refund"],
            input_tokens=12,
            duration_ms=3,
            something_new={"unknown": ["keys", "are", "ignored"]},
        )
    )
    assert turn.output is not None
    assert turn.input.text == "where is my parcel"
    assert [call.name for call in turn.output.tool_calls] == ["lookup", "lookup"]
    assert turn.output.tool_calls[1].error == "no such order"
    assert turn.attributes == {"plan": "pro", "seats": 3.0, "beta": True}
    assert turn.tool_set == "lookup+refund"
    assert turn.retrieval is not None
    assert turn.retrieval.index_version == "7"
    assert turn.identity == "u1"


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-03-04T05:05:07Z",
        "2026-03-04T05:05:07",
        "2026-03-04T05:05:07.000000+00:00",
        "2026-03-04T07:05:07+02:00",
        NOW - 60,
        int(NOW - 60),
        int((NOW - 60) * 1e3),
        int((NOW - 60) * 1e6),
        int((NOW - 60) * 1e9),
    ],
)
def test_event_time_comes_in_every_customary_form(timestamp: object) -> None:
    assert decoded(record(timestamp=timestamp)).at == NOW - 60


@pytest.mark.parametrize("value", ["", "yesterday", "1700000000", "NaN", True, None, [1], {}, 10**400])
def test_what_is_no_point_in_time_is_said_to_be_none(value: object) -> None:
    with pytest.raises(ValueError, match="not a point in time"):
        event_time(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, Malformed(Reason.NULL_VALUE)),
        (b"", Malformed(Reason.NOT_JSON)),
        (b'{"trace_id": "' + SECRET.encode(), Malformed(Reason.NOT_JSON)),
        (SECRET.encode(), Malformed(Reason.NOT_JSON, "byte 0")),
        (record() + b"}", Malformed(Reason.NOT_JSON, "byte 46")),
        (b"[]", Malformed(Reason.WRONG_TYPE, "$")),
        (b"null", Malformed(Reason.WRONG_TYPE, "$")),
        (b'"' + SECRET.encode() + b'"', Malformed(Reason.WRONG_TYPE, "$")),
        (b'{"trace_id": "t", "timestamp": NaN}', Malformed(Reason.NOT_JSON, "byte 31")),
        (record(duration_ms=float("inf")), Malformed(Reason.NOT_JSON, "byte 61")),
        (b'{"trace_id": "t", "timestamp": 1e999}', Malformed(Reason.BAD_TIMESTAMP, "$.timestamp")),
        (record(timestamp="soon " + SECRET), Malformed(Reason.BAD_TIMESTAMP, "$.timestamp")),
        (record(timestamp={"at": SECRET}), Malformed(Reason.BAD_TIMESTAMP, "$.timestamp")),
        (record(timestamp=0), Malformed(Reason.TOO_OLD, "$.timestamp")),
        (record(timestamp="1970-01-01T00:00:00Z"), Malformed(Reason.TOO_OLD, "$.timestamp")),
        (record(timestamp=NOW + 86_400), Malformed(Reason.IN_FUTURE, "$.timestamp")),
        (record(timestamp=NOW + 301), Malformed(Reason.IN_FUTURE, "$.timestamp")),
        (b'{"timestamp": 1772600000}', Malformed(Reason.MISSING_KEY, "$.trace_id")),
        (b'{"trace_id": "t"}', Malformed(Reason.MISSING_KEY, "$.timestamp")),
        (record(trace_id=""), Malformed(Reason.MISSING_KEY, "$.trace_id")),
        (record(trace_id=[SECRET]), Malformed(Reason.WRONG_TYPE, "$.trace_id")),
        (record(input=SECRET), Malformed(Reason.WRONG_TYPE, "$.input")),
        (record(input={"text": [SECRET]}), Malformed(Reason.WRONG_TYPE, "$.input.text")),
        (record(tools=SECRET), Malformed(Reason.WRONG_TYPE, "$.tools")),
        (record(tools=7), Malformed(Reason.WRONG_TYPE, "$.tools")),
        (record(tools={SECRET: 1}), Malformed(Reason.WRONG_TYPE, "$.tools")),
        (record(tools=["lookup", {"name": SECRET}]), Malformed(Reason.WRONG_TYPE, "$.tools[1]")),
        (record(tools=[SECRET]).replace(b"card", b"\xff\xfe"), Malformed(Reason.NOT_UTF8)),
        (record()[:-1] + b', "tools": ["\\udfff"]}', Malformed(Reason.NOT_JSON, "byte 63")),
        (record()[:-1] + b', "tools": ' + b"[" * DEEP, Malformed(Reason.TOO_DEEP)),
        (
            record(retrieval={"index_version": [SECRET]}),
            Malformed(Reason.WRONG_TYPE, "$.retrieval.index_version"),
        ),
        (record(attributes={SECRET: [SECRET]}), Malformed(Reason.WRONG_TYPE, "$.attributes[...]")),
        (
            record(output={"tool_calls": [{"name": "a"}, {"arguments": SECRET}]}),
            Malformed(Reason.MISSING_KEY, "$.output.tool_calls[1].name"),
        ),
        (record(x=SECRET).replace(b"card", b"\xff\xfe") + b"\x80", Malformed(Reason.NOT_UTF8)),
        (b'{"trace_id": "\xff", "timestamp": 1772600000}', Malformed(Reason.NOT_UTF8)),
        (b"{" * DEEP, Malformed(Reason.NOT_JSON, "byte 1")),
        (b'{"trace_id": "t", "x": ' + b"[" * DEEP, Malformed(Reason.TOO_DEEP)),
        (record()[:-1] + b', "x": ' + b"[" * DEEP + b"]" * DEEP + b"}", Malformed(Reason.TOO_DEEP)),
        (
            b'{"output": {"tool_calls": [{"name": "a", "result": ' + b'{"a":' * DEEP,
            Malformed(Reason.TOO_DEEP),
        ),
        (record(input={"text": "a" * 5_000_000}), Malformed(Reason.TOO_LARGE)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_record_has_one_reason_and_tells_no_text(value: bytes | None, expected: Malformed) -> None:
    found = decode_turn(value, now=NOW)

    assert expected == found
    assert "card" not in str(found)
    assert "4111" not in str(found)


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        (["refund", "lookup", "refund"], "lookup+refund"),
        (["mcp.desk/find:v2"], "mcp.desk/find:v2"),
        ([], "none"),
        (None, None),
    ],
)
def test_the_tools_of_a_turn_are_one_set(tools: list[str] | None, expected: str | None) -> None:
    assert [expected] * 2 == [decoded(record(tools=tools)).tool_set for _ in range(2)]
    assert decoded(record()).tool_set is None


def test_many_tools_or_what_is_no_name_are_a_number_and_a_digest_whatever_the_order() -> None:
    names = [f"warehouse_tool_{number}" for number in range(40)]
    sets = [names, names[::-1], names[:-1], [*names[:-1], "another"], ["call this when " + SECRET]]
    found = [decoded(record(tools=tools)).tool_set or "" for tools in sets]
    assert found[0] == found[1]
    assert len(set(found)) == 4
    assert [re.sub("[0-9a-f]{8}$", "", name) for name in found] == [f"{n} #" for n in (40, 40, 39, 40, 1)]


def test_an_empty_text_is_a_turn_without_one() -> None:
    turn = decoded(record(input={"text": ""}, output={"text": ""}))

    assert turn.input.text == ""
    assert not turn.answered


def test_a_clock_slightly_ahead_is_believed() -> None:
    assert decoded(record(timestamp=NOW + 299)).at == NOW + 299


def test_the_size_limit_is_a_setting() -> None:
    assert decode_turn(record(), now=NOW, max_bytes=10) == Malformed(Reason.TOO_LARGE)


TURN = record(
    agent="support", attributes={"service.name": "desk", "plan": "pro", "seats": 3, "beta": True, "rate": 0.5}
)


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"agent": "support"},
        {"service": "desk"},
        {"service.name": "desk"},
        {"plan": "pro", "agent": "support"},
        {"seats": "3"},
        {"beta": "true"},
        {"rate": "0.5"},
    ],
)
def test_an_agent_takes_the_turns_that_agree_in_all_it_names(match: dict[str, str]) -> None:
    assert agent_of(decoded(TURN), [AgentMatch("a", match)]) == "a"


@pytest.mark.parametrize("match", [{"agent": "sales"}, {"plan": "pro", "seats": "4"}, {"nothing": "x"}])
def test_a_turn_of_no_agent_is_none_s(match: dict[str, str]) -> None:
    assert agent_of(decoded(TURN), [AgentMatch("a", match)]) is None


def test_the_first_agent_that_takes_a_turn_has_it() -> None:
    agents = [
        AgentMatch("sales", {"agent": "sales"}),
        AgentMatch("support", {"agent": "support"}),
        AgentMatch("rest"),
    ]

    assert agent_of(decoded(TURN), agents) == "support"
    assert agent_of(decoded(record()), agents) == "rest"


def test_turns_are_sorted_by_agent_as_each_is_by_itself() -> None:
    turns = [decoded(record(agent=name)) for name in ("sales", "support", "sales", "other")]
    agents = [AgentMatch("sales", {"agent": "sales"}), AgentMatch("support", {"agent": "support"})]

    assert rows_by_agent(turns, agents) == {"sales": [0, 2], "support": [1], None: [3]}
    assert {name: list(rows) for name, rows in rows_by_agent(turns, [AgentMatch("all")]).items()} == {
        "all": [0, 1, 2, 3]
    }


def test_null_for_an_optional_key_is_the_same_as_leaving_it_out() -> None:
    nulls = (
        b'{"trace_id": "a", "timestamp": 1790000000, "input": null, "attributes": {"plan": null},'
        b' "retrieval": null, "tools": null,'
        b' "output": {"text": null, "tool_calls": null, "flags": null}}'
    )
    left_out = b'{"trace_id": "a", "timestamp": 1790000000, "output": {}}'
    assert decode_turn(left_out, now=1.8e9) == decode_turn(nulls, now=1.8e9)
