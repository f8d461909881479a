"""Banking77: 77 intents of bank customers that are near to each other, a few examples of each."""

from __future__ import annotations

from functools import cache
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.classifying.few import Texts, accuracies, halves
from benchmarks.classifying.rows import Row, read
from binning.encoders import default_cache, load_encoder

if TYPE_CHECKING:
    from binning.encoder import Encoder

_DRAWS = 5
_ASKED = 40
"""An intent, as in the published test set."""


def transformer() -> Row:
    """8 examples an intent, the transformer."""
    return _row("8 examples an intent, MiniLM", "transformer", 8, 0.80)


def static() -> Row:
    """10 examples an intent, the default encoder."""
    return _row("10 examples, static encoder", "static", 10, 0.78)


@cache
def texts() -> Texts:
    """All rows; the set has no other split, so its halves are ours."""
    rows = read("labelled_inputs/banking77_train")
    return Texts(
        [row["trace_id"] for row in rows],
        [row["input"]["text"] for row in rows],
        np.array([row["labels"]["intent"] for row in rows]),
    )


def _row(task: str, kind: str, examples: int, bar: float) -> Row:
    encoder: Encoder = load_encoder(kind, cache=default_cache())
    chosen_on, reported_on = halves(texts())
    asked = reported_on.at_most(_ASKED)
    found = accuracies(encoder, chosen_on, asked, examples, _DRAWS)
    note = f"mean of {_DRAWS} draws of examples, deviation {stdev(found):.3f}, {len(asked.texts)} texts"
    return Row(f"Banking77, {task}", bar, mean(found), "accuracy", note)
