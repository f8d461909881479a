"""From a judged agent to what it says of its thresholds, its false pages and its blind spots."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from baselines.chance import HOURS_A_MONTH, Traffic, false_pages_a_month
from baselines.evaluate import Gates
from baselines.evaluation import Window
from baselines.fast import threshold
from baselines.history import ALL
from baselines.lanes import LANES
from baselines.movement import LEAST_PAIRS, Thinned, movements, percentiles
from baselines.windows import HOUR
from worker.calibrate.blind import Lane, blind_spots, usual_days, usual_shares
from worker.calibrate.looks import Look, Strictness, episodes, hours_of, looks, opened
from worker.calibrate.result import DimensionResult, Pages, Result, Span, Threshold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from alerts.verdict import Verdict
    from baselines.movement import Movement
    from baselines.reference import FixedReference
    from binning.layout import DimensionLayout
    from worker.judging.judge import AgentJudge
    from worker.judging.segment import Segment

FLOOR = Gates()
"""No proposal is lower: alpha's constants were measured at these gates, a smaller effect is of no consequence
to anybody on call, and rare bins have their own path, which no threshold of the PSI holds back."""
RESTLESS = 0.25
"""A dimension whose normal windows move by this much is told to be one that says little."""
_SAMPLED = 48


@dataclass(frozen=True, slots=True)
class Observed:
    """An agent whose history was judged: the judge as it ended, and every verdict of the whole, in order."""

    judge: AgentJudge
    verdicts: Sequence[Verdict]


@dataclass(frozen=True, slots=True)
class _Served:
    """One dimension that was judged: all its windows, and `own`, those of the length that serves it."""

    layout: DimensionLayout
    reference: FixedReference
    level: Strictness
    seen: Sequence[Look]
    own: Sequence[Look]
    deciding: bool
    lane: Lane | None

    @property
    def length(self) -> int:
        """Of the windows that serve it, in seconds."""
        return self.own[0].length_s

    @property
    def usual(self) -> Traffic:
        """The window in the middle of what there was."""
        turns = median(look.turns for look in self.own)
        size = median(look.reference_turns for look in self.own)
        return Traffic(turns, size, self.level.phi(self.length, turns, size))

    def pages(self, gates: Gates) -> Pages:
        """What these gates make of the history, and what to expect of them."""
        expected = false_pages_a_month(
            usual_shares(self.reference)[1],
            [self._traffic(look) for look in self.own[:: max(1, len(self.own) // _SAMPLED)]],
            window_hours=self.length / HOUR,
            alpha=self.level.alpha(self.length),
            gates=gates,
        )
        exceeded = sum(look.exceeds(gates) for look in self.seen)
        return Pages(exceeded, opened(self.seen, gates), expected if self.deciding else None)

    def _traffic(self, look: Look) -> Traffic:
        phi = self.level.phi(look.length_s, look.turns, look.reference_turns)
        return Traffic(look.turns, look.reference_turns, phi)


def measured(observed: Observed, *, known_calm: bool) -> Result:
    """Everything about one agent; with `known_calm` hours of episodes count as normal."""
    judge, told = observed.judge, [verdict for verdict in observed.verdicts if verdict.dimensions]
    spans = episodes(told)
    segment = next(segment for segment in judge.segments if segment.name == ALL)
    left_out = set() if known_calm else hours_of(spans)
    found = tuple(_dimension(layout, segment, observed, left_out) for layout in segment.layout.dimensions)
    fast = segment.rules.fast_pages * HOURS_A_MONTH / 1000
    return Result(
        agent=judge.agent,
        judged=Span(told[0].at if told else segment.since, judge.judged_to),
        episodes=spans,
        known_calm=known_calm,
        asked=segment.rules.false_pages_per_month,
        fast_lane=fast,
        expected_current=fast + sum(each.pages_current.expected or 0.0 for each in found),
        expected_proposed=fast + sum(each.pages_proposed.expected or 0.0 for each in found),
        dimensions=found,
    )


def _dimension(
    layout: DimensionLayout, segment: Segment, observed: Observed, left_out: Collection[int]
) -> DimensionResult:
    reference, gates = segment.fixed[layout.key], segment.rules.gates(layout.key)
    deciding = segment.rules.decides(layout.key)
    level = _level(segment, reference, len(layout.bins))
    seen = looks(observed.verdicts, layout.key, level)
    if not seen:
        return DimensionResult(
            side=layout.side,
            name=layout.name,
            deciding=deciding,
            phi_within=reference.spread.within,
            current=Threshold(gates.moderate, gates.significant),
            note="too few turns for a judgement on any window: nothing is seen",
        )
    length = Counter(look.length_s for look in seen).most_common(1)[0][0]
    own = [look for look in seen if look.length_s == length]
    moved = movements(
        {hour: counts[layout.slots] for hour, counts in observed.judge.history.hours(ALL).items()},
        reference,
        length,
        left_out=left_out,
        thinned=Thinned(segment.since // HOUR, 0.5 if layout.halved else 1.0),
    )
    return _judged(
        _Served(layout, reference, level, seen, own, deciding, _lane(segment, layout.key)), moved, gates
    )


def _lane(segment: Segment, key: str) -> Lane | None:
    """How the fast lane looks at a dimension over an hour; None where it does not."""
    watched = [each for each in segment.lanes if segment.rules.decides(each)]
    if key not in watched:
        return None
    bins = sum(int((segment.fixed[each].cells.counts.sum((0, 1)) > 0).sum()) for each in watched)
    spread, last = segment.lanes[key], LANES.index(HOUR)
    z = threshold(bins, segment.rules.fast_pages)
    return Lane(z, float(spread.phi[last]), spread.bins[last])


def _judged(served: _Served, moved: list[Movement], gates: Gates) -> DimensionResult:
    """What is said of a dimension that was judged and moved like this; `gates` are the present ones."""
    high, usual, length = percentiles(moved), served.usual, served.length
    proposed = proposal(high.own) if high is not None else None
    then = Gates(proposed.moderate, proposed.significant) if proposed is not None else gates
    alpha = served.level.alpha(length)
    return DimensionResult(
        side=served.layout.side,
        name=served.layout.name,
        deciding=served.deciding,
        phi_within=served.reference.spread.within,
        current=Threshold(gates.moderate, gates.significant),
        note=_note(length, len(moved), proposed),
        window_s=length,
        turns=round(usual.turns),
        evaluations=len(served.seen),
        omega=served.reference.spread.omega(length),
        phi=usual.phi,
        pairs=len(moved),
        movement=high.movement if high is not None else None,
        chance=high.chance if high is not None else None,
        proposed=proposed,
        pages_current=served.pages(gates),
        pages_proposed=served.pages(then),
        blind=blind_spots(
            served.layout,
            served.reference,
            usual,
            length_s=length,
            alpha=alpha,
            gates=gates,
            lane=served.lane,
        ),
        series=tuple((look.end, round(look.psi, 5)) for look in served.seen),
    )


def _level(segment: Segment, reference: FixedReference, bins: int) -> Strictness:
    """What a dimension is tested at."""
    days = usual_days(reference)

    def phi(length_s: int, n: float, m: float) -> float:
        between = reference.spread.omega(length_s) * (1 + 1 / days) / (1 / n + 1 / m)
        return reference.spread.within + between

    def alpha(length_s: int) -> float:
        return segment.rules.alpha(Window(0, length_s), segment.deciding)

    return Strictness(bins, alpha, phi)


def proposal(own: tuple[float, float]) -> Threshold:
    """The thresholds of a dimension that moves by this much of its own, 95th and 99th percentile."""
    moderate = max(FLOOR.moderate, _up(own[0]))
    return Threshold(moderate, max(FLOOR.significant, _up(own[1]), _up(1.25 * moderate)))


def _up(value: float) -> float:
    """To two digits after the point, never down."""
    return math.ceil(round(100 * value, 6)) / 100


def _note(length: int, pairs: int, proposed: Threshold | None) -> str | None:
    if proposed is None:
        missing = duration((LEAST_PAIRS - pairs) * length / HOUR)
        return (
            f"{pairs} pairs of normal windows of {length // HOUR} h, {LEAST_PAIRS} are needed to propose"
            f" thresholds: about {missing} more"
        )
    if proposed.moderate >= RESTLESS:
        return "its normal windows differ this much: it can hardly say anything; leave it out of `decide`"
    return None


def duration(hours: float) -> str:
    """Hours as a person says them."""
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"
