"""What the user sent: text, an image, speech ..., and which of them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.dimensions.folding import Folding
from binning.layout import ABSENT, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning
    from binning.turn import Input

_TEXT = "text"
_KNOWN = (_TEXT, "image", "audio", "video", "file")
_TEXT_ALONE = ((_TEXT,), ())
_ALWAYS = (*_KNOWN, *(f"{_TEXT}+{name}" for name in _KNOWN[1:]))
_MOST_MORE = 10
_OWN_BIN_TURNS = 5


@dataclass(frozen=True, slots=True)
class Modality:
    """All that the input holds, such as `text+image`. A text speaks for itself, whatever `modalities` says.

    The usual five, alone and with text, always have a bin, so that a first image is seen as one; other
    combinations have one from 5 learning turns on, at most 10 of them.
    """

    side: ClassVar[Side] = "input"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = True
    name: ClassVar[str] = "modality"
    labels: ClassVar[tuple[str, ...]] = ()

    more: Folding

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """Which combinations there are beside the usual ones."""
        batch = learning.batch
        found = (_parts(turn.input, text) for turn, text in zip(batch.turns, batch.texts, strict=True))
        seen = [("+".join(parts), parts) for parts in found if parts]
        unusual = ((pattern, parts) for pattern, parts in seen if pattern not in _ALWAYS)
        return (cls(Folding.learn(unusual, most=_MOST_MORE, least=_OWN_BIN_TURNS)),)

    @property
    def bins(self) -> tuple[str, ...]:
        """The usual ones, the others of the learning turns, `__other__`, `__unseen__`."""
        return (*_ALWAYS, *self.more.bins)

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """The bin of each turn's combination; absent where the input holds nothing."""
        index = {pattern: number for number, pattern in enumerate((*_ALWAYS, *self.more.own))}

        def bin_of(given: Input, text: str) -> int:
            parts = _parts(given, text)
            if not parts:
                return ABSENT
            pattern = "+".join(parts)
            found = index.get(pattern)
            if found is not None:
                return found
            return len(_ALWAYS) + self.more.place([part for part in parts if part not in _KNOWN])

        bins = [
            0 if text and turn.input.modalities in _TEXT_ALONE else bin_of(turn.input, text)
            for turn, text in zip(batch.turns, batch.texts, strict=True)
        ]
        return np.array(bins, dtype=np.int32)

    def state(self) -> Mapping[str, Any]:
        """What is not usual."""
        return self.more.state()

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(Folding.restore(state))


def _parts(given: Input, text: str) -> list[str]:
    """What the input holds, each once, text first."""
    held = {name.casefold() for name in given.modalities}
    if text:
        held.add(_TEXT)
    return sorted(held, key=lambda name: (name != _TEXT, name))
