"""Taxonomy and response patterns are plain values, and a file of another shape is named."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.taxonomies import load_intents, load_responses


def test_the_built_in_taxonomy_has_the_documented_intents() -> None:
    expected = ["billing", "tech_support", "refund", "lookup", "feature_ask", "complaint", "praise", "other"]
    intents = load_intents(None)
    assert sorted(expected) == sorted(intent["name"] for intent in intents)
    assert all(intent["examples"] for intent in intents)


def test_the_built_in_responses_all_compile() -> None:
    categories = {response["category"] for response in load_responses(None)}
    assert {"asked_clarify", "refused", "apologized", "escalated"} <= categories


def test_your_own_taxonomy_takes_the_place_of_the_built_in_one(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text("intents: [{name: a, examples: [one]}, {name: b, description: B, examples: [two]}]")
    assert [
        {"name": "a", "description": "", "examples": ("one",)},
        {"name": "b", "description": "B", "examples": ("two",)},
    ] == load_intents(file)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the settings should be a mapping of keys to values"),
        ("intents: []", "intents needs at least 2 entries"),
        ("intents: [{name: a, examples: [x]}, {name: b}]", "at least two intents must have some"),
        ("intents: [{name: a, examples: [x]}, {name: a, examples: [y]}]", "intents names one twice"),
        ("intents: [{name: a, exampels: [x]}]", "did you mean intents[0].examples?"),
        ("intents: [{name: a, examples: x}, {name: b}]", "intents[0].examples should be a list"),
    ],
)
def test_a_taxonomy_of_another_shape_is_named(tmp_path: Path, text: str, expected: str) -> None:
    file = tmp_path / "taxonomy.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_intents(file)
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_pattern_that_re2_cannot_take_is_named_by_number(tmp_path: Path) -> None:
    file = tmp_path / "responses.yaml"
    file.write_text("responses: [{category: refused, patterns: ['no', '(?=x)']}]")
    with pytest.raises(ConfigError, match="responses pattern 2 of refused is no RE2 expression"):
        load_responses(file)
