"""The generated streams as peers are given them, and what they made of them.

A peer judges each whole hour by itself against a fixed reference: in the first fortnight the learned day,
after it the first fortnight. Its page is the first of consecutive windows that alarm, as an episode is of
quadrift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from streams.figures import ERAS, Found, Rate
from streams.quiet import BRANCH, FORTNIGHT, LATENESS
from streams.world import CHANGES, LAYOUT

from baselines.windows import HOUR

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Alarms = NDArray[np.bool_]

KEYS = [dimension.key for dimension in LAYOUT.dimensions]
INTENT = LAYOUT.dimension("input.intent").slots


class Stream(NamedTuple):
    """One installation: quiet windows (hours, slots), and the windows of its branches."""

    windows: NDArray[np.int64]
    branched_at: NDArray[np.int64]
    branches: NDArray[np.int64]
    learned_hours: NDArray[np.int64]

    @classmethod
    def load(cls, path: Path, hours: int) -> Stream:
        """The first `hours` of what a campaign kept."""
        with np.load(path) as file:
            at = file["branched_at"]
            kept = at < hours
            return cls(file["windows"][:hours], at[kept], file["branches"][kept], file["learned_hours"])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As the peers' file of windows: quiet ones first, then each branch's."""
        later = np.repeat(self.branched_at >= FORTNIGHT, BRANCH)
        return {
            "names": np.array(KEYS),
            "sizes": np.array([len(dimension.bins) for dimension in LAYOUT.dimensions]),
            "windows": np.concatenate([self.windows, self.branches.reshape(-1, LAYOUT.size)]),
            "part": np.concatenate([np.arange(len(self.windows)) >= FORTNIGHT, later]).astype(np.int64),
            "reference_0": self.learned_hours,
            "reference_1": np.concatenate([self.learned_hours, self.windows[:FORTNIGHT]]),
        }


class Outcome(NamedTuple):
    """What one setting of a peer made of the streams, by era."""

    pages: dict[str, Rate]
    episodes: dict[str, Rate]
    alarmed: dict[str, float]
    found: dict[str, dict[str, Found]]


def outcome(streams: list[Stream], decisions: list[Alarms]) -> Outcome:
    """Pages, episodes, part of the quiet hours in alarm, and changes found, from (windows, dimensions)."""
    pages, episodes, alarmed, changes = {}, {}, {}, {}
    for era, (first, last) in ERAS.items():
        hours = paged = opened = loud = 0
        delays: dict[str, list[tuple[int, int] | None]] = {change.name: [] for change in CHANGES}
        for stream, decided in zip(streams, decisions, strict=True):
            quiet = decided[: len(stream.windows)]
            paged += int(_rises(quiet)[first:last].sum())
            opened += int(_rises(quiet.any(axis=1, keepdims=True))[first:last].sum())
            loud += int(quiet[first:last].any(axis=1).sum())
            hours += len(quiet[first:last])
            _delays(stream, decided, range(first, last), delays)
        pages[era], episodes[era] = Rate(paged, hours), Rate(opened, hours)
        alarmed[era] = loud / hours if hours else 0.0
        changes[era] = {name: Found(tuple(each)) for name, each in delays.items()}
    return Outcome(pages, episodes, alarmed, changes)


def _rises(alarms: Alarms) -> Alarms:
    """Where an alarm begins, along the first axis."""
    before = np.zeros_like(alarms)
    before[1:] = alarms[:-1]
    return alarms & ~before


def _delays(
    stream: Stream, decided: Alarms, hours: range, delays: dict[str, list[tuple[int, int] | None]]
) -> None:
    """Time and turns to the first new alarm of each changed dimension; an alarm going on is not new."""
    branched = decided[len(stream.windows) :].reshape(-1, BRANCH, len(KEYS))
    for at, alarms, counts in zip(stream.branched_at.tolist(), branched, stream.branches, strict=True):
        if at not in hours:
            continue
        turns = np.cumsum(counts[:, INTENT].sum(1))
        before = decided[at - 1 : at] if at else np.zeros((1, len(KEYS)), dtype=bool)
        new = _rises(np.concatenate([before, alarms]))[1:]
        for change in CHANGES:
            rises = np.flatnonzero(new[:, KEYS.index(change.dimension)])
            first = int(rises[0]) if len(rises) else None
            told = None if first is None else ((first + 1) * HOUR + LATENESS, int(turns[first]))
            delays[change.name].append(told)
