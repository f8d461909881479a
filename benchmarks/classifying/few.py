"""An intent dimension learned from a few examples of each intent, and how often it is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from binning.dimensions.intent import Intent
from binning.identity import in_fitting_half
from binning.spec import TaxonomyEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from binning.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Texts:
    """Labelled texts."""

    ids: list[str]
    texts: list[str]
    labels: NDArray[np.str_]

    def where(self, chosen: NDArray[np.bool_]) -> Texts:
        """Those that are chosen."""
        kept = np.flatnonzero(chosen)
        return Texts([self.ids[at] for at in kept], [self.texts[at] for at in kept], self.labels[kept])

    def at_most(self, count: int) -> Texts:
        """The first `count` of each label, as in a balanced test set."""
        kept = np.zeros(len(self.texts), dtype=np.bool_)
        for label in np.unique(self.labels):
            kept[np.flatnonzero(self.labels == label)[:count]] = True
        return self.where(kept)


def halves(texts: Texts) -> tuple[Texts, Texts]:
    """Examples and every choice come from the first half, figures from the second; by hash of the id."""
    first = np.array([in_fitting_half(identity) for identity in texts.ids])
    return texts.where(first), texts.where(~first)


def taxonomy(texts: Texts, examples: int, seed: int) -> list[TaxonomyEntry]:
    """A draw of `examples` of each label."""
    draw = np.random.default_rng(seed)
    entries = []
    for label in np.unique(texts.labels):
        at = draw.permutation(np.flatnonzero(texts.labels == label))[:examples]
        entries.append(TaxonomyEntry(str(label), "", tuple(texts.texts[index] for index in at)))
    return entries


def heads(encoder: Encoder, examples_from: Texts, examples: int, draws: int) -> Iterator[Intent]:
    """The classifier of each draw of examples."""
    for seed in range(draws):
        yield Intent.from_taxonomy(taxonomy(examples_from, examples, seed), encoder)


def accuracies(
    encoder: Encoder, examples_from: Texts, asked: Texts, examples: int, draws: int
) -> list[float]:
    """Of each draw of examples, the share of `asked` whose likeliest intent is right, without abstaining."""
    vectors = encoder.encode(asked.texts)
    found = []
    for head in heads(encoder, examples_from, examples, draws):
        named = np.array(head.bins)[head.probabilities(vectors).argmax(axis=1)]
        found.append(float((named == asked.labels).mean()))
    return found
