"""The shipped taxonomy, as it is, on labelled inputs (mapped by `intent_to_default_taxonomy.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from sklearn.metrics import f1_score

from benchmarks.classifying.halves import parted
from benchmarks.classifying.rows import DATA, AbsentError, Row, read
from binning.dimensions.base import Batch
from binning.dimensions.intent import Intent
from binning.encoders import default_cache, load_encoder
from binning.spec import TaxonomyEntry
from binning.turn import EventTime, Input, Turn
from config.taxonomies import load_intents

_SETS = {
    "bitext": "bitext_train",
    "banking77": "banking77_train",
    "hwu64": "hwu64_kfold1_train",
    "goemotions": "goemotions_dev_praise_complaint_proxy",
}
_BAR = 0.75


@dataclass(frozen=True, slots=True)
class Asked:
    """An input with one defensible intent. `proxy`: a comment without feeling from a forum, no customer's."""

    text: str
    intent: str
    proxy: bool


def static() -> Row:
    """With the default encoder."""
    return _row("static", "static encoder")


def transformer() -> Row:
    """With the transformer."""
    return _row("transformer", "MiniLM")


@cache
def _asked() -> tuple[Asked, ...]:
    """The rows with a single defensible intent (strict)."""
    path = DATA / "labelled_inputs" / "intent_to_default_taxonomy.json"
    if not path.is_file():
        raise AbsentError(f"no {path.name} in ../shared/data")
    mapping = json.loads(path.read_text(encoding="utf-8"))["mapping"]
    found = []
    for name, file in _SETS.items():
        for row in read(f"labelled_inputs/{file}"):
            label = row["labels"]["intent"]
            entry = mapping[name].get(label)
            if entry and "also_defensible" not in entry:
                found.append(Asked(row["input"]["text"], entry["default_intent"], label == "neutral"))
    return tuple(found)


def _row(kind: str, named: str) -> Row:
    encoder = load_encoder(kind, cache=default_cache())
    taxonomy = [TaxonomyEntry(e["name"], e["description"], tuple(e["examples"])) for e in load_intents(None)]
    head = Intent.from_taxonomy(taxonomy, encoder)

    def score(rows: list[Asked]) -> float:
        turns = [Turn(trace_id="", at=EventTime(0), input=Input(row.text)) for row in rows]
        found = [head.bins[bin_] for bin_ in head.assign(Batch(turns, encoder)).tolist()]
        truth = [row.intent for row in rows]
        return float(f1_score(truth, found, labels=sorted(set(truth)), average="macro"))

    developed, scored = parted(_asked(), lambda row: row.text)
    customers = [row for row in scored if not row.proxy]
    note = (
        f"{len(customers)} texts; with the {len(scored) - len(customers)} neutral forum comments as `other` "
        f"{score(scored):.3f}; on the half to develop on {score([r for r in developed if not r.proxy]):.3f}"
        f" and {score(developed):.3f}"
    )
    return Row(f"Default taxonomy, strict, {named}", _BAR, score(customers), "macro-F1", note)
