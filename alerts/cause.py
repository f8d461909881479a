"""What changed with the shift: the change set before and now, and the likely cause. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from alerts.verdict import Cause, Change, Quadrant
from binning.layout import OTHER

ChangeSet = Mapping[str, Mapping[str, int]]
"""Turns per value of each field of the change set: {field: {value: turns}}."""

RISE = 0.10
Z = 4.0
UPSTREAM_FIELDS = frozenset({"response_model"})
"""Fields that the provider sets; every other field of the change set is the team's own."""


def changes(before: ChangeSet, now: Sequence[tuple[int, ChangeSet]]) -> tuple[Change, ...]:
    """The values whose share rose notably against the last steady change set, largest rise first.

    `now` are slices of event time since the onset, (start in seconds since the epoch, turns), ascending.
    Notably: by at least 0.10 and by more than sampling explains (z of two proportions over 4). `first_seen`
    is the start of the first slice in which the value's share had risen so far. Values that have less than
    a tenth of the turns before and now are one, `__other__`: a field that begins to take a new value on every
    turn has moved too. A field that was not carried before has not: it may have been there, uncounted.
    """
    total = merged([slice_ for _, slice_ in now])
    named = _named(before, total)
    before, total = _pooled(before, named), _pooled(total, named)
    now = [(start, _pooled(slice_, named)) for start, slice_ in now]
    found = [
        (
            rise,
            Change(
                field,
                _lost_most(before, total, field),
                value,
                _first_seen(before, now, field, value),
                _share(total, field, value),
            ),
        )
        for field in sorted(total)
        for value in sorted(total[field])
        if (rise := _notable_rise(before, total, field, value)) is not None
    ]
    return tuple(change for _, change in sorted(found, key=lambda pair: -pair[0]))


def ruled_out(before: ChangeSet, now: ChangeSet, found: Sequence[Change]) -> tuple[str, ...]:
    """The fields that were carried before and now and did not move."""
    moved = {change.field for change in found}
    return tuple(
        sorted(field for field in now if _turns(before, field) and _turns(now, field) and field not in moved)
    )


def last_steady(before: ChangeSet) -> dict[str, str]:
    """The change set in force before the onset: each field's most common value, to which one can go back."""
    return {
        field: max(named, key=values.__getitem__)
        for field, values in sorted(before.items())
        if (named := sorted(values.keys() - {OTHER}))
    }


def cause(quadrant: Quadrant | None, found: Sequence[Change], unmoved: Sequence[str]) -> Cause:
    """The likely cause. `unmoved` is what `ruled_out` says: where no field was looked at, nothing is known.

    Only what the change set shows is claimed: a system that changed while everything of ours stood still was
    changed upstream; inputs that moved with a rollout of ours may be either, so that is "mixed".
    """
    if quadrant is None or quadrant is Quadrant.STEADY:
        return "unknown"
    own = any(change.field not in UPSTREAM_FIELDS for change in found)
    if quadrant is Quadrant.WORLD_CHANGED:
        return "mixed" if own else "users"
    if quadrant is Quadrant.BOTH_MOVED:
        return "mixed" if found else "unknown"
    if own:
        return "own_change"
    return "silent_upstream" if found or unmoved else "unknown"


def merged(slices: Sequence[ChangeSet]) -> dict[str, dict[str, int]]:
    """The sum of several change-set counts."""
    total: dict[str, dict[str, int]] = {}
    for counts in slices:
        for field, values in counts.items():
            sums = total.setdefault(field, {})
            for value, turns in values.items():
                sums[value] = sums.get(value, 0) + turns
    return total


def _named(before: ChangeSet, now: ChangeSet) -> dict[str, frozenset[str]]:
    """The values of each field with a tenth of the turns before or now; no other can rise by as much."""
    return {
        field: frozenset(
            value
            for counts in (before, now)
            for value in counts.get(field, {})
            if _share(counts, field, value) >= RISE
        )
        for field in now
    }


def _pooled(counts: ChangeSet, named: Mapping[str, frozenset[str]]) -> dict[str, dict[str, int]]:
    pooled: dict[str, dict[str, int]] = {field: {} for field in counts}
    for field, values in counts.items():
        for value, turns in values.items():
            name = value if value in named.get(field, ()) else OTHER
            pooled[field][name] = pooled[field].get(name, 0) + turns
    return pooled


def _turns(counts: ChangeSet, field: str) -> int:
    return sum(counts.get(field, {}).values())


def _share(counts: ChangeSet, field: str, value: str) -> float:
    turns = _turns(counts, field)
    return counts.get(field, {}).get(value, 0) / turns if turns else 0.0


def _notable_rise(before: ChangeSet, now: ChangeSet, field: str, value: str) -> float | None:
    """How much the value's share rose, or None where it did not notably."""
    n, m = _turns(now, field), _turns(before, field)
    if not n or not m:
        return None
    rise = _share(now, field, value) - _share(before, field, value)
    pooled = (now[field][value] + before[field].get(value, 0)) / (n + m)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return rise if rise >= RISE and rise > Z * spread else None


def _lost_most(before: ChangeSet, now: ChangeSet, field: str) -> str | None:
    """The value that the risen one came in place of: the one whose share fell most."""
    falls = {
        value: _share(before, field, value) - _share(now, field, value) for value in sorted(before[field])
    }
    value = max(falls, key=falls.__getitem__, default=None)
    return value if value is not None and falls[value] > 0 else None


def _first_seen(before: ChangeSet, now: Sequence[tuple[int, ChangeSet]], field: str, value: str) -> int:
    floor = _share(before, field, value) + RISE
    seen = [start for start, counts in now if value in counts.get(field, {})]
    return next((start for start, counts in now if _share(counts, field, value) >= floor), seen[0])
