"""Learn a bin set from turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binning.binset import BinSet
from binning.dimensions import KINDS
from binning.dimensions.base import Batch, Learning
from binning.identity import in_fitting_half

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from binning.dimensions.base import Dimension
    from binning.encoders import Encoder
    from binning.spec import BinSpec
    from binning.turn import Turn

__all__ = ["in_fitting_half", "learn_bin_set"]


def learn_bin_set(
    turns: Sequence[Turn],
    spec: BinSpec,
    encoder: Encoder,
    progress: Callable[[str, float], None] | None = None,
) -> BinSet:
    """The bin set of the first `spec.max_turns` turns: the same turns in the same order give the same bytes.

    `progress` is told each step and the share that is done.

    Raises:
        ValueError: the taxonomy has examples of fewer than two intents, or a pattern is no RE2 expression.
    """
    tell = progress or _silent
    tell("encoding", 0.0)
    learned_from = turns[: spec.max_turns]
    fitting = np.fromiter(
        (in_fitting_half(turn.identity) for turn in learned_from), np.bool_, len(learned_from)
    )
    learning = Learning(Batch(learned_from, encoder), fitting, spec, encoder)
    dimensions: list[tuple[str, Dimension]] = []
    for step, (key, kind) in enumerate(KINDS.items(), start=1):
        tell(f"learning {key}", step / (len(KINDS) + 1))
        dimensions.extend((key, dimension) for dimension in kind.learn(learning))
    tell("done", 1.0)
    return BinSet(encoder.digest, dimensions, spec.segments, spec.joint_outcomes)


def _silent(step: str, share: float) -> None:
    """Nobody is watching."""
