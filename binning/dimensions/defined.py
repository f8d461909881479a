"""Dimensions that the user defines: an attribute's values, thresholds on a number, a pattern on a text.

The names of their bins are values of attributes, and go where all bins go: an attribute that holds what users
write does not belong here.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import re2

from binning.dimensions.folding import Folding
from binning.dimensions.response_patterns import as_written
from binning.layout import ABSENT, OTHER
from binning.spec import Defined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.layout import Side
    from binning.turn import Turn

FIELDS = ("input_tokens", "output_tokens", "duration_ms", "retrieval.documents", "retrieval.top_score")
"""The numbers of a turn that thresholds may be set on, as turn JSON calls them."""

_MOST_VALUES = 10
_OWN_BIN_TURNS = 20
_READ_VALUE = 200
_READ_TEXT = 10_000


@dataclass(frozen=True, slots=True)
class _Defined:
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ()

    definition: Defined

    @property
    def side(self) -> Side:
        """As defined."""
        return self.definition.side

    @property
    def name(self) -> str:
        """As defined."""
        return self.definition.name


@dataclass(frozen=True, slots=True)
class AttributeValues(_Defined):
    """Which value an attribute has: the configured ones and `__other__`, or those that learning turns had.

    Without configured values those of at least 20 learning turns have a bin, at most 10.
    """

    learned: Folding

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """One for each attribute that is defined without thresholds."""
        return tuple(
            cls(each, _values_of(each.attribute, learning))
            for each in learning.spec.defined
            if each.attribute is not None and not each.thresholds
        )

    @property
    def configured(self) -> bool:
        """Whether the values are configured."""
        return bool(self.definition.values)

    @property
    def bins(self) -> tuple[str, ...]:
        """The configured values and `__other__`; or the frequent ones, `__other__` and `__unseen__`."""
        return (*self.definition.values, OTHER) if self.configured else self.learned.bins

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's value; absent where it has none, or an empty one."""
        values = self.definition.values
        index = {value: number for number, value in enumerate(values or self.learned.own)}

        def bin_of(turn: Turn) -> int:
            value = _value(turn, self.definition.attribute)
            if not value:
                return ABSENT
            found = index.get(value)
            if found is not None:
                return found
            return len(values) if values else self.learned.place((value,))

        return np.fromiter(map(bin_of, batch.turns), np.int32, len(batch.turns))

    def state(self) -> Mapping[str, Any]:
        """The definition, and the values that were learned."""
        return {"definition": asdict(self.definition), **self.learned.state()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(_restored(state), Folding.restore(state))


@dataclass(frozen=True, slots=True)
class NumberThresholds(_Defined):
    """Between which thresholds a number lies: `<10`, `10-100`, `>=100`."""

    configured: ClassVar[bool] = True

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """One for each definition with thresholds; nothing is learned."""
        return tuple(cls(each) for each in learning.spec.defined if each.thresholds)

    @property
    def bins(self) -> tuple[str, ...]:
        """Below the first threshold, between each two, from the last on."""
        said = [f"{threshold:.15g}" for threshold in self.definition.thresholds]
        between = (f"{low}-{high}" for low, high in itertools.pairwise(said))
        return (f"<{said[0]}", *between, f">={said[-1]}")

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's number; absent where it has none."""
        numbers = np.fromiter(map(self._number, batch.turns), np.float64, len(batch.turns))
        bins = np.searchsorted(self.definition.thresholds, numbers, side="right")
        return np.where(np.isfinite(numbers), bins, ABSENT).astype(np.int32)

    def state(self) -> Mapping[str, Any]:
        """The definition."""
        return {"definition": asdict(self.definition)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(_restored(state))

    def _number(self, turn: Turn) -> float:
        attribute, wanted = self.definition.attribute, self.definition.field
        if attribute is not None:
            return _as_number(turn.attributes.get(attribute))
        if wanted is not None and wanted.startswith("retrieval."):
            return _as_number(getattr(turn.retrieval, wanted.removeprefix("retrieval."), None))
        return _as_number(getattr(turn, wanted or "", None))


@dataclass(frozen=True, slots=True)
class TextPattern(_Defined):
    """Whether the side's text, its first 10,000 characters, has a match of an RE2 expression.

    An RE2 set would be twice as fast, but gives up where its automaton outgrows its memory, which hangs on
    what it read before: a search goes on without it, so that a turn has the same bin in any batch.
    """

    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = ("no", "yes")

    _expression: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_expression", _compile(self.definition.pattern or ""))

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """One for each definition with a pattern; nothing is learned."""
        return tuple(cls(each) for each in learning.spec.defined if each.pattern is not None)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """1 for a match, 0 for none, absent without a text."""
        texts = batch.texts if self.side == "input" else batch.output_texts
        search = self._expression.search
        found = (
            search(text[:_READ_TEXT].encode("utf-8", "replace")) is not None if text else ABSENT
            for text in texts
        )
        return np.fromiter(found, np.int32, len(texts))

    def state(self) -> Mapping[str, Any]:
        """The definition."""
        return {"definition": asdict(self.definition)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(_restored(state))


def _values_of(attribute: str, learning: Learning) -> Folding:
    values = (_value(turn, attribute) for turn in learning.batch.turns)
    return Folding.learn(
        ((value, (value,)) for value in values if value), most=_MOST_VALUES, least=_OWN_BIN_TURNS
    )


def _value(turn: Turn, attribute: str | None) -> str:
    return (turn.attribute(attribute or "") or "")[:_READ_VALUE]


def _as_number(value: str | float | bool | None) -> float:
    """NaN for what is no number. Some exporters write numbers as text."""
    if value is None or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan


def _compile(pattern: str) -> Any:
    """The expression.

    Raises:
        ValueError: it is none that RE2 knows.
    """
    try:
        return re2.compile(pattern, as_written())
    except re2.error as error:
        raise ValueError(f"a defined pattern is no RE2 expression: {error}") from error


def _restored(state: Mapping[str, Any]) -> Defined:
    written = state["definition"]
    lists = {name: tuple(written[name]) for name in ("values", "thresholds")}
    return Defined(**{**written, **lists})
