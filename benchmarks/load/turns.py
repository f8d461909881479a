"""Made-up support turns of about 1 KB as they come in production: every dimension finds what it needs."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from worker.demo.scenario import Scenario
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator

BEGIN = 1_767_578_400
"""A Monday, 02:00 UTC; the turns' event times start here."""
TURNS_AN_HOUR = 400_000

_ENCODER = msgspec.json.Encoder()
_SOURCES = ("kb", "orders", "policies", "forum")
_TOOLS = ("search_kb", "lookup_order", "issue_refund", "create_ticket", "transfer_to_human")
_RELEASES = ("aster-2-2026-01-02", "aster-2-2026-01-02", "aster-2-2025-11-20")
_GREETINGS = (
    "Hola, necesito ayuda con esto, por favor: mi pedido todavia no ha llegado a casa. ",
    "Guten Tag, ich habe eine Frage zu meiner letzten Rechnung und brauche bitte Hilfe. ",
    "Bonjour, je ne comprends pas cette facture et je voudrais parler avec quelqu'un. ",
)


def support_turns(count: int, seed: int = 11) -> Iterator[tuple[str, bytes]]:
    """(conversation, turn JSON) of `count` turns in event time; the same arguments give the same bytes."""
    rng = Random(seed)
    scenario = Scenario(begin=BEGIN, seed=seed, turns_per_hour=TURNS_AN_HOUR)
    for sent in islice(generate(scenario), count):
        yield sent.key, _ENCODER.encode(_enriched(sent.turn, rng))


def _enriched(turn: dict[str, Any], rng: Random) -> dict[str, Any]:
    """What a demo does without: results, retrieval, the change set, a second paragraph, other languages."""
    text = turn["input"]["text"]
    if rng.random() < 0.04:
        text = rng.choice(_GREETINGS) + text
    calls = turn["output"].get("tool_calls", [])
    for call in calls:
        call["result"] = {
            "status": "ok",
            "items": [{"id": rng.randrange(10**6), "score": round(rng.random(), 3)} for _ in range(3)],
        }
    answer = turn["output"]["text"]
    if len(answer) > 120 and rng.random() < 0.5:
        answer = answer.replace(". ", ".\n\n", 1)
    shown = {
        **turn,
        "turn_id": f"{turn['trace_id']}-{rng.randrange(100)}",
        "input": {"text": text, "modalities": ["text"]},
        "output": {"text": answer, "tool_calls": calls, "finish_reason": "stop", "flags": _flags(turn)},
        "response_model": rng.choice(_RELEASES),
        "system_prompt_hash": "9f31c07a55d2e8b4",
        "tools": list(_TOOLS),
        "attributes": {**turn["attributes"], "region": rng.choice(("eu", "us", "apac")), "trial": False},
    }
    if rng.random() < 0.6:
        shown["retrieval"] = {
            "sources": rng.sample(_SOURCES, 2),
            "documents": rng.randrange(1, 9),
            "top_score": round(rng.betavariate(6, 2), 4),
            "index_version": "2026-01",
        }
    return shown


def _flags(turn: dict[str, Any]) -> list[str]:
    flags: list[str] = turn["output"].get("flags", [])
    return flags
