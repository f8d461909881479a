"""Where baselines and alerts meet: evaluations, in bins and slots, become a verdict, in names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from alerts.attribution import story
from alerts.verdict import (
    BehaviourVerdict,
    DimensionVerdict,
    Driver,
    Sample,
    Side,
    SideVerdict,
    Where,
    WindowSpan,
)
from baselines.evaluation import ReferenceName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alerts.verdict import Level
    from baselines.evaluation import Behaviour, CellMove, Evaluation
    from binning.layout import DimensionLayout, Layout

_SHOWN_DRIVERS = 5


def dimension_verdict(evaluation: Evaluation, layout: DimensionLayout, *, deciding: bool) -> DimensionVerdict:
    """One evaluation with its bins named; what drives it only while it exceeds."""
    window, columns = evaluation.window, evaluation.columns
    drivers = _drivers(evaluation, layout, _told(evaluation))
    shifts = [columns.current_shares[i] - columns.reference_shares[i] for i in evaluation.drivers]
    return DimensionVerdict(
        side=layout.side,
        name=layout.name,
        version=layout.version,
        reference=evaluation.reference,
        window=WindowSpan(window.start, window.end, window.length_s),
        turns=evaluation.turns,
        reference_turns=evaluation.reference_turns,
        psi=evaluation.psi,
        psi_raw=evaluation.psi_raw,
        noise_floor=evaluation.noise_floor,
        p_value=evaluation.p_value,
        level=evaluation.level,
        exceeds=evaluation.exceeds,
        deciding=deciding,
        drivers=drivers,
        story=story(shifts, residual_moved=evaluation.residual_moved, significant=evaluation.exceeds),
        detectable=evaluation.detectable,
    )


def _told(evaluation: Evaluation) -> list[int]:
    """The bins worth naming, none before significance: drivers by peeling, bin-path hits, the largest."""
    if not evaluation.exceeds:
        return []
    order = list(evaluation.drivers)
    hits = sorted((s for s in evaluation.bins if s.hit), key=lambda s: -abs(s.z))
    largest = sorted(evaluation.bins, key=lambda s: -s.contribution)
    for shift in [*hits, *largest[:2]]:
        if shift.bin not in order and shift.contribution > 0:
            order.append(shift.bin)
    return order[:_SHOWN_DRIVERS]


def _drivers(evaluation: Evaluation, layout: DimensionLayout, indices: Iterable[int]) -> tuple[Driver, ...]:
    """These bins with their shares, by name."""
    columns = evaluation.columns
    return tuple(
        Driver(
            bin=layout.bins[i],
            reference_share=columns.reference_shares[i],
            current_share=columns.current_shares[i],
            contribution=columns.contributions[i],
            label=(layout.labels[i] or None) if layout.labels else None,
        )
        for i in indices
    )


def side_verdict(side: Side, dimensions: Iterable[DimensionVerdict]) -> SideVerdict:
    """The deciding dimension of this side with the largest PSI; nothing where none was judged."""
    judged = [d for d in dimensions if d.side == side and d.deciding]
    if not judged:
        return SideVerdict()
    exceeding = [d for d in judged if d.exceeds] or judged
    worst = max(exceeding, key=lambda d: d.psi)
    return SideVerdict(worst.level, worst.psi, worst.name)


def behaviour_verdict(
    behaviour: Behaviour, moves: Sequence[CellMove], layout: Layout, level: Level
) -> BehaviourVerdict:
    """Behaviour at fixed inputs with its cells named."""
    given, outcome = layout.dimension(behaviour.given), layout.dimension(behaviour.outcome)
    return BehaviourVerdict(
        psi=behaviour.psi,
        level=level,
        mix_explained_psi=behaviour.mix_explained_psi,
        residual_psi=behaviour.residual_psi,
        unsupported_share=behaviour.unsupported_share,
        effective_n=behaviour.effective_n,
        where=tuple(
            Where(
                _shown(given, move.given),
                _shown(outcome, move.bin),
                move.reference_share,
                move.current_share,
                move.turns,
            )
            for move in moves
        ),
    )


def _shown(layout: DimensionLayout, index: int) -> str:
    label = layout.labels[index] if layout.labels else ""
    name = f"{layout.name} {layout.bins[index]}"
    return f"{name} ({label})" if label else name


def samples(pointers: Iterable[str]) -> tuple[Sample, ...]:
    """The pointers of a reservoir as they are told."""
    return tuple(msgspec.json.decode(pointer, type=Sample) for pointer in pointers)


class Histogram(msgspec.Struct, frozen=True):
    """Reference and current shares of every bin of a dimension, for people to look at (`/v1/psi`)."""

    side: Side
    name: str
    reference: ReferenceName
    bins: tuple[Driver, ...]


def histogram(evaluation: Evaluation, layout: DimensionLayout) -> Histogram:
    """All bins of one evaluation with their shares."""
    return Histogram(
        side=layout.side,
        name=layout.name,
        reference=evaluation.reference,
        bins=_drivers(evaluation, layout, range(len(layout.bins))),
    )
