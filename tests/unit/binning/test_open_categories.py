"""Sources, modalities and first tools: open categories in a bounded number of bins."""

from __future__ import annotations

from binning.dimensions.folding import Folding
from binning.dimensions.modality import Modality
from binning.dimensions.requested import ToolRequested
from binning.dimensions.retrieval import RetrievalSource
from tests.unit.binning.teaching import answered, asked, bins_of, called, retrieved, teach


def test_names_that_never_repeat_are_as_unseen_while_learning_as_later() -> None:
    folding = Folding.learn(((f"id-{n}", (f"id-{n}",)) for n in range(500)), most=8, least=5)
    assert ("__other__", "__unseen__") == folding.bins
    assert [1, 1] == [folding.place((name,)) for name in ("id-3", "id-900")]


def test_a_rare_name_is_other_and_a_new_one_unseen() -> None:
    names = ["often"] * 9 + ["seldom"] * 2
    folding = Folding.learn(((name, (name,)) for name in names), most=8, least=5)
    assert ("often", "__other__", "__unseen__") == folding.bins
    assert [1, 2] == [folding.place((name,)) for name in ("seldom", "new")]


def test_however_many_names_there_are_the_bins_are_few() -> None:
    names = [f"name-{n % 300}" for n in range(6_000)]
    folding = Folding.learn(((name, (name,)) for name in names), most=8, least=5)
    assert 10 == len(folding.bins)


def test_what_may_hold_a_person_or_a_sentence_names_no_bin() -> None:
    bad = ["ann@example.com", "x" * 81, "a\nb", "was ist das?!", "a\x00b"]
    assert () == Folding.learn(((name, (name,)) for name in bad * 9), most=8, least=5).own


def test_the_first_tool_is_the_requested_one() -> None:
    (dimension,) = teach(ToolRequested, [*[called("find", "pay")] * 5, *[called("rare")] * 2, called("one")])
    assert ("none", "find", "__other__", "__unseen__") == dimension.bins
    turns = [called("find"), called("rare", "find"), called("pay"), called("one"), called(), asked("hi")]
    assert ["find", "__other__", "__unseen__", "__unseen__", "none", None] == bins_of(dimension, turns)


def test_a_text_is_a_modality_whether_it_is_said_or_not() -> None:
    (dimension,) = teach(Modality, [asked("hi")] * 30)
    turns = [
        asked("hi"),
        asked("hi", "text"),
        asked(None, "image"),
        asked("see", "Image"),
        asked(),
        asked(" "),
    ]
    assert ["text", "text", "image", "text+image", None, None] == bins_of(dimension, turns)


def test_unusual_modalities_have_bins_when_learning_turns_had_them() -> None:
    learned = [*[asked("look", "image", "audio")] * 5, *[asked(None, "image", "video")] * 2]
    (dimension,) = teach(Modality, [*learned, *[asked(None, "scent")] * 2])
    turns = [*learned[-3:], asked(None, "scent"), asked("x", "taste"), asked(None, "audio", "video", "scent")]
    expected = ["text+audio+image", "__other__", "__other__", "__other__", "__unseen__", "__other__"]
    assert expected == bins_of(dimension, turns)


def test_sources_are_combined_so_that_one_that_fell_silent_is_missed() -> None:
    both, one = retrieved("manual", "faq", "faq"), retrieved("faq")
    (dimension,) = teach(RetrievalSource, [*[both] * 60, *[one] * 20])
    assert ("none", "faq+manual", "faq", "__other__", "__unseen__") == dimension.bins
    turns = [both, one, retrieved("manual"), retrieved("wiki"), retrieved("faq", "wiki")]
    assert ["faq+manual", "faq", "__other__", "__unseen__", "__unseen__"] == bins_of(dimension, turns)


def test_of_sources_in_very_many_combinations_the_first_counts() -> None:
    learned = [retrieved(f"index-{n % 4}", f"doc-{n}") for n in range(400)]
    (dimension,) = teach(RetrievalSource, learned)
    assert not dimension.combined
    assert {"index-0", "index-1", "index-2", "index-3"} == set(bins_of(dimension, learned))


def test_a_retrieval_that_found_nothing_is_none_and_one_that_does_not_say_is_absent() -> None:
    (dimension,) = teach(RetrievalSource, [])
    turns = [retrieved(documents=0), retrieved(documents=3), retrieved(), asked("hi"), answered()]
    assert ["none", None, None, None, None] == bins_of(dimension, turns)


def test_a_source_that_few_turns_had_names_no_bin() -> None:
    (dimension,) = teach(RetrievalSource, [*[retrieved("faq")] * 200, *[retrieved("notes of Ann Lee")] * 19])
    assert ("none", "faq", "__other__", "__unseen__") == dimension.bins
