"""CLINC150: 150 intents of ten domains, ten examples of each, and questions that are none of them."""

from __future__ import annotations

from functools import cache
from statistics import mean, stdev
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.classifying.few import Texts, accuracies, heads
from benchmarks.classifying.rows import Row, read
from binning.encoders import default_cache, load_encoder

if TYPE_CHECKING:
    from binning.encoder import Encoder

_DRAWS = 3
_EXAMPLES = 10
_KEPT = 0.90


def transformer() -> Row:
    """In scope, the transformer."""
    return _in_scope("transformer", "MiniLM", 0.90)


def static() -> Row:
    """In scope, the default encoder."""
    return _in_scope("static", "static encoder", 0.85)


def outside_transformer() -> Row:
    """Out of scope, the transformer."""
    return _outside("transformer", "MiniLM", 0.50)


def outside_static() -> Row:
    """Out of scope, the default encoder."""
    return _outside("static", "static encoder", None)


@cache
def _split(name: str) -> Texts:
    """`train` gives the examples; figures are of `val` and, out of scope, of `oos_val`."""
    rows = [row for row in read("labelled_inputs/clinc150_train_val") if row["labels"]["split"] == name]
    return Texts(
        [row["trace_id"] for row in rows],
        [row["input"]["text"] for row in rows],
        np.array([row["labels"]["intent"] for row in rows]),
    )


@cache
def _encoder(kind: str) -> Encoder:
    return load_encoder(kind, cache=default_cache())


def _in_scope(kind: str, named: str, bar: float) -> Row:
    found = accuracies(_encoder(kind), _split("train"), _split("val"), _EXAMPLES, _DRAWS)
    note = (
        f"mean of {_DRAWS} draws of examples, deviation {stdev(found):.3f}, {len(_split('val').texts)} texts"
    )
    return Row(f"CLINC150, {_EXAMPLES} examples, in scope, {named}", bar, mean(found), "accuracy", note)


def _outside(kind: str, named: str, bar: float | None) -> Row:
    """The least probability that an intent needs is set so that `_KEPT` of the texts in scope stay right.

    Where fewer are right without abstaining, it is set so that 95 % of those stay right.
    """
    encoder, known = _encoder(kind), _split("val")
    inside, outside = encoder.encode(known.texts), encoder.encode(_split("oos_val").texts)
    recalls, kept = [], []
    for head in heads(encoder, _split("train"), _EXAMPLES, _DRAWS):
        shares = head.probabilities(inside)
        sure = np.sort(shares.max(axis=1)[np.array(head.bins)[shares.argmax(axis=1)] == known.labels])
        keep = _KEPT * len(inside) if len(sure) >= _KEPT * len(inside) else 0.95 * len(sure)
        least = sure[len(sure) - int(np.ceil(keep))]
        recalls.append(float((head.probabilities(outside).max(axis=1) < least).mean()))
        kept.append(keep / len(inside))
    note = (
        f"{len(outside)} texts; in scope {mean(kept):.1%} stay right; {_DRAWS} draws of {_EXAMPLES} examples"
    )
    return Row(f"CLINC150, out of scope, {named}", bar, mean(recalls), "recall", note)
