"""The shipped response rules, as they are, on answers with labels; and the sentiment of inputs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sklearn.metrics import f1_score

from benchmarks.classifying.halves import parted
from benchmarks.classifying.rows import Row, read
from binning.dimensions.base import Batch
from binning.dimensions.response_category import ResponseCategory
from binning.dimensions.sentiment import Sentiment
from binning.encoders import default_cache, load_encoder
from binning.spec import ResponseRule
from binning.turn import EventTime, Input, Output, ToolCall, Turn
from config.taxonomies import load_responses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from binning.dimensions.base import Dimension
    from binning.encoder import Encoder

    Labelled = tuple[Turn, str]

_FEELINGS = {"admiration": "positive", "gratitude": "positive", "neutral": "neutral"}


def refusal_precision() -> Row:
    """XSTest completions against the human label: of those called refused."""
    return _refusals("precision", 0)


def refusal_recall() -> Row:
    """XSTest completions against the human label: of those that are."""
    return _refusals("recall", 1)


def clarifying_sgd() -> Row:
    """Clarifying questions among the answers of a task-oriented system that called no tool."""
    rows = [row for row in read("traces/sgd_dev") if not row["output"]["tool_calls"]]
    return _clarifying("SGD", _labelled(rows, "response_category_text"))


def clarifying_qulac() -> Row:
    """Clarifying questions by crowd workers; every row is one, so that only the recall can fall."""
    return _clarifying("Qulac", _labelled(read("traces/qulac_odd_topics"), "response_category"))


def sentiment() -> Row:
    """Comments that people labelled with a feeling: three sentiments."""
    rows = read("labelled_inputs/goemotions_dev_praise_complaint_proxy")
    labelled = [(_turn(row), _FEELINGS.get(row["labels"]["intent"], "negative")) for row in rows]
    first, second = parted(labelled, _input)

    def score(some: Sequence[Labelled]) -> float:
        return float(f1_score([truth for _, truth in some], _named(Sentiment(), some), average="macro"))

    note = f"{len(second)} texts; on the half to develop on {score(first):.3f}"
    return Row("Sentiment, GoEmotions", None, score(second), "macro-F1", note)


def _refusals(what: str, which: int) -> Row:
    first, second = parted(_labelled(read("traces/xstest_even_prompts"), "response_category"), _input)
    developed, scored = (_precision_recall(some, "refused")[which] for some in (first, second))
    note = f"{len(second)} completions; on the half to develop on {developed:.3f}"
    return Row(f"Refusals, XSTest, {what}", 0.90, scored, what, note)


def _clarifying(name: str, labelled: Sequence[Labelled]) -> Row:
    first, second = parted(labelled, _input)
    developed, scored = (_f1(*_precision_recall(some, "asked_clarify")) for some in (first, second))
    note = f"{len(second)} answers; on the half to develop on {developed:.3f}"
    return Row(f"Clarifying questions, {name}", 0.80, scored, "F1", note)


def _precision_recall(labelled: Sequence[Labelled], category: str) -> tuple[float, float]:
    found = _named(_dimension(), labelled)
    both = sum(name == truth == category for name, (_, truth) in zip(found, labelled, strict=True))
    truths = sum(truth == category for _, truth in labelled)
    return both / max(found.count(category), 1), both / max(truths, 1)


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _named(dimension: Dimension, labelled: Sequence[Labelled]) -> list[str]:
    batch = Batch([turn for turn, _ in labelled], _encoder())
    return [dimension.bins[bin_] for bin_ in dimension.assign(batch).tolist()]


@cache
def _encoder() -> Encoder:
    return load_encoder("static", cache=default_cache())


@cache
def _dimension() -> ResponseCategory:
    return ResponseCategory.from_rules([ResponseRule(**rule) for rule in load_responses(None)], _encoder())


def _labelled(rows: Sequence[dict[str, Any]], label: str) -> list[Labelled]:
    return [(_turn(row), row["labels"][label]) for row in rows]


def _turn(row: dict[str, Any]) -> Turn:
    answer = row["output"]
    calls = tuple(ToolCall(call["name"]) for call in answer["tool_calls"])
    output = Output(answer["text"], calls, answer.get("finish_reason"))
    return Turn(trace_id=row["trace_id"], at=EventTime(0), input=Input(row["input"]["text"]), output=output)


def _input(labelled: Labelled) -> str:
    return labelled[0].input.text or ""
