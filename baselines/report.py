"""What is said of windows that were judged, over the dimensions' own bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.evaluate import attribute
from baselines.evaluation import Columns, Evaluation
from baselines.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from baselines.arrays import Floats
    from baselines.evaluate import Assessment, Case
    from baselines.evaluation import ReferenceName, Window
    from baselines.pooling import Pooling


_NOTHING = np.zeros(1)


@dataclass(frozen=True, slots=True)
class Trial:
    """A window of one dimension and what it is judged against.

    `counts` are its turns over the dimension's own bins, (bins,), `live` the pooled bins in use, which `case`
    has.
    """

    dimension: str
    reference: ReferenceName
    window: Window
    counts: NDArray[np.int64]
    pooling: Pooling
    live: NDArray[np.bool_]
    case: Case


def report(trials: Sequence[Trial], found: Sequence[Assessment]) -> list[Evaluation]:
    """The evaluations over the dimensions' own bins.

    A pooled bin has its pool's tests and its part of the pool's reference share and contribution; a pool that
    drives the change is named by the bin of it that moved most.
    """
    at = Ragged.of([len(trial.counts) for trial in trials])
    counts = np.concatenate([trial.counts for trial in trials])
    weights = np.concatenate([trial.pooling.weights for trial in trials])
    pooled = _live_pool(trials, at)
    current = counts / at.wide(at.sums(counts))
    reference = _spread_out([trial.case.expected.shares for trial in trials], pooled) * weights
    columns = (
        reference,
        current,
        _spread_out([each.contributions for each in found], pooled) * weights,
        _spread_out([each.z for each in found], pooled),
        _spread_out([each.h for each in found], pooled),
        _spread_out([each.hits for each in found], pooled) > 0,
        np.arcsin(np.sqrt(current)) - np.arcsin(np.sqrt(np.minimum(reference, 1.0))),
    )
    values = [column.tolist() for column in columns]
    own = at.slices()
    return [
        _evaluation(trial, each, [tuple(column[slots]) for column in values])
        for trial, each, slots in zip(trials, found, own, strict=True)
    ]


def _live_pool(trials: Sequence[Trial], at: Ragged) -> NDArray[np.int64]:
    """For every bin of all trials where its pool is among the live ones, end to end; -1 where it is not."""
    live = np.concatenate([trial.live for trial in trials])
    position = np.where(live, np.cumsum(live) - 1, -1)
    pools = Ragged.of([len(trial.live) for trial in trials])
    of = np.concatenate([trial.pooling.of for trial in trials]) + at.wide(pools.starts)
    return np.asarray(position[of])


def _spread_out(live: Sequence[NDArray[Any]], pooled: NDArray[np.int64]) -> Floats:
    """Values of the live pools over the original bins, 0 where a bin is not live."""
    return np.concatenate([*live, _NOTHING])[pooled]


def _evaluation(trial: Trial, found: Assessment, columns: list[tuple[Any, ...]]) -> Evaluation:
    """One trial's evaluation; `columns` are those of `Columns`, and the displacement."""
    turns = int(trial.counts.sum())
    *shown, displacement = columns
    drivers, residual_moved = _drivers(trial, found, columns) if found.exceeds else ((), False)
    return Evaluation(
        dimension=trial.dimension,
        reference=trial.reference,
        window=trial.window,
        turns=turns,
        reference_turns=round(trial.case.expected.size),
        effective_n=turns / trial.case.phi,
        psi=max(0.0, found.psi_raw - found.noise_floor),
        psi_raw=found.psi_raw,
        noise_floor=found.noise_floor,
        p_value=found.p_value,
        level=found.level,
        exceeds=found.exceeds,
        calm=found.calm,
        columns=Columns(*shown),
        drivers=drivers,
        residual_moved=residual_moved,
        detectable=found.detectable,
        displacement=displacement,
    )


def _drivers(trial: Trial, found: Assessment, columns: list[tuple[Any, ...]]) -> tuple[tuple[int, ...], bool]:
    """What drives the change, by the bin of each pool that moved most, and whether the rest still differs."""
    drivers, residual_moved = attribute(trial.case, found)
    reference, current, *_ = columns
    moved = np.abs(np.array(current) - np.array(reference))
    pools = np.flatnonzero(trial.live)[drivers].tolist() if drivers else []
    of = trial.pooling.of
    return tuple(int(np.argmax(np.where(of == pool, moved, -1.0))) for pool in pools), residual_moved


def still(trial: Trial) -> Evaluation:
    """The evaluation of a dimension of which only one bin is in use: nothing can have moved."""
    turns = int(trial.counts.sum())
    shares = tuple((trial.counts / turns).tolist())
    none = (0.0,) * len(shares)
    return Evaluation(
        trial.dimension,
        trial.reference,
        trial.window,
        turns,
        round(trial.case.expected.size),
        turns / trial.case.phi,
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
