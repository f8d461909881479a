from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from binning.dimensions.base import Batch, Learning
from binning.dimensions.cluster import Cluster
from binning.dimensions.edges import place, quantile_edges
from binning.dimensions.flags import Flag
from binning.dimensions.intent import Intent
from binning.dimensions.langid import identifier, identify
from binning.dimensions.language import Language
from binning.dimensions.length import InputLength, OutputLength
from binning.dimensions.novelty import Novelty
from binning.dimensions.tools import ToolCount, ToolOutcome, ToolPattern, pattern_of
from binning.identity import in_fitting_half
from binning.spec import BinSpec, TaxonomyEntry
from binning.turn import EventTime, Input, Output, ToolCall, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from binning.dimensions.base import Dimension
    from binning.encoder import Encoder

    Teach = Callable[[type[Dimension], Sequence[Turn]], Any]
    Name = Callable[[Dimension, Sequence[Turn]], list[str | None]]


@pytest.fixture
def teach(spec: BinSpec, encoder: Encoder) -> Teach:
    def learn(kind: type[Dimension], turns: Sequence[Turn]) -> Any:
        fitting = np.array([in_fitting_half(turn.identity) for turn in turns], dtype=np.bool_)
        learned = kind.learn(Learning(Batch(turns, encoder), fitting, spec, encoder))
        return learned if kind is Flag else learned[0]

    return learn


@pytest.fixture
def names(encoder: Encoder) -> Name:
    def assign(dimension: Dimension, turns: Sequence[Turn]) -> list[str | None]:
        bins = dimension.assign(Batch(turns, encoder))
        return [dimension.bins[number] if number >= 0 else None for number in bins.tolist()]

    return assign


@pytest.mark.parametrize(
    ("intent", "text"),
    [
        ("billing", "the charge on my bank statement is higher than the invoice"),
        ("tech_support", "I get an error message whenever I open the app"),
        ("refund", "please pay me back, I returned the item last week"),
        ("lookup", "when will my parcel be delivered"),
        ("feature_ask", "it would be nice to have an option to export charts"),
        ("complaint", "terrible support, I am extremely annoyed"),
        ("praise", "thanks, your help was fantastic"),
        ("other", "purple elephants juggle quietly"),
    ],
)
def test_an_intent_is_told_from_words_that_no_example_has(
    intent: str, text: str, teach: Teach, names: Name, turns: list[Turn]
) -> None:
    assert names(teach(Intent, turns[:1]), [_asked(text)]) == [intent]


def test_a_probability_is_how_often_the_likeliest_intent_is_right(
    taxonomy: tuple[TaxonomyEntry, ...], encoder: Encoder
) -> None:
    kept = tuple(
        TaxonomyEntry(e.name, "", tuple(t for n, t in enumerate(e.examples) if n % 4)) for e in taxonomy
    )
    asked = [(text, entry.name) for entry in taxonomy for text in entry.examples[::4]]
    head = Intent.from_taxonomy(kept, encoder)
    shares = head.probabilities(encoder.encode([text for text, _ in asked]))
    right = [head.bins[best] == name for best, (_, name) in zip(shares.argmax(axis=1), asked, strict=True)]
    assert shares.max(axis=1).mean() == pytest.approx(np.mean(right), abs=0.08)


def test_a_taxonomy_of_two_intents_gets_other_beside_them(encoder: Encoder, names: Name) -> None:
    taxonomy = (
        TaxonomyEntry("rain", "", ("it rains", "wet and cloudy")),
        TaxonomyEntry("shine", "", ("the sun is out", "warm and dry")),
    )
    dimension = Intent.from_taxonomy(taxonomy, encoder)
    assert dimension.bins == ("rain", "shine", "other")
    assert names(dimension, [_asked("it rains a lot"), _asked("the sun")]) == ["rain", "shine"]


def test_a_taxonomy_without_examples_is_refused(encoder: Encoder) -> None:
    with pytest.raises(ValueError, match="examples of at least two intents"):
        Intent.from_taxonomy((TaxonomyEntry("rain", "", ("it rains",)),), encoder)


