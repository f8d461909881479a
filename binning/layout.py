"""Where each bin of a bin set lives in a flat vector of counts.

A *slot* is the index of one bin in that vector: dimensions first, then joints (row-major, given x outcome).
Slots are what counts are kept under, in memory and in Redis; names come back through the layout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Side = Literal["input", "output"]
ABSENT = -1
"""The slot of a turn that does not carry what a dimension needs. It is never counted."""

OTHER = "__other__"
OTHER_INTENT = "other"
"""The intent of inputs that are like none of the taxonomy: where its share grows, the taxonomy has aged."""
UNSEEN = "__unseen__"


@dataclass(frozen=True, slots=True)
class DimensionLayout:
    """One dimension's bins. `configured`: its categories come from configuration, so none is ever pooled.

    `halved`: its bins were learned from one half of the turns, so its reference counts the other half.
    `share`: the part of the turns that it counts, learning as judging, so that its design effect is that of
    these turns and needs no correction for the others.
    `labels` are what a person reads for a bin (a cluster's terms); empty where the bin's name says it.
    `identity` names all that makes its bins: counts under two bin sets compare where it is the same.
    """

    side: Side
    name: str
    version: int
    bins: tuple[str, ...]
    offset: int
    configured: bool = False
    halved: bool = False
    share: float = 1.0
    labels: tuple[str, ...] = ()
    identity: str = ""

    @property
    def key(self) -> str:
        """`side.name`, unique in a bin set (both sides have a `length`)."""
        return f"{self.side}.{self.name}"

    @property
    def slots(self) -> slice:
        """Where its counts are in a flat vector."""
        return slice(self.offset, self.offset + len(self.bins))


@dataclass(frozen=True, slots=True)
class JointLayout:
    """The table `given x outcome`, for behaviour at fixed inputs. Both are dimension keys.

    `thinned`: the part of the outcome's own turns that it counts, where the given is counted on fewer.
    """

    given: str
    outcome: str
    offset: int
    shape: tuple[int, int]
    thinned: float = 1.0

    @property
    def slots(self) -> slice:
        """Where its counts are in a flat vector, row-major."""
        return slice(self.offset, self.offset + self.shape[0] * self.shape[1])


@dataclass(frozen=True, slots=True)
class Layout:
    """All dimensions and joints of a bin set; `size` is the length of a flat vector of counts."""

    dimensions: tuple[DimensionLayout, ...]
    joints: tuple[JointLayout, ...]
    size: int

    def dimension(self, key: str) -> DimensionLayout:
        """The dimension called `side.name`.

        Raises:
            KeyError: the bin set has no such dimension.
        """
        for dimension in self.dimensions:
            if dimension.key == key:
                return dimension
        raise KeyError(key)
