"""How well the taxonomy's intents can be told apart, by its own examples: each is held out once and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from binning.dimensions.base import Batch
from binning.dimensions.intent import Intent
from binning.spec import TaxonomyEntry
from binning.turn import EventTime, Input, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from binning.encoder import Encoder

    Named = tuple[str, str]
    """The intent that an example was written for, and the one that it was taken for."""

FOLDS = 5
WEAK = 0.6
"""A precision or recall below this is worth better examples."""
_CONFUSED = 0.08
_AT_LEAST = 3
"""Two intents are confusable when this share of their examples, and so many, are taken for the other."""
_PAIRS = 5


@dataclass(frozen=True, slots=True)
class IntentScore:
    """One intent. Precision and recall are None where nothing was named so, or nothing could be held out."""

    name: str
    examples: int
    precision: float | None
    recall: float | None

    @property
    def weak(self) -> bool:
        """Whether a person should look at its examples."""
        return any(value is not None and value < WEAK for value in (self.precision, self.recall))


@dataclass(frozen=True, slots=True)
class Confusion:
    """Two intents of which `examples` of `of` were taken for the other one."""

    intents: tuple[str, str]
    examples: int
    of: int


@dataclass(frozen=True, slots=True)
class TaxonomyScores:
    """The cross-validated figures of a taxonomy."""

    intents: tuple[IntentScore, ...]
    confusable: tuple[Confusion, ...]
    macro_f1: float

    def __str__(self) -> str:
        """One line."""
        total = sum(intent.examples for intent in self.intents)
        weak = ", ".join(intent.name for intent in self.intents if intent.weak)
        told = f"{len(self.intents)} intents, {total} examples; cross-validated macro-F1 {self.macro_f1:.2f}"
        return f"{told}; give better examples for {weak}" if weak else told


def cross_validated(taxonomy: Sequence[TaxonomyEntry], encoder: Encoder) -> TaxonomyScores:
    """Each example named by a classifier that learned from the others: five folds, taken in turns.

    An intent with one example cannot be held out; what others were taken for it still counts.

    Raises:
        ValueError: fewer than two intents have examples.
    """
    named: list[Named] = []
    for fold in range(FOLDS):
        held = [
            (entry.name, text)
            for entry in taxonomy
            if len(entry.examples) > 1
            for text in entry.examples[fold::FOLDS]
        ]
        if held:
            named += _name(
                Intent.from_taxonomy([_without(entry, fold) for entry in taxonomy], encoder), held, encoder
            )
    scores = tuple(_score(entry, named) for entry in taxonomy if entry.examples)
    both = [(s.precision or 0.0, s.recall) for s in scores if s.recall is not None]
    f1 = [
        2 * precision * recall / (precision + recall) if precision + recall else 0.0
        for precision, recall in both
    ]
    return TaxonomyScores(scores, _confusable(named), sum(f1) / len(f1) if f1 else 0.0)


def table(scores: TaxonomyScores) -> Table:
    """The figures for a terminal, the confusable pairs below them."""
    made = Table(box=None, padding=(0, 2, 0, 0), caption_justify="left", caption_style="")
    made.add_column("intent", style="bold")
    for header in ("examples", "precision", "recall"):
        made.add_column(header, justify="right")
    for intent in scores.intents:
        figures = (str(intent.examples), _shown(intent.precision), _shown(intent.recall))
        made.add_row(intent.name, *figures, style="yellow" if intent.weak else "")
    made.caption = Text("\n").join(
        Text(f"{pair.intents[0]} and {pair.intents[1]} are confusable: {pair.examples} of {pair.of} examples")
        for pair in scores.confusable
    )
    return made


def _without(entry: TaxonomyEntry, fold: int) -> TaxonomyEntry:
    if len(entry.examples) < 2:
        return entry
    kept = tuple(text for number, text in enumerate(entry.examples) if number % FOLDS != fold)
    return TaxonomyEntry(entry.name, entry.description, kept)


def _name(classifier: Intent, held: Sequence[tuple[str, str]], encoder: Encoder) -> list[Named]:
    turns = [Turn(trace_id="", at=EventTime(0), input=Input(text)) for _, text in held]
    bins = classifier.assign(Batch(turns, encoder)).tolist()
    return [(name, classifier.bins[bin_]) for (name, _), bin_ in zip(held, bins, strict=True)]


def _score(entry: TaxonomyEntry, named: Iterable[Named]) -> IntentScore:
    counts = Counter(named)
    right = counts[entry.name, entry.name]
    written = sum(count for (truth, _), count in counts.items() if truth == entry.name)
    taken = sum(count for (_, found), count in counts.items() if found == entry.name)
    precision = right / taken if taken else None
    return IntentScore(entry.name, len(entry.examples), precision, right / written if written else None)


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _confusable(named: Iterable[Named]) -> tuple[Confusion, ...]:
    """The pairs with the largest share, worst first."""
    wrong: Counter[tuple[str, str]] = Counter()
    written: Counter[str] = Counter()
    for truth, found in named:
        written[truth] += 1
        if truth != found:
            wrong[min(truth, found), max(truth, found)] += 1
    pairs = [Confusion(pair, count, written[pair[0]] + written[pair[1]]) for pair, count in wrong.items()]
    told = [pair for pair in pairs if pair.examples >= max(_AT_LEAST, _CONFUSED * pair.of)]
    return tuple(sorted(told, key=lambda pair: (-pair.examples / pair.of, pair.intents))[:_PAIRS])


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
