from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from binning.dimensions.base import Batch
from binning.dimensions.response_category import CATEGORIES, ResponseCategory
from binning.spec import ResponseRule
from binning.turn import EventTime, Output, ToolCall, Turn

if TYPE_CHECKING:
    from binning.encoder import Encoder

LOOKED_UP = (ToolCall("get_order"),)
UNSAID = "Nobody deserves to be insulted because of their religion. Let us treat each other with respect."
"""A refusal of which no pattern knows a word."""


class Asked:
    def __init__(self, dimension: ResponseCategory, encoder: Encoder) -> None:
        self.dimension, self.encoder = dimension, encoder

    def category(self, *outputs: Output) -> str:
        turns = [Turn(trace_id="t", at=EventTime(0), output=output) for output in outputs]
        found = self.dimension.assign(Batch(turns, self.encoder))
        return " ".join(self.dimension.bins[bin_] for bin_ in found.tolist())


@pytest.fixture(scope="module")
def dimension(rules: tuple[ResponseRule, ...], encoder: Encoder) -> Asked:
    return Asked(ResponseCategory.from_rules(rules, encoder), encoder)


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("refused", "I'm sorry, but I can't help with that."),
        ("refused", "I cannot provide guidance on breaking into a house."),
        ("refused", "I\u2019m not able to share another customer\u2019s address."),
        ("refused", "We must respectfully decline this."),
        ("refused", "That goes against our usage policy."),
        ("refused", "Picking someone's lock is illegal. Please ask a locksmith."),
        ("escalated", "I'll transfer you to a human agent now, please hold."),
        ("escalated", "I have escalated this to our fraud desk."),
        ("escalated", "One of our specialists will contact you tomorrow."),
        ("apologized", "Apologies for the delay, the depot is behind schedule."),
        ("apologized", "Unfortunately there are no seats left on that train."),
        ("apologized", "I could not find an order with this number."),
        ("asked_clarify", "Which city are you leaving from?"),
        ("asked_clarify", "Please give me the last four digits of the card"),
        ("asked_clarify", "what time would suit you"),
        ("asked_clarify", "Let me confirm: two adults, Friday, by the window."),
        ("other", "You're welcome, have a lovely evening!"),
        ("other", "Is there anything else I can do for you?"),
        ("other", "   "),
        ("answered", "You need a permit to keep bees in the city, which is issued by the town hall."),
        ("answered", "The museum opens at nine and closes at six."),
        ("answered", "Your balance is 20 pounds. I cannot see pending payments yet, they show tomorrow."),
        ("answered", "If needed I can transfer you to a human agent."),
    ],
)
def test_a_text_has_the_category_that_a_person_would_give(dimension: Asked, category: str, text: str) -> None:
    assert category == dimension.category(Output(text=text))


@pytest.mark.parametrize(
    ("category", "output"),
    [
        (
            "hallucination_flag",
            Output(text="I can't help with that.", flags=("hallucination",), finish_reason="refusal"),
        ),
        (
            "refused",
            Output(text="I can't help with that.", tool_calls=(ToolCall("transfer_to_human_agent"),)),
        ),
        ("refused", Output(text="", tool_calls=LOOKED_UP, finish_reason="content_filter")),
        ("escalated", Output(text="Sorry about that.", tool_calls=(*LOOKED_UP, ToolCall("escalateCase")))),
        ("escalated", Output(text="I'm transferring you to a specialist.", tool_calls=LOOKED_UP)),
        ("tool_called", Output(text="I'm sorry, it is late.", tool_calls=LOOKED_UP)),
        ("tool_called", Output(tool_calls=(ToolCall("transfer_money"),))),
        ("tool_called", Output(text=UNSAID, tool_calls=LOOKED_UP)),
        ("tool_called", Output(text="  ", tool_calls=LOOKED_UP)),
        ("apologized", Output(text="I'm sorry, which order is it?")),
        ("asked_clarify", Output(text=f"{UNSAID} Which one did you see?")),
        ("refused", Output(text=UNSAID)),
    ],
)
def test_evidence_counts_in_the_stated_precedence(dimension: Asked, category: str, output: Output) -> None:
    assert category == dimension.category(output)


def test_a_long_text_is_read_at_its_head_and_tail(dimension: Asked) -> None:
    filling = "The route runs along the river. " * 200
    assert dimension.category(Output(text=f"{filling} Which one do you prefer?")) == "asked_clarify"
    assert dimension.category(Output(text=f"I'm sorry to hear it. {filling}")) == "apologized"
    assert dimension.category(Output(text=f"{filling} I cannot help with that. {filling}")) == "answered"


def test_half_a_surrogate_pair_does_no_harm(dimension: Asked) -> None:
    assert dimension.category(Output(text="\ud800 Which one?")) == "asked_clarify"


def test_the_prototypes_find_the_same_alone_in_a_batch_and_after_a_restart(dimension: Asked) -> None:
    texts = (UNSAID, "The museum is not open on Mondays.", "You're welcome!", "I never said so.", UNSAID)
    outputs = [Output(text=text) for text in texts * 100]
    alone = " ".join(dimension.category(output) for output in outputs[:5])
    restarted = Asked(ResponseCategory.restore(dimension.dimension.state()), dimension.encoder)
    assert alone == "refused answered other answered refused"
    assert " ".join([alone] * 100) == dimension.category(*outputs) == restarted.category(*outputs)


def test_a_text_without_suspects_is_not_compared(encoder: Encoder) -> None:
    examples = {"bored": ("This is dull and grey.", "How tiresome."), "answered": ("It opens at nine.",)}
    rules = tuple(
        ResponseRule(name, suspects=(r"\bdull\b",), examples=texts) for name, texts in examples.items()
    )
    asked = Asked(ResponseCategory.from_rules(rules, encoder), encoder)
    assert asked.category(Output(text="How tiresome.")) == "answered"


def test_the_state_holds_no_example(rules: tuple[ResponseRule, ...], encoder: Encoder) -> None:
    learned = ResponseCategory.from_rules(rules, encoder)
    assert not any(rule.examples for rule in learned.rules)
    assert any(rule.examples for rule in rules)


def test_a_category_of_your_own_gets_a_bin(encoder: Encoder) -> None:
    dimension = ResponseCategory((ResponseRule("upsold", (r"premium plan",), at_most=30),))
    assert dimension.bins == (*CATEGORIES, "upsold")
    asked = Asked(dimension, encoder)
    assert asked.category(Output(text="Try our PREMIUM plan")) == "upsold"
    assert asked.category(Output(text="Try our PREMIUM plan or stay with yours")) == "answered"


def test_a_pattern_that_is_no_expression_is_named() -> None:
    with pytest.raises(ValueError, match=r"response pattern 'a\(' is no RE2 expression"):
        ResponseCategory((ResponseRule("upsold", ("a(",)),))