def test_clusters_part_topics_and_know_what_is_like_none(
    teach: Teach, turns: list[Turn], names: Name
) -> None:
    dimension = teach(Cluster, turns)
    parcel = [_asked(f"my parcel number {number} has not come yet, where can it be") for number in range(40)]
    bill = [_asked(f"the bill for contract {number} is far too high this time") for number in range(40)]
    assert not set(names(dimension, parcel)) & set(names(dimension, bill))
    assert names(dimension, [_asked("zebra quantum mechanics lecture in the opera")]) == ["outlier"]
    assert any("parcel" in label for label in dimension.labels)


def test_few_turns_make_few_clusters(teach: Teach, turns: list[Turn]) -> None:
    fitting = sum(in_fitting_half(turn.identity) and turn.input.text is not None for turn in turns[:100])
    assert len(teach(Cluster, turns[:100]).bins) <= fitting // 15 + 1


def test_a_new_topic_is_novel_and_a_learned_one_is_not(teach: Teach, turns: list[Turn], names: Name) -> None:
    dimension = teach(Novelty, turns)
    known = [turn for turn in turns if in_fitting_half(turn.identity) and turn.input.text]
    new = [_asked(f"recommend a jazz album from 19{number}") for number in range(10, 99)]
    assert set(names(dimension, new)) == {dimension.bins[0]}
    assert names(dimension, known).count(dimension.bins[0]) < len(known) / 4


def test_edges_are_quantiles_and_keep_ties_together() -> None:
    assert quantile_edges(np.arange(1, 101), 4) == (26, 51, 76)
    assert quantile_edges(np.array([3] * 90 + [5] * 10), 10) == (5,)
    assert quantile_edges(np.array([7, 7, 7]), 10) == ()
    assert quantile_edges(np.array([], dtype=np.int64), 10) == ()
    assert place(np.array([2, 3, 4, 9]), (3, 9)).tolist() == [0, 1, 1, 2]


def test_lengths_are_words_of_their_own_side(names: Name) -> None:
    turn = Turn(trace_id="t", at=EventTime(0.0), input=Input("one two three"), output=Output("yes"))
    tool_only = Turn(trace_id="t", at=EventTime(0.0), output=Output(tool_calls=(ToolCall("find"),)))
    assert InputLength((3, 7)).bins == ("1-2", "3-6", "7+")
    assert names(InputLength((3, 7)), [turn, tool_only]) == ["3-6", None]
    assert names(OutputLength((2,)), [turn, tool_only]) == ["1", None]


def test_a_language_is_own_other_unseen_or_undetermined(teach: Teach, names: Name) -> None:
    english = [_asked(f"where can I find my order number {number}, please help me") for number in range(20)]
    german = [_asked(f"Wo finde ich meine Bestellung mit der Nummer {number}?") for number in range(3)]
    dimension = teach(Language, [*english, *german])
    assert dimension.bins == ("en", "und", "__other__", "__unseen__")
    asked = [
        "could you tell me when the shop opens",
        "Wann kommt mein Paket endlich an?",
        "где мой заказ, почему так долго",
    ]
    assert names(dimension, [_asked(text) for text in [*asked, "ok", "12345"]]) == [
        "en",
        "__other__",
        "__unseen__",
        "und",
        "und",
    ]


def test_languages_in_a_batch_are_those_of_py3langid(turns: list[Turn]) -> None:
    texts = [text for turn in turns[:200] if (text := turn.input.text)]
    texts += ["WHERE IS MY ORDER", "dónde está mi pedido", "où est ma commande", "注文はどこですか"]
    languages, sure = identify(texts)
    expected = [identifier().classify(text) for text in texts]
    assert [language for language, _ in expected] == languages
    assert sure == pytest.approx([share for _, share in expected], abs=1e-5)


def test_each_flag_is_a_dimension_and_unknown_ones_share_one(teach: Teach, names: Name) -> None:
    learned = teach(Flag, [_flagged("toxic"), _flagged()])
    assert [flag.name for flag in learned] == ["flags:hallucination", "flags:toxic", "flags:__unseen__"]
    shown = [_flagged("toxic"), _flagged("hallucination", "leak"), _flagged(), _asked("no output")]
    assert [names(flag, shown) for flag in learned] == [
        ["no", "yes", "no", None],
        ["yes", "no", "no", None],
        ["no", "yes", "no", None],
    ]


