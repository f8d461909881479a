"""The verdict: what one evaluation says of one segment of one agent. Its JSON keys are a public contract.

What is not known is null with a status, never 0 or NaN.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Level = Literal["low", "moderate", "significant"]
Side = Literal["input", "output"]
Story = Literal["driver", "transfer", "broad", "none"]
Cause = Literal["own_change", "silent_upstream", "users", "telemetry", "mixed", "unknown"]


class Quadrant(StrEnum):
    """Which of the four things happened."""

    STEADY = "steady"
    WORLD_CHANGED = "world_changed"
    SYSTEM_CHANGED = "system_changed"
    BOTH_MOVED = "both_moved"


class Status(StrEnum):
    """Whether a verdict could be given."""

    OK = "ok"
    LEARNING = "learning"
    INSUFFICIENT = "insufficient"
    STALE = "stale"


class WindowSpan(msgspec.Struct, frozen=True):
    """The event time that was judged, seconds since the epoch and length in seconds."""

    start: int
    end: int
    length_s: int


class Driver(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bin that explains a shift. `label` is what a person reads where the bin's name does not say it."""

    bin: str
    reference_share: float
    current_share: float
    contribution: float
    label: str | None = None


class DimensionVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension against one reference, at its latest window.

    `detectable` is the smallest rise of any bin's share, in share points, that would exceed by itself in such
    a window: what is smaller than that cannot be seen now. None where there is none.
    """

    side: Side
    name: str
    version: int
    reference: Literal["fixed", "rolling"]
    window: WindowSpan
    turns: int
    reference_turns: int
    psi: float
    psi_raw: float
    noise_floor: float
    p_value: float
    level: Level
    exceeds: bool
    deciding: bool
    drivers: tuple[Driver, ...]
    story: Story
    detectable: float | None = None


class SideVerdict(msgspec.Struct, frozen=True):
    """One side: the largest judged PSI of a deciding dimension, and which dimension it is."""

    level: Level | None = None
    psi: float | None = None
    dimension: str | None = None


class Where(msgspec.Struct, frozen=True):
    """The cell of a joint that moved: at input `given`, outcome `bin`."""

    given: str
    bin: str
    reference_share: float
    current_share: float
    turns: int


class BehaviourVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Behaviour at fixed inputs, of the joint that moved most."""

    psi: float
    level: Level
    mix_explained_psi: float
    residual_psi: float
    unsupported_share: float
    effective_n: float
    where: tuple[Where, ...]


class Change(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """A value of the change set that came into effect. `share` is its share of the window's turns."""

    field: str
    old: str | None
    new: str
    first_seen: int
    share: float


class Sample(msgspec.Struct, frozen=True):
    """A pointer to a turn of the window; never its text."""

    trace_id: str
    topic: str
    partition: int
    offset: int


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation says of one segment of one agent. `at` is the end of the step, in epoch seconds."""

    agent: str
    segment: str
    at: int
    bin_set: str | None
    quadrant: Quadrant | None
    marginal_quadrant: Quadrant | None
    exceeds: bool
    alerting: bool
    episode: str | None
    status: Status
    reason: str | None
    turns: int
    input: SideVerdict
    output: SideVerdict
    behaviour: BehaviourVerdict | None
    dimensions: tuple[DimensionVerdict, ...]
    changes: tuple[Change, ...]
    cause: Cause
    ruled_out: tuple[str, ...]
    last_steady: dict[str, str]
    samples: tuple[Sample, ...]
    playbook: str | None


def encode(verdict: Verdict) -> bytes:
    """One line of JSON. Non-finite numbers cannot get here: every figure is finite or null."""
    return msgspec.json.encode(verdict)


def decode(data: bytes) -> Verdict:
    """The verdict that `encode` wrote."""
    return msgspec.json.decode(data, type=Verdict)
