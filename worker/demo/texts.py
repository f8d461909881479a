"""Sentences for the demo: templates whose {slots} are filled at random, from `texts.yaml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

_PARTS = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Grammar:
    """Templates of both sides; every fill draws from the caller's generator, so a seed gives one text."""

    slots: Mapping[str, Sequence[str]]
    openers: Sequence[str]
    closers: Sequence[str]
    inputs: Mapping[str, Sequence[str]]
    topics: Mapping[str, Sequence[str]]
    bodies: Mapping[str, Sequence[str]]
    details: Sequence[str]
    hedges: Sequence[str]
    frames: Mapping[str, Sequence[str]]

    def question(self, intent: str, rng: Random) -> str:
        """One user input: an opening or none, the matter, a closing or none; some people skip capitals."""
        parts = (rng.choice(self.openers), _capital(self.fill(rng.choice(self.inputs[intent]), rng)))
        text = self.fill("".join((*parts, rng.choice(self.closers))), rng)
        if rng.random() < 0.15:
            text = text.lower()
        return text.rstrip(".") if rng.random() < 0.1 else text

    def answer(self, category: str, intent: str, rng: Random, *, hedged: bool) -> str:
        """One answer of a response category. A hedging agent wraps what it says in qualifications."""
        text = rng.choice(self.frames[category])
        text = text.replace("{body}", _capital(self.fill(rng.choice(self.bodies[intent]), rng)))
        while "{topic}" in text:
            text = text.replace("{topic}", self.fill(rng.choice(self.topics[intent]), rng), 1)
        if category == "other":
            return _capital(self.fill(text, rng))
        tail = rng.sample(self.details, rng.choices((0, 1, 2, 3), (2, 4, 3, 1))[0])
        if hedged:
            tail += rng.sample(self.hedges, rng.choices((1, 2), (2, 1))[0])
        said = [_capital(self.fill(sentence, rng)) for sentence in (text, *tail)]
        if category == "asked_clarify":  # the question comes last: that is what the user is left with
            said = [*said[1:], said[0]]
        return " ".join(said)

    def fill(self, template: str, rng: Random) -> str:
        """The template with its slots filled, slots within slots too, and a digit for every #."""
        while "{" in template:
            template = _PARTS.sub(lambda part: rng.choice(self.slots[part[1]]), template)
        return re.sub("#", lambda _: str(rng.randint(1, 9)), template)

    def templates(self) -> list[str]:
        """Every template, for tests that compare them with what the classifiers were given."""
        tables = (self.inputs, self.topics, self.bodies, self.frames)
        listed = [text for table in tables for texts in table.values() for text in texts]
        return [*listed, *self.openers, *self.closers, *self.details, *self.hedges]


def load_grammar() -> Grammar:
    """The demo's own texts."""
    tables: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("texts.yaml").read_text("utf-8"))
    return Grammar(**tables)


def _capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]
