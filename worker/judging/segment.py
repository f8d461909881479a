"""One segment of one agent as the judge knows it: its references, its latest evaluations, its streaks.

`step` moves it on; `state` and `restore` carry it from one leader to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from alerts.persistence import Streak
from baselines.reference import FixedReference
from baselines.rolling import RollingReference
from baselines.windows import HOUR, STEP
from worker.judging.tracked import JointJudgement, Kept, Rules, Tracked, joint_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from baselines.fast import Scan
    from baselines.lanes import LaneSpread
    from baselines.learned import Hours
    from binning.layout import DimensionLayout, JointLayout, Layout


@dataclass(slots=True)
class Segment:
    """One segment and everything that judging it needs and leaves behind.

    `since` is where judging begins (seconds since the epoch), `fixed` the reference of each dimension,
    `joint_reference` a flat vector of the hours behind the joints' references, `joints_absorbed_to` the first
    hour that those have not been offered yet.
    """

    name: str
    layout: Layout
    rules: Rules
    since: int
    fixed: dict[str, FixedReference]
    joint_reference: NDArray[np.int64]
    joints_absorbed_to: int
    tracked: dict[str, Tracked]
    joints_kept: dict[str, Kept]
    joints: dict[str, JointJudgement] = field(default_factory=dict)
    streaks: dict[str, Streak] = field(default_factory=dict)
    lanes: dict[str, LaneSpread] = field(default_factory=dict)
    watching: tuple[list[DimensionLayout], Scan | None] | None = None
    rolling: dict[str, RollingReference] = field(init=False)
    deciding: int = field(init=False)

    def __post_init__(self) -> None:
        self.deciding = max(1, sum(self.rules.decides(d.key) for d in self.layout.dimensions))
        self.rolling = {d.key: RollingReference(self.fixed[d.key], d.slots) for d in self.layout.dimensions}

    def begins(self, joint: JointLayout) -> int:
        """Where both sides of a joint are judged from, seconds since the epoch."""
        return max(self.since, self.tracked[joint.given].since, self.tracked[joint.outcome].since)

    def state(self) -> dict[str, Any]:
        """Everything that changes, as plain values."""
        return {
            "since": self.since,
            "joints_absorbed_to": self.joints_absorbed_to,
            "fixed": {key: reference.state() for key, reference in self.fixed.items()},
            "joint_reference": self.joint_reference.tobytes(),
            "tracked": self.tracked,
            "joints_kept": self.joints_kept,
            "joints": self.joints,
            "streaks": self.streaks,
        }

    @classmethod
    def restore(
        cls,
        name: str,
        layout: Layout,
        rules: Rules,
        state: Mapping[str, Any],
        lanes: dict[str, LaneSpread],
    ) -> Segment:
        """The segment that `state` came from; `lanes` as for `learned_segment`."""
        calendar = rules.calendar
        return cls(
            name=name,
            layout=layout,
            rules=rules,
            since=state["since"],
            joints_absorbed_to=state["joints_absorbed_to"],
            fixed={
                key: FixedReference.restore(saved, calendar=calendar) for key, saved in state["fixed"].items()
            },
            joint_reference=np.frombuffer(state["joint_reference"], dtype=np.int64).copy(),
            tracked=msgspec.convert(state["tracked"], dict[str, Tracked]),
            joints_kept=msgspec.convert(state["joints_kept"], dict[str, Kept]),
            joints=msgspec.convert(state["joints"], dict[str, JointJudgement]),
            streaks=msgspec.convert(state["streaks"], dict[str, Streak]),
            lanes=lanes,
        )


def learned_segment(
    name: str, layout: Layout, rules: Rules, until: float, hours: Hours, lanes: dict[str, LaneSpread]
) -> Segment:
    """A segment as learning left it: its references from the learned hours, nothing judged yet.

    `lanes` are the dimensions that the fast lane looks at, none but for the whole: only the whole pages.

    Judging begins at the first step after `until`; the hour that learning ended in is not offered a second
    time.
    """
    fixed = {
        dimension.key: FixedReference.learn(
            dimension.key,
            {hour: counts[dimension.slots] for hour, counts in hours.items()},
            configured=dimension.configured,
            counted_share=0.5 if dimension.halved else 1.0,
            calendar=rules.calendar,
            names=dimension.bins,
        )
        for dimension in layout.dimensions
    }
    since = (int(until) // STEP + 1) * STEP
    next_hour = -(-since // HOUR)
    return Segment(
        name=name,
        layout=layout,
        rules=rules,
        since=since,
        fixed=fixed,
        joint_reference=np.sum(list(hours.values()), axis=0, dtype=np.int64),
        joints_absorbed_to=next_hour,
        tracked={dimension.key: Tracked(next_hour) for dimension in layout.dimensions},
        joints_kept={joint_name(joint): Kept() for joint in layout.joints},
        lanes=lanes,
    )
