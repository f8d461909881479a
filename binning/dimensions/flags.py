"""One yes/no dimension a flag that an evaluator raises, so that no other category hides it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from binning.layout import ABSENT, UNSEEN, Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from binning.dimensions.base import Batch, Learning

_MOST = 20
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
"""What a flag's name looks like. A sentence is none: names reach Redis and alerts, texts never do."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Whether `flag` was raised; `__unseen__` asks for any flag without a dimension of its own (`known`).

    No flags on a turn with an output means that none was raised.
    """

    side: ClassVar[Side] = "output"
    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    configured: ClassVar[bool] = True
    bins: ClassVar[tuple[str, ...]] = ("no", "yes")
    labels: ClassVar[tuple[str, ...]] = ()

    flag: str
    known: tuple[str, ...] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:
        """One for each configured flag, for the 20 most frequent of those seen, and `__unseen__`."""
        counts = Counter(flag for output in learning.batch.outputs if output for flag in output.flags)
        configured = learning.spec.flags
        seen = [flag for flag in counts if flag not in configured and _NAME.fullmatch(flag)]
        extra = sorted(sorted(seen, key=lambda flag: (-counts[flag], flag))[:_MOST])
        known = (*configured, *extra)
        return (*(cls(flag) for flag in known), cls(UNSEEN, known))

    @property
    def name(self) -> str:
        """`flags:` and the flag."""
        return f"flags:{self.flag}"

    def assign(self, batch: Batch) -> NDArray[np.int32]:
        """1 where it was raised, 0 where it was not, absent without an output."""
        bins = [
            ABSENT if output is None else int(self._raised(output.flags)) if output.flags else 0
            for output in batch.outputs
        ]
        return np.array(bins, dtype=np.int32)

    def state(self) -> Mapping[str, Any]:
        """The flag, and for `__unseen__` the known ones."""
        return {"flag": self.flag, "known": self.known}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:
        """From `state`."""
        return cls(state["flag"], tuple(state["known"]))

    def _raised(self, flags: Sequence[str]) -> bool:
        if self.flag == UNSEEN:
            return any(flag not in self.known for flag in flags)
        return self.flag in flags
