"""What of one bin set goes on in the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from binning.content import decode, known, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.dimensions.base import Dimension


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a bin set when another is learned: its dimensions by kind and name, and its share.

    Dimensions that another version of quadrift learned are not among them.
    """

    dimensions: Mapping[tuple[str, str], Dimension]
    share: int

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Of the bin set that was kept as these bytes."""
        content = decode(data)
        found = [(entry["kind"], restore(entry)) for entry in content["dimensions"] if known(entry)]
        return cls({(kind, dimension.name): dimension for kind, dimension in found}, content["share"])

    def dimension(self, kind: str, learned: Dimension) -> Dimension:
        """The one to go on with: as it was where its bins came from turns and the config says the same of it.

        What is fitted on half of the turns (clusters) begins anew; what is configured is as it is configured.
        """
        before = self.dimensions.get((kind, learned.name))
        if before is None or learned.halved or learned.configured:
            return learned
        defined = before.state().get("definition") == learned.state().get("definition")
        return before if defined else learned
