"""A dimension whose bins are always the same: nothing is learned and nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from binning.dimensions.base import Learning


@dataclass(frozen=True, slots=True)
class Fixed:
    """What such a dimension need not say."""

    version: ClassVar[int] = 1
    halved: ClassVar[bool] = False
    labels: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def learn(cls, learning: Learning) -> Sequence[Self]:  # noqa: ARG003 - its bins are fixed
        """Nothing is learned."""
        return (cls(),)

    def state(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Self:  # noqa: ARG003 - its bins are fixed
        """From nothing."""
        return cls()
