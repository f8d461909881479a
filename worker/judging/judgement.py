"""One segment at one step, put into words: which side moved, which quadrant, since what change, where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alerts.cause import cause, changes, last_steady, merged, ruled_out
from alerts.quadrant import JointView, OutputDecision, OutputDimension, decide_output, quadrant
from alerts.verdict import Quadrant, Status, Verdict
from baselines.evaluation import Window
from worker.judging.verdicts import (
    Histogram,
    behaviour_verdict,
    dimension_verdict,
    histogram,
    samples,
    side_verdict,
)

if TYPE_CHECKING:
    from alerts.cause import ChangeSet
    from alerts.verdict import BehaviourVerdict, DimensionVerdict, Level, Side
    from baselines.history import History
    from worker.judging.segment import Segment
    from worker.judging.tracked import JointJudgement

HOUR = 3600
_STEADY_S = 24 * HOUR
_SAMPLES = 3
EARLY_REASON = "found within minutes: the first whole window may still show that the other side moved too"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a verdict is made from: the segment right after its step, and the counts behind it."""

    agent: str
    bin_set: str
    end: int
    segment: Segment
    history: History


def judged(judgement: Judgement) -> Verdict:
    """The verdict of one step; the life-cycle of episodes fills in `alerting`, `episode` and `playbook`."""
    segment, end = judgement.segment, judgement.end
    dimensions = _dimensions(segment)
    inputs = _moved(segment, "input")
    decision = _output_decision(segment, inputs)
    found = quadrant(inputs, decision.moved)
    exceeds = bool(inputs or decision.moved)
    onset = _onset(segment, end) if exceeds else None
    before, now = _change_sets(judgement, onset) if onset is not None else ({}, [])
    altered = changes(before, now)
    unmoved = ruled_out(before, merged([counts for _, counts in now]), altered)
    window = _widest(segment)
    held, lost = _incomplete(judgement)
    status = (Status.STALE if held else Status.OK) if dimensions else Status.INSUFFICIENT
    return Verdict(
        agent=judgement.agent,
        segment=segment.name,
        at=end,
        bin_set=judgement.bin_set,
        quadrant=found,
        marginal_quadrant=quadrant(inputs, _moved(segment, "output")),
        exceeds=exceeds,
        alerting=False,
        episode=None,
        status=status,
        reason=lost or (_reason(segment, decision, found) if dimensions else _waiting(segment)),
        turns=_turns(segment),
        input=side_verdict("input", dimensions),
        output=side_verdict("output", dimensions),
        behaviour=_behaviour(segment, inputs),
        dimensions=dimensions,
        changes=altered,
        cause=cause(found, altered, unmoved),
        ruled_out=unmoved,
        last_steady=last_steady(before),
        samples=samples(judgement.history.pointers(window, _SAMPLES)) if exceeds and window else (),
        playbook=None,
    )


def histograms(segment: Segment) -> list[Histogram]:
    """Reference and current shares of every judged dimension, by the evaluation that leads."""
    return [
        histogram(shown, layout)
        for layout in segment.layout.dimensions
        if (shown := segment.tracked[layout.key].shown) is not None
    ]


def _dimensions(segment: Segment) -> tuple[DimensionVerdict, ...]:
    return tuple(
        dimension_verdict(evaluation, layout, deciding=segment.rules.decides(layout.key))
        for layout in segment.layout.dimensions
        for _, evaluation in sorted(segment.tracked[layout.key].latest.items())
    )


def _deciding(segment: Segment, side: Side) -> dict[str, bool]:
    """The deciding dimensions of a side that were judged, by key, and whether each exceeds."""
    return {
        layout.key: segment.tracked[layout.key].exceeds
        for layout in segment.layout.dimensions
        if layout.side == side and segment.rules.decides(layout.key) and segment.tracked[layout.key].latest
    }


def _moved(segment: Segment, side: Side) -> bool | None:
    """Whether a deciding dimension of the side exceeds; None where none of them was judged."""
    exceeding = _deciding(segment, side)
    return any(exceeding.values()) if exceeding else None


def _output_decision(segment: Segment, inputs: bool | None) -> OutputDecision:
    outputs = [OutputDimension(key, exceeds) for key, exceeds in _deciding(segment, "output").items()]
    joints = [_view(judgement) for judgement in segment.joints.values()]
    return decide_output(inputs, outputs, joints)