def test_repeats_of_a_tool_are_folded_and_long_patterns_cut() -> None:
    calls = [ToolCall(name) for name in ("find", "find", "refund", "find")]
    assert pattern_of(calls) == "find>refund>find"
    assert pattern_of([ToolCall(str(number)) for number in range(12)]) == "0>1>2>3>4>5>6>7>..."


def test_a_tool_pattern_is_own_other_unseen_or_none(teach: Teach, names: Name) -> None:
    dimension = teach(
        ToolPattern, [*(_called("find", "refund") for _ in range(5)), _called("find"), _called("rare")]
    )
    assert dimension.bins == ("none", "find>refund", "__other__", "__unseen__")
    shown = [
        _called("find", "find", "refund"),
        _called("find"),
        _called("refund", "rare"),
        _called("find", "new"),
        _called(),
        _asked("hi"),
    ]
    assert names(dimension, shown) == ["find>refund", "__other__", "__other__", "__unseen__", "none", None]


def test_tool_calls_are_counted_and_one_error_is_an_error(names: Name) -> None:
    failed = Turn(
        trace_id="t",
        at=EventTime(0.0),
        output=Output(tool_calls=(ToolCall("a"), ToolCall("b", error="timeout"), ToolCall("c", error=False))),
    )
    shown = [_called(), _called("a"), _called(*"abcde"), _called(*"abcdefg"), failed, _asked("hi")]
    assert names(ToolCount(), shown) == ["0", "1", "4-5", "6+", "3", None]
    assert names(ToolOutcome(), shown) == ["none", "ok", "ok", "ok", "error", None]


def _asked(text: str) -> Turn:
    return Turn(trace_id=text, at=EventTime(0.0), input=Input(text=text))


def _flagged(*flags: str) -> Turn:
    return Turn(trace_id="t", at=EventTime(0.0), output=Output(text="Done.", flags=flags))


def _called(*tools: str) -> Turn:
    calls = tuple(ToolCall(name) for name in tools)
    return Turn(trace_id="t", at=EventTime(0.0), output=Output(text="Done.", tool_calls=calls))


def test_repeats_do_not_make_a_fresh_wording_novel(teach: Teach, names: Name) -> None:
    said = [f"please check order {number} for {name}" for number in range(60) for name in ("Ada", "Bo")]
    fresh = said[::6]
    learned = [text for text in said if text not in fresh]
    dimension = teach(Novelty, [_asked_as(f"{text}-{copy}", text) for text in learned for copy in range(6)])
    assert names(dimension, [_asked(text) for text in fresh]).count(dimension.bins[0]) < len(fresh) / 2


def test_more_clusters_than_texts_are_not_asked_for(teach: Teach, names: Name) -> None:
    dimension = teach(
        Cluster, [_asked_as(f"{number}", ("yes", "no", "maybe")[number % 3]) for number in range(300)]
    )
    assert len(dimension.bins) <= 4
    assert len(set(names(dimension, [_asked("yes"), _asked("no"), _asked("maybe")]))) == 3


def _asked_as(identity: str, text: str) -> Turn:
    return Turn(trace_id=identity, at=EventTime(0.0), input=Input(text=text))


def test_an_intent_of_several_themes_is_as_likely_as_they_are_together(encoder: Encoder) -> None:
    weather = tuple(f"{much} {what} today" for what in ("rain", "snow") for much in map(str, range(20)))
    money = tuple(f"{much} {what} to pay" for what in ("euros", "bills") for much in map(str, range(20)))
    taxonomy = (TaxonomyEntry("weather", "", weather), TaxonomyEntry("money", "", money))
    learned = Intent.from_taxonomy(taxonomy, encoder)
    shares = learned.probabilities(encoder.encode(["the snow", "a bill"]))
    assert learned.owners.tolist() == [0, 0, 1, 1]
    assert [learned.bins[best] for best in shares.argmax(axis=1)] == ["weather", "money"]
    assert np.allclose(shares.sum(axis=1), 1)
