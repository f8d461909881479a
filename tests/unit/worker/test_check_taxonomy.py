"""`quadrift check` says how well the taxonomy's intents can be told apart."""

import io
import json

from binning.encoder import Encoder
from binning.encoders import default_cache, load_encoder
from binning.spec import TaxonomyEntry
from config.load import load
from worker.commands.check import all_checks, check
from worker.commands.check_taxonomy import cross_validated

LEAST = {"QUADRIFT__KAFKA__TOPICS": "traces", "QUADRIFT__AGENTS": "bot"}
RAIN = ("it rains", "rain all day", "heavy rain", "rain and wind", "light rain", "rainy weather")
PAY = ("pay the bill", "a bill", "the bill is wrong", "my bill", "bill of March", "which bill")


def encoder() -> Encoder:
    return load_encoder("static", cache=default_cache())


def test_intents_that_share_no_word_are_told_apart() -> None:
    scores = cross_validated([TaxonomyEntry("rain", "", RAIN), TaxonomyEntry("pay", "", PAY)], encoder())
    assert [("rain", 6, 1.0, 1.0), ("pay", 6, 1.0, 1.0)] == [
        (score.name, score.examples, score.precision, score.recall) for score in scores.intents
    ]
    assert () == scores.confusable
    assert 1.0 == scores.macro_f1


def test_intents_with_the_same_examples_are_a_confusable_pair_and_weak() -> None:
    same = [TaxonomyEntry(name, "", examples) for name, examples in (("a", RAIN), ("b", RAIN), ("c", PAY))]
    scores = cross_validated(same, encoder())
    assert [("a", "b")] == [pair.intents for pair in scores.confusable]
    assert scores.intents[0].weak or scores.intents[1].weak
    assert "give better examples for" in str(scores)


def test_an_intent_of_one_example_has_no_recall() -> None:
    single = [
        TaxonomyEntry("rain", "", RAIN),
        TaxonomyEntry("sun", "", ("the sun",)),
        TaxonomyEntry("x", "", ()),
    ]
    scores = cross_validated([*single, TaxonomyEntry("pay", "", PAY)], encoder())
    assert ["rain", "sun", "pay"] == [score.name for score in scores.intents]
    assert scores.intents[1].recall is None


def test_the_figures_are_printed_and_in_the_json() -> None:
    settings = load(None, LEAST)
    only = {"taxonomy": all_checks(settings)["taxonomy"]}
    told, table = io.StringIO(), io.StringIO()
    assert 0 == check(settings, as_json=True, checks=only, out=told)
    assert 0 == check(settings, checks=only, out=table)
    (found,) = json.loads(told.getvalue())["checks"]
    intents = {each["name"]: each for each in found["scores"]["intents"]}
    assert {"billing", "other"} <= intents.keys()
    assert all(each["precision"] >= 0.5 and each["recall"] >= 0.5 for each in intents.values())
    assert 0.7 <= found["scores"]["macro_f1"] <= 1
    assert all(f"{name} " in table.getvalue() for name in intents)