def _view(judgement: JointJudgement) -> JointView:
    found = judgement.behaviour
    return JointView(
        given=found.given.removeprefix("input."),
        outcome=found.outcome,
        assessable=found.assessable,
        moved=found.moved,
        slice_moved=bool(judgement.slices),
    )


def _behaviour(segment: Segment, inputs: bool | None) -> BehaviourVerdict | None:
    """The joint that moved most: at fixed inputs where the inputs moved, by its slices where they did not."""
    joints = segment.joints.values()
    assessable = [judgement for judgement in joints if judgement.behaviour.assessable]
    finest = [j for j in assessable if j.behaviour.given == "input.cluster"] or assessable
    moved = [j for j in finest if j.behaviour.moved] if inputs else [j for j in joints if j.slices]
    if not (moved or finest):
        return None
    worst = max(moved or finest, key=lambda j: j.behaviour.psi)
    told = worst.slices if worst.slices and not inputs else worst.behaviour.where
    gates = segment.rules.gates(worst.behaviour.outcome)
    level: Level = "low"
    if moved:
        level = "significant" if worst.behaviour.psi >= gates.significant else "moderate"
    return behaviour_verdict(worst.behaviour, told[:_SAMPLES], segment.layout, level)


def _widest(segment: Segment) -> Window | None:
    """The longest window that a latest evaluation stands on."""
    windows = [e.window for tracked in segment.tracked.values() for e in tracked.latest.values()]
    return max(windows, key=lambda window: (window.end, window.length_s), default=None)


def _turns(segment: Segment) -> int:
    """Turns of the dimension that has most of them: every turn has one side or the other."""
    return max((e.turns for tracked in segment.tracked.values() for e in tracked.latest.values()), default=0)


def _onset(segment: Segment, end: int) -> int:
    """The start of the first window that exceeded, of those that exceed in a row now."""
    starts = [
        (segment.streaks[key].since or end) - tracked.shown.window.length_s
        for key, tracked in segment.tracked.items()
        if key in segment.streaks and tracked.exceeds and tracked.shown is not None
    ]
    return min(starts, default=end - HOUR)


def _change_sets(judgement: Judgement, onset: int) -> tuple[ChangeSet, list[tuple[int, ChangeSet]]]:
    """The change set of the day before the onset, and of each hour since."""
    history, end = judgement.history, judgement.end
    before = history.change_set(Window(onset - _STEADY_S, onset))
    hours = range(onset, end, HOUR)
    return before, [(hour, history.change_set(Window(hour, min(hour + HOUR, end)))) for hour in hours]


def _reason(segment: Segment, decision: OutputDecision, found: Quadrant | None) -> str | None:
    """What a reader of the verdict has to know about it."""
    return decision.reason or _early(segment, found) or _resting(segment)


def _early(segment: Segment, found: Quadrant | None) -> str | None:
    """What a page of the fast lane cannot tell yet: one side is sharp, the other may need more turns."""
    ahead = any(tracked.held is not None and tracked.exceeds for tracked in segment.tracked.values())
    return EARLY_REASON if ahead and found is not Quadrant.BOTH_MOVED else None


def _incomplete(judgement: Judgement) -> tuple[bool, str | None]:
    """Whether every window that serves now is incomplete, so that all said is old, and why any of them is."""
    rungs = {tracked.rung for tracked in judgement.segment.tracked.values()}
    touched = {rung: judgement.history.gaps(Window(judgement.end - rung, judgement.end)) for rung in rungs}
    gaps = max(touched.values(), key=len, default=[])
    if not gaps:
        return False, None
    records = sum(gap.records for gap in gaps)
    return all(
        touched.values()
    ), f"{records} records were not counted: windows that they may be of are not judged"


def _resting(segment: Segment) -> str | None:
    """Which deciding dimensions are not judged because their bins were learned anew."""
    resting = [
        layout.name
        for layout in segment.layout.dimensions
        if segment.rules.decides(layout.key)
        and segment.tracked[layout.key].since > segment.since
        and not segment.tracked[layout.key].latest
    ]
    if not resting:
        return None
    return f"bins of {', '.join(resting)} learned anew: judged once a window lies after that"


def _waiting(segment: Segment) -> str:
    short = any(tracked.short for tracked in segment.tracked.values())
    return "too few turns in the longest window yet" if short else "no window lies after learning yet"
