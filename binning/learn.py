"""Learn a bin set from turns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from binning.binset import BinSet
from binning.dimensions import KINDS
from binning.dimensions.base import Batch, Learning
from binning.identity import SHARES, in_fitting_half

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from binning.dimensions.base import Dimension
    from binning.encoder import Encoder
    from binning.kept import Kept
    from binning.spec import BinSpec
    from binning.turn import Turn

__all__ = ["embedded_share", "in_fitting_half", "learn_bin_set"]


def learn_bin_set(
    turns: Sequence[Turn],
    spec: BinSpec,
    encoder: Encoder,
    progress: Callable[[str, float], None] | None = None,
    *,
    hourly: float = 0.0,
    kept: Kept | None = None,
) -> BinSet:
    """The bin set of the first `spec.max_turns` turns: the same turns in the same order give the same bytes.

    `progress` is told each step and the share that is done. `hourly` are the turns an hour that were seen:
    the share that is embedded follows from it, all of them where it is not known. Where there are clusters to
    be learned anew, the other dimensions are `kept` as they are, and the share if it is right within a half.

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
        learned = kind.learn(learning)
        dimensions.extend((key, kept.dimension(key, one) if kept else one) for one in learned)
    tell("done", 1.0)
    share = embedded_share(spec.embedded_turns_per_hour, hourly)
    if kept is not None and share / 2 <= kept.share <= share * 2:
        share = kept.share
    return BinSet(encoder.digest, dimensions, spec.segments, spec.joint_outcomes, share)


def embedded_share(wanted: int, hourly: float) -> int:
    """Of 1024 parts of the turns, the fewest that hold `wanted` of `hourly` turns an hour; at least one."""
    return SHARES if hourly <= wanted else max(1, math.ceil(SHARES * wanted / hourly))


def _silent(step: str, share: float) -> None:
    """Nobody is watching."""
