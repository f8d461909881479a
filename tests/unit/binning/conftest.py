"""An encoder, the shipped taxonomy and patterns, and made-up turns of a support agent."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from binning.binset import BinSet, BinSpec, ResponseRule, TaxonomyEntry
from binning.encoders import default_cache, load_encoder
from binning.learn import learn_bin_set
from binning.turn import EventTime, Input, Output, Retrieval, ToolCall, Turn

if TYPE_CHECKING:
    from binning.encoder import Encoder

CONFIG = Path(__file__).parents[3] / "config"
START = 1_767_571_200
ASKS = (
    "my parcel number {n} has not come yet, where can it be",
    "the bill for contract {n} is far too high this time",
    "the login page shows error {n} whenever I try",
    "please give me back the {n} euros for the broken lamp",
    "do you have trains to Porto after {n} o'clock",
    "thank you, you have been kind {n} times now",
    "tell me how many days until shipment {n} arrives in Oslo",
    "I could really use a dark theme for screen {n}",
)
ANSWERS = (
    "Your parcel left our hall.",
    "Which contract do you mean?",
    "I'm sorry, that went wrong.",
    "Have a nice day!",
)
TOOLS = ((), ("track",), ("find_bill", "find_bill", "credit"), ("search_train",))


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return load_encoder("static", cache=default_cache())


@pytest.fixture(scope="session")
def taxonomy() -> tuple[TaxonomyEntry, ...]:
    entries = yaml.safe_load((CONFIG / "taxonomy.yaml").read_text())["intents"]
    return tuple(TaxonomyEntry(e["name"], e["description"], tuple(e["examples"])) for e in entries)


@pytest.fixture(scope="session")
def rules() -> tuple[ResponseRule, ...]:
    return shipped_rules()


def shipped_rules() -> tuple[ResponseRule, ...]:
    entries = yaml.safe_load((CONFIG / "responses.yaml").read_text())["responses"]
    lists = ("patterns", "opening", "closing", "suspects", "examples")
    return tuple(ResponseRule(**e | {key: tuple(e.get(key, ())) for key in lists}) for e in entries)


@pytest.fixture(scope="session")
def spec(taxonomy: tuple[TaxonomyEntry, ...], rules: tuple[ResponseRule, ...]) -> BinSpec:
    return BinSpec(taxonomy, rules, segments={"tier": ("free", "pro")})


@pytest.fixture(scope="session")
def turns() -> list[Turn]:
    return make_turns(700, seed=7)


@pytest.fixture(scope="session")
def bin_set(turns: list[Turn], spec: BinSpec, encoder: Encoder) -> BinSet:
    return learn_bin_set(turns, spec, encoder)


def make_turns(count: int, seed: int) -> list[Turn]:
    chance = random.Random(seed)
    return [_turn(number, chance) for number in range(count)]


def _turn(number: int, chance: random.Random) -> Turn:
    text = chance.choice(ASKS).format(n=chance.randrange(10_000)) if chance.random() > 0.05 else None
    calls = tuple(
        ToolCall(name, {"number": number}, chance.random() < 0.1, {"found": True, "rows": [{"id": number}]})
        for name in chance.choice(TOOLS)
    )
    flags = ("hallucination",) if chance.random() < 0.02 else ()
    answered = chance.random() > 0.05
    return Turn(
        trace_id=f"turn-{number}",
        at=EventTime(START + number * 11),
        input=Input(text=text, modalities=("text", "image") if number % 9 == 0 else ()),
        output=Output(text=chance.choice(ANSWERS), tool_calls=calls, flags=flags) if answered else None,
        model=chance.choice(("m-1", "m-2")),
        retrieval=Retrieval(("faq",), number % 5, number % 89 / 100) if number % 3 else None,
        input_tokens=200 + number % 97,
        output_tokens=20 + number % 31,
        duration_ms=300.0 + number % 701,
        attributes={"tier": chance.choice(("free", "pro", "trial"))} if chance.random() > 0.2 else {},
    )
