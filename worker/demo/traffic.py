"""A live customer-support agent's turns, made up: seeded, in event time, as records of turn JSON.

The agent's decisions hardly depend on the intent, and a new segment is treated like everybody else: what its
users ask is new, what the agent does with a question is not. That is what makes the first shift the world's.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from worker.demo.scenario import HOUR, TAIL_S, Scenario, Shift
from worker.demo.texts import Grammar, load_grammar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AGENT = "support-agent"
NEW_SEGMENT = "visa"
NEW_SHARE = 0.30
FLAG = "hallucination"
FLAG_RATE = 0.005
POISONED_RATE = 0.05
TOOL_ERROR_RATE = 0.02
POISONED_TOOL = "search_kb"

INTENTS = {
    "billing": 0.17,
    "tech_support": 0.20,
    "refund": 0.14,
    "lookup": 0.20,
    "feature_ask": 0.08,
    "complaint": 0.08,
    "praise": 0.06,
    "other": 0.07,
}
NIGHT = {"tech_support": 1.15, "lookup": 0.9, "other": 1.2}
"""How the mix leans at the dead of night, as factors on the shares above."""

DECISIONS = {
    "answered": 0.42,
    "tool_called": 0.32,
    "asked_clarify": 0.10,
    "apologized": 0.055,
    "escalated": 0.04,
    "refused": 0.02,
    "other": 0.045,
}
UPDATED_DECISIONS = DECISIONS | {"tool_called": 0.14, "asked_clarify": 0.22, "refused": 0.10}
HEDGED = 0.6
"""The share of its answers that the updated model wraps in qualifications."""
LEAN = {"complaint": {"apologized": 1.3}, "lookup": {"tool_called": 1.1}, "praise": {"other": 1.2}}

PATTERNS: dict[tuple[str, ...], float] = {
    ("search_kb",): 0.44,
    ("lookup_order",): 0.22,
    ("create_ticket",): 0.10,
    ("lookup_order", "issue_refund"): 0.10,
    ("search_kb", "search_kb"): 0.07,
    ("lookup_order", "create_ticket"): 0.04,
    ("search_kb", "lookup_order"): 0.03,
}
SESSION_TURNS = {1: 0.2, 2: 0.25, 3: 0.2, 4: 0.15, 5: 0.1, 6: 0.1}
MEAN_TURNS = sum(turns * share for turns, share in SESSION_TURNS.items())
STAYS_ON_TOPIC = 0.75

Drawn = TypeVar("Drawn")
_ENCODER = msgspec.json.Encoder()
_KB_SHARE = DECISIONS["tool_called"] * sum(p for names, p in PATTERNS.items() if POISONED_TOOL in names)


@dataclass(frozen=True, slots=True)
class Sent:
    """A turn as it goes to the topic, and what the generator meant by it (which the record does not say)."""

    at: float
    key: str
    turn: dict[str, Any]
    intent: str
    category: str

    def record(self) -> bytes:
        """Turn JSON, compact."""
        return _ENCODER.encode(self.turn)


@dataclass(order=True, slots=True)
class _Session:
    """A conversation under way; sessions sort by the time of their next turn."""

    at: float
    number: int
    left: int = field(compare=False)
    intent: str = field(compare=False)
    plan: str = field(compare=False)


def generate(scenario: Scenario) -> Iterator[Sent]:
    """Every turn of the scenario in event time; the same scenario gives the same turns."""
    rng = Random(scenario.seed)  # noqa: S311 - a demo, not a secret
    grammar = load_grammar()
    end = scenario.end + TAIL_S
    opened = 0
    opens_at = float(scenario.begin)
    sessions: list[_Session] = []
    while True:
        while opens_at < end and (not sessions or opens_at <= sessions[0].at):
            heapq.heappush(sessions, _open(opened, opens_at, scenario, rng))
            opened += 1
            opens_at += rng.expovariate(_sessions_per_second(opens_at, scenario))
        if not sessions or sessions[0].at >= end:
            return
        session = heapq.heappop(sessions)
        yield _speak(session, scenario, grammar, rng)
        if session.left > 1:
            heapq.heappush(sessions, _continue(session, rng))


def traffic_at(at: float, turns_per_hour: int) -> float:
    """Turns an hour of the usual users: busiest at 15:00 UTC, quietest at 03:00."""
    return turns_per_hour * (1 + 0.25 * _daylight(at))


def _sessions_per_second(at: float, scenario: Scenario) -> float:
    usual = traffic_at(at, scenario.turns_per_hour) / HOUR / MEAN_TURNS
    new = scenario.span_at(at).shift is Shift.WORLD
    return usual / (1 - NEW_SHARE) if new else usual


def _open(number: int, at: float, scenario: Scenario, rng: Random) -> _Session:
    new = scenario.span_at(at).shift is Shift.WORLD and rng.random() < NEW_SHARE
    intent = NEW_SEGMENT if new else _draw(_mix(at), rng)
    turns = _draw(SESSION_TURNS, rng)
    return _Session(at, number, turns, intent, "pro" if rng.random() < 0.3 else "free")


def _continue(session: _Session, rng: Random) -> _Session:
    at = session.at + rng.uniform(20, 100)
    stays = session.intent == NEW_SEGMENT or rng.random() < STAYS_ON_TOPIC
    intent = session.intent if stays else _draw(_mix(at), rng)
    return _Session(at, session.number, session.left - 1, intent, session.plan)


def _speak(session: _Session, scenario: Scenario, grammar: Grammar, rng: Random) -> Sent:
    shift = scenario.span_at(session.at).shift
    updated = shift is Shift.MODEL
    category = _decide(session.intent, rng, updated=updated)
    question = grammar.question(session.intent, rng)
    hedged = updated and rng.random() < HEDGED
    text = grammar.answer(category, session.intent, rng, hedged=hedged)
    calls = _calls(category, rng)
    output: dict[str, Any] = {"text": text}
    if calls:
        output["tool_calls"] = calls
    if rng.random() < _flag_rate(calls, poisoned=shift is Shift.TOOL):
        output["flags"] = [FLAG]
    spent = len(text.split()) * 4 // 3
    conversation = f"c{session.number}"
    turn = {
        "trace_id": f"{rng.getrandbits(64):016x}",
        "timestamp": round(session.at, 3),
        "agent": AGENT,
        "input": {"text": question},
        "output": output,
        "model": "aster-2",
        "prompt_version": "p7",
        "service_version": "4.2.0",
        "conversation_id": conversation,
        "attributes": {"plan": session.plan},
        "input_tokens": 240 + len(question.split()) * 4 // 3,
        "output_tokens": spent,
        "duration_ms": round(400 + 11 * spent + 350 * len(calls) + 250 * rng.lognormvariate(0, 0.5)),
    }
    return Sent(session.at, conversation, turn, session.intent, category)


def _decide(intent: str, rng: Random, *, updated: bool) -> str:
    shares = UPDATED_DECISIONS if updated else DECISIONS
    lean = LEAN.get(intent, {})
    return _draw({name: share * lean.get(name, 1.0) for name, share in shares.items()}, rng)


def _calls(category: str, rng: Random) -> list[dict[str, Any]]:
    if category == "escalated":
        return [{"name": "transfer_to_human", "arguments": {"queue": "care"}}]
    if category != "tool_called":
        return []
    return [_call(name, rng) for name in _draw(PATTERNS, rng)]


def _call(name: str, rng: Random) -> dict[str, Any]:
    arguments: dict[str, dict[str, Any]] = {
        "search_kb": {"top": 3},
        "lookup_order": {"order": rng.randint(10000, 99999)},
        "issue_refund": {"cents": rng.randint(900, 9000)},
        "create_ticket": {"queue": "care"},
    }
    failed = rng.random() < TOOL_ERROR_RATE
    return {"name": name, "arguments": arguments[name]} | ({"error": "timeout"} if failed else {})


def _flag_rate(calls: list[dict[str, Any]], *, poisoned: bool) -> float:
    """How likely the evaluator flags the turn; what the poisoned tool touched makes up the whole rise."""
    touched = poisoned and any(call["name"] == POISONED_TOOL for call in calls)
    return (POISONED_RATE - FLAG_RATE) / _KB_SHARE if touched else FLAG_RATE


def _mix(at: float) -> dict[str, float]:
    night = (1 - _daylight(at)) / 2
    return {name: share * NIGHT.get(name, 1.0) ** night for name, share in INTENTS.items()}


def _daylight(at: float) -> float:
    """From -1 at 03:00 UTC to 1 at 15:00."""
    return math.cos((at % (24 * HOUR) / HOUR - 15) * math.pi / 12)


def _draw(shares: Mapping[Drawn, float], rng: Random) -> Drawn:
    return rng.choices(list(shares), list(shares.values()))[0]
