"""What is said of a window that was judged, over the dimension's own bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from baselines.evaluate import attribute
from baselines.evaluation import Columns, Evaluation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from baselines.cells import Expectation
    from baselines.evaluate import Assessment, Gates
    from baselines.evaluation import ReferenceName, Window
    from baselines.pooling import Pooling
    from baselines.psi import Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """Which window of which dimension was judged against which reference; `counts` are its turns, (bins,)."""

    dimension: str
    reference: ReferenceName
    window: Window
    counts: NDArray[np.int64]


def report(
    judged: Judged,
    pooling: Pooling,
    live: NDArray[np.bool_],
    expected: Expectation,
    found: Assessment,
    *,
    phi: float,
    gates: Gates,
) -> Evaluation:
    """The evaluation over the dimension's own bins.

    A pooled bin has its pool's tests and its part of the pool's reference share and contribution; a pool that
    drives the change is named by the bin of it that moved most.
    """
    turns = int(judged.counts.sum())
    current = judged.counts / turns
    reference = _spread_out(pooling, live, expected.shares) * pooling.weights
    drivers, residual_moved = _drivers(judged, pooling, live, expected, found, gates, current - reference)
    displacement = np.arcsin(np.sqrt(current)) - np.arcsin(np.sqrt(np.minimum(reference, 1.0)))
    return Evaluation(
        dimension=judged.dimension,
        reference=judged.reference,
        window=judged.window,
        turns=turns,
        reference_turns=round(expected.size),
        effective_n=turns / phi,
        psi=max(0.0, found.psi_raw - found.noise_floor),
        psi_raw=found.psi_raw,
        noise_floor=found.noise_floor,
        p_value=found.p_value,
        level=found.level,
        exceeds=found.exceeds,
        calm=found.calm,
        columns=_columns(pooling, live, found, reference, current),
        drivers=drivers,
        residual_moved=residual_moved,
        detectable=found.detectable,
        displacement=tuple(displacement.tolist()),
    )


def _drivers(
    judged: Judged,
    pooling: Pooling,
    live: NDArray[np.bool_],
    expected: Expectation,
    found: Assessment,
    gates: Gates,
    shift: Floats,
) -> tuple[tuple[int, ...], bool]:
    """What drives the change, by the bin of each pool that moved most, and whether the rest still differs."""
    if not found.exceeds:
        return (), False
    drivers, residual_moved = attribute(pooling.pooled(judged.counts)[live], expected, found, gates)
    pools = np.flatnonzero(live)[drivers].tolist() if drivers else []
    moved = np.abs(shift)
    return tuple(int(np.argmax(np.where(pooling.of == pool, moved, -1.0))) for pool in pools), residual_moved


def _columns(
    pooling: Pooling, live: NDArray[np.bool_], found: Assessment, reference: Floats, current: Floats
) -> Columns:
    contributions = _spread_out(pooling, live, found.contributions) * pooling.weights
    hits = found.hits
    if len(hits) != len(pooling.of):
        hits = _spread_out(pooling, live, hits.astype(np.float64)) > 0
    return Columns(
        tuple(reference.tolist()),
        tuple(current.tolist()),
        tuple(contributions.tolist()),
        tuple(_spread_out(pooling, live, found.z).tolist()),
        tuple(_spread_out(pooling, live, found.h).tolist()),
        tuple(hits.tolist()),
    )


def _spread_out(pooling: Pooling, live: NDArray[np.bool_], values: Floats) -> Floats:
    """Values of the live pooled bins over the original bins, 0 where a bin is not live."""
    if len(values) == len(pooling.of):  # every bin is live and none is pooled
        return values
    pooled = np.zeros(pooling.size)
    pooled[live] = values
    return np.asarray(pooled[pooling.of])


def still(judged: Judged, expected: Expectation, phi: float) -> Evaluation:
    """The evaluation of a dimension of which only one bin is in use: nothing can have moved."""
    turns = int(judged.counts.sum())
    shares = tuple((judged.counts / turns).tolist())
    none = (0.0,) * len(shares)
    return Evaluation(
        judged.dimension,
        judged.reference,
        judged.window,
        turns,
        round(expected.size),
        turns / phi,
        psi=0.0,
        psi_raw=0.0,
        noise_floor=0.0,
        p_value=1.0,
        level="low",
        exceeds=False,
        calm=True,
        columns=Columns(shares, shares, none, none, none, (False,) * len(shares)),
        drivers=(),
        residual_moved=False,
        detectable=None,
        displacement=none,
    )
