"""Which language the user writes in, by py3langid; `und` where a text is too short to tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.langid import identify
from binning.layout import ABSENT, OTHER, UNSEEN, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

UNDETERMINED = "und"

_OWN_BIN_TURNS = 5
_SURE = 0.5
_SURE_OF_UNSEEN = 0.8
"""A language that no learning turn had needs more: a first wrong guess would page as a finding."""


@dataclass(frozen=True, slots=True)
class Language:
    """Languages of at least 5 learning turns have a bin of their own, rarer ones share `__other__`."""

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = False
    name: ClassVar[str] = "language"

    common: tuple[str, ...]
    rare: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Which languages the learning turns are in."""
        languages, sure = identify([text for text in learning.batch.texts if text])
        counts = Counter(name for name, share in zip(languages, sure.tolist(), strict=True) if share >= _SURE)
        common = sorted(language for language, count in counts.items() if count >= _OWN_BIN_TURNS)
        rare = sorted(language for language, count in counts.items() if count < _OWN_BIN_TURNS)
        return (cls(tuple(common), tuple(rare)),)

    @property
    def bins(self) -> tuple[str, ...]:
        """The common languages by code, `und`, `__other__`, `__unseen__`."""
        return (*self.common, UNDETERMINED, OTHER, UNSEEN)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The language of each text."""
        index = {name: number for number, name in enumerate(self.bins)}
        rows = [row for row, text in enumerate(batch.texts) if text]
        languages, sure = identify([batch.texts[row] for row in rows])
        bins = np.full(len(batch.texts), ABSENT, dtype=np.int32)
        bins[rows] = [
            index[self._bin(name, share)] for name, share in zip(languages, sure.tolist(), strict=True)
        ]
        return bins

    def state(self) -> Mapping[str, Any]:
        """The languages seen while learning."""
        return {"common": self.common, "rare": self.rare}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(tuple(state["common"]), tuple(state["rare"]))

    def _bin(self, language: str, sure: float) -> str:
        if sure < _SURE:
            return UNDETERMINED
        if language in self.common:
            return language
        if language in self.rare:
            return OTHER
        return UNSEEN if sure >= _SURE_OF_UNSEEN else UNDETERMINED
