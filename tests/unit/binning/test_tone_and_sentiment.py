"""The tone of an answer and the sentiment of a question, on sentences that nobody's data has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from binning.dimensions.base import Batch
from binning.dimensions.sentiment import Sentiment
from binning.dimensions.tone import READ, Tone
from binning.turn import EventTime, Input, Output, ToolCall, Turn

if TYPE_CHECKING:
    from binning.dimensions.base import Dimension
    from binning.encoder import Encoder


def bin_of(dimension: Dimension, encoder: Encoder, *, asked: str = "", answer: Output | None = None) -> str:
    turn = Turn(trace_id="t", at=EventTime(0), input=Input(asked), output=answer)
    (found,) = dimension.assign(Batch([turn], encoder)).tolist()
    return dimension.bins[found] if found >= 0 else "absent"


@pytest.mark.parametrize(
    ("tone", "text"),
    [
        ("apologetic", "I'm sorry, the lamp is certainly broken and may be replaced."),
        ("apologetic", "Regrettably the shop is closed."),
        ("apologetic", "I\u2019m afraid the train has left."),
        ("hedged", "Of course it might be the battery."),
        ("hedged", "It usually takes two days."),
        ("hedged", "I think that the green one is yours."),
        ("confident", "You can certainly bring a dog."),
        ("confident", "I'm sure that it arrived."),
        ("declarative", "The store opens on the first of May."),
        ("declarative", f"{'It rains. ' * (READ // 10)} Perhaps."),
        ("absent", "  "),
    ],
)
def test_the_first_tone_in_the_stated_order_counts(tone: str, text: str, encoder: Encoder) -> None:
    assert tone == bin_of(Tone(), encoder, answer=Output(text=text))


def test_a_turn_that_only_calls_tools_has_no_tone(encoder: Encoder) -> None:
    assert "absent" == bin_of(Tone(), encoder, answer=Output(tool_calls=(ToolCall("find"),)))


@pytest.mark.parametrize(
    ("sentiment", "text"),
    [
        ("positive", "What a WONDERFUL, lovely lamp!"),
        ("negative", "this lamp is terrible"),
        ("negative", "the lamp is not good, and it isn't nice"),
        ("negative", "I don\u2019t love it"),
        ("neutral", "please help me find the lamp on page four"),
        ("neutral", "the lamp stands beside the door"),
        ("neutral", "\u706f\u5728\u95e8\u65c1"),
        ("absent", ""),
    ],
)
def test_words_tell_the_sentiment_and_a_negation_turns_it(
    sentiment: str, text: str, encoder: Encoder
) -> None:
    assert sentiment == bin_of(Sentiment(), encoder, asked=text)
