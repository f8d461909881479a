from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import yaml

from worker.demo.scenario import EXPECTED, HOUR, TAIL_S, Scenario, Shift, latest_begin, plan
from worker.demo.texts import load_grammar
from worker.demo.traffic import DECISIONS, FLAG, INTENTS, NEW_SEGMENT, Sent, generate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

TUESDAY = 1_794_880_800  # 02:00 UTC
CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return Scenario(begin=TUESDAY)


@pytest.fixture(scope="module")
def sent(scenario: Scenario) -> list[Sent]:
    return list(generate(scenario))


@pytest.fixture(scope="module")
def spans(scenario: Scenario, sent: list[Sent]) -> dict[str, list[Sent]]:
    """The turns of each span by name; the calm ones together."""
    parted: dict[str, list[Sent]] = {}
    for turn in sent:
        parted.setdefault(scenario.span_at(turn.at).name, []).append(turn)
    return parted


def share(turns: Iterable[Sent], of: Callable[[Sent], object]) -> Counter[Any]:
    counted = Counter(of(turn) for turn in turns)
    total = counted.total()
    return Counter({name: count / total for name, count in counted.items()})


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def five_grams(texts: Iterable[str]) -> set[tuple[str, ...]]:
    listed = [words(text) for text in texts]
    return {tuple(text[i : i + 5]) for text in listed for i in range(len(text) - 4)}


def mean_words(turns: list[Sent]) -> float:
    return sum(len(words(turn.turn["output"]["text"])) for turn in turns) / len(turns)


def strings(node: object) -> list[str]:
    """Every string of a YAML document."""
    if isinstance(node, str):
        return [node]
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [text for part in inner for text in strings(part)]


def test_the_same_seed_gives_the_same_records_and_another_seed_others() -> None:
    short = Scenario(begin=TUESDAY, learning_h=1, warm_h=1, shifts=())
    first = [turn.record() for turn in generate(short)]
    assert first == [turn.record() for turn in generate(short)]
    other = Scenario(begin=TUESDAY, learning_h=1, warm_h=1, shifts=(), seed=8)
    assert first != [turn.record() for turn in generate(other)]


def test_turns_come_in_event_time_and_cover_the_whole_scenario(scenario: Scenario, sent: list[Sent]) -> None:
    assert all(one.at <= two.at for one, two in pairwise(sent))
    assert sent[0].at - scenario.begin < 60
    assert scenario.end + TAIL_S - sent[-1].at < 120
    assert len(sent) == len({turn.turn["trace_id"] for turn in sent})


def test_records_are_compact_turn_json(sent: list[Sent]) -> None:
    sizes = [len(turn.record()) for turn in sent]
    assert sum(sizes) / len(sizes) < 900
    assert max(sizes) < 2000
    assert sent[0].turn == msgspec.json.decode(sent[0].record())


def test_texts_are_varied(sent: list[Sent]) -> None:
    assert len({turn.turn["input"]["text"] for turn in sent}) > 10_000
    assert len({turn.turn["output"]["text"] for turn in sent}) > 10_000


def test_no_text_has_a_hole_left(sent: list[Sent]) -> None:
    texts = [turn.turn[side]["text"] for turn in sent for side in ("input", "output")]
    assert [text for text in texts if re.search(r"[{}#]|  ", text)] == []


def test_conversations_have_about_three_turns(sent: list[Sent]) -> None:
    sessions = Counter(turn.key for turn in sent)
    assert 2.7 < len(sent) / len(sessions) < 3.3


def test_day_is_busier_than_night(sent: list[Sent]) -> None:
    hours = Counter(int(turn.at % (24 * HOUR) // HOUR) for turn in sent if turn.at < TUESDAY + 24 * HOUR)
    assert 1.3 < hours[15] / hours[3] < 2.4
    assert min(hours.values()) > 330


def test_the_usual_shares_are_met_while_learning(spans: dict[str, list[Sent]]) -> None:
    intents = share(spans["learning"], lambda t: t.intent)
    decisions = share(spans["learning"], lambda t: t.category)
    for name, expected in INTENTS.items():
        assert intents[name] == pytest.approx(expected, abs=0.02)
    for name, expected in DECISIONS.items():
        assert decisions[name] == pytest.approx(expected, abs=0.02)
    assert share(spans["learning"], lambda t: FLAG in t.turn["output"].get("flags", []))[True] < 0.008


def test_the_world_shift_brings_users_and_leaves_the_agent_as_it_was(spans: dict[str, list[Sent]]) -> None:
    world, before = spans["world"], spans["learning"]
    assert share(world, lambda t: t.intent)[NEW_SEGMENT] == pytest.approx(0.30, abs=0.05)
    new = [turn for turn in world if turn.intent == NEW_SEGMENT]
    for turns in (world, new):
        shares = share(turns, lambda t: t.category)
        assert shares == pytest.approx(dict(share(before, lambda t: t.category)), abs=0.035)
        assert mean_words(turns) == pytest.approx(mean_words(before), rel=0.05)
        tools = [len(t.turn["output"].get("tool_calls", [])) for t in turns]
        usual = [len(t.turn["output"].get("tool_calls", [])) for t in before]
        assert sum(tools) / len(tools) == pytest.approx(sum(usual) / len(usual), abs=0.05)


def test_the_model_shift_changes_the_agent_and_neither_users_nor_the_models_name(
    spans: dict[str, list[Sent]],
) -> None:
    model, before = spans["model"], spans["learning"]
    shares = share(model, lambda t: t.category)
    assert shares["refused"] > 0.07
    assert shares["asked_clarify"] > 0.17
    assert shares["tool_called"] < 0.18
    assert mean_words(model) > 1.3 * mean_words(before)
    assert share(model, lambda t: t.intent) == pytest.approx(
        dict(share(before, lambda t: t.intent)), abs=0.04
    )
    assert share(model, lambda t: t.turn["model"]) == share(before, lambda t: t.turn["model"])


def test_the_tool_shift_raises_one_flag_and_nothing_else(spans: dict[str, list[Sent]]) -> None:
    tool, before = spans["tool"], spans["learning"]
    flagged = [FLAG in t.turn["output"].get("flags", []) for t in tool]
    assert sum(flagged) / len(flagged) == pytest.approx(0.05, abs=0.015)
    for of in (lambda t: t.category, lambda t: t.intent):
        assert share(tool, of) == pytest.approx(dict(share(before, of)), abs=0.04)
    assert mean_words(tool) == pytest.approx(mean_words(before), rel=0.05)


def test_a_quiet_scenario_is_as_long_and_has_no_shift(scenario: Scenario) -> None:
    quiet = Scenario(begin=TUESDAY, quiet=True)
    assert scenario.end == quiet.end
    assert {None} == {span.shift for span in quiet.spans()}
    assert set(Shift) == {span.shift for span in scenario.spans()} - {None} == set(EXPECTED)


@pytest.mark.parametrize("day", range(9))
def test_the_demo_lies_in_the_past_and_on_working_days(day: int) -> None:
    now = TUESDAY + day * 24 * HOUR + 12_345.0
    shipped = plan(now)
    assert shipped.end + TAIL_S < now
    assert (TUESDAY - shipped.begin) % (7 * 24 * HOUR) == 0
    assert now - latest_begin(now, 51) < 10 * 24 * HOUR


@pytest.mark.parametrize("name", ["taxonomy.yaml", "responses.yaml"])
def test_no_five_words_in_a_row_are_shared_with_what_the_classifiers_were_given(
    name: str, sent: list[Sent]
) -> None:
    given = strings(yaml.safe_load((CONFIG / name).read_text("utf-8")))
    said = five_grams(turn.turn[side]["text"] for turn in sent for side in ("input", "output"))
    assert set() == said & five_grams(given)


def test_no_template_is_a_copy_of_an_example_or_a_pattern() -> None:
    given = {
        " ".join(words(text))
        for name in ("taxonomy.yaml", "responses.yaml")
        for text in strings(yaml.safe_load((CONFIG / name).read_text("utf-8")))
    }
    assert [text for text in load_grammar().templates() if " ".join(words(text)) in given - {""}] == []
