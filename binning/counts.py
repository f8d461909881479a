"""From bins to counts: what a bucket gains, the learning turns by hour, and back to flat vectors."""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from binning.identity import identity_hash, in_fitting_half

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from binning.binset import Binned, BinSet
    from binning.layout import Layout
    from binning.turn import Turn

TURNS = "#"
_NAMED = ("model", "response_model", "prompt_version", "service_version", "system_prompt_hash")
_CHANGE_SET = (*_NAMED, "tools")

_change_set = attrgetter(*_NAMED, "tool_set")
_retrieval = attrgetter("retrieval")
_index_version = attrgetter("index_version")
_POINTERS = 4
_VALUE_LENGTH = 64

Gain = tuple[dict[str, int], dict[str, str]]


def bucket_deltas(
    bin_set: BinSet, binned: Binned, turns: Sequence[Turn], pointer: Callable[[int], str]
) -> dict[int, Gain]:
    """What each minute since the epoch gains: counts by field, and pointers.

    A field is `slot` for all turns and `attribute=value/slot` for a segment (dimensions only, joints are
    kept for all), `#` and `attribute=value/#` for the number of turns, `@name=value` for the change set (of
    those turns that carry the name). A pointer is kept as `*0` to `*3`, the first turn of each residue of its
    id's hash; `pointer` makes that of the turn at an index.
    """
    minutes = np.fromiter((turn.at for turn in turns), np.float64, len(turns)) // 60
    deltas: dict[int, Gain] = {}
    for minute in map(int, np.unique(minutes).tolist()):
        rows = np.flatnonzero(minutes == minute)
        fields = _slot_fields(binned.slots[rows], "")
        fields[TURNS] = len(rows)
        fields |= _segment_fields(bin_set, binned, rows)
        fields |= _change_set_fields([turns[row] for row in rows.tolist()])
        deltas[minute] = (fields, _first_pointers(turns, pointer, rows))
    return deltas


def learning_hours(
    bin_set: BinSet, binned: Binned, turns: Sequence[Turn], *, unit_s: int = 3600
) -> dict[int, NDArray[np.int64]]:
    """Flat vectors of counts, (layout.size,), by hour since the epoch, or by another unit of seconds.

    Where bins were learned from one half of the turns (`halved`, and joints with such a side), only the other
    half is counted.
    """
    slots = binned.slots.copy()
    fitting = np.fromiter((in_fitting_half(turn.identity) for turn in turns), np.bool_, len(turns))
    slots[np.ix_(fitting, _halved_columns(bin_set.layout))] = -1
    hours = np.fromiter((int(turn.at // unit_s) for turn in turns), np.int64, len(turns))
    counts = {}
    for hour in np.unique(hours).tolist():
        counted = slots[hours == hour]
        counts[hour] = np.bincount(counted[counted >= 0], minlength=bin_set.layout.size).astype(np.int64)
    return counts


def _halved_columns(layout: Layout) -> NDArray[np.bool_]:
    halved = {entry.key: entry.halved for entry in layout.dimensions}
    joints = (halved[joint.given] or halved[joint.outcome] for joint in layout.joints)
    return np.array([*halved.values(), *joints], dtype=np.bool_)


def _slot_fields(slots: NDArray[np.int32], prefix: str) -> dict[str, int]:
    counts = np.bincount(slots[slots >= 0])
    found = np.flatnonzero(counts)
    return {
        f"{prefix}{slot}": count for slot, count in zip(found.tolist(), counts[found].tolist(), strict=True)
    }


def _segment_fields(bin_set: BinSet, binned: Binned, rows: NDArray[np.int64]) -> dict[str, int]:
    members: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows.tolist():
        for segment in binned.segments[row]:
            members[segment].append(row)
    fields: dict[str, int] = {}
    dimensions = len(bin_set.layout.dimensions)
    for segment, own in members.items():
        fields |= _slot_fields(binned.slots[own, :dimensions], f"{segment}/")
        fields[f"{segment}/{TURNS}"] = len(own)
    return fields


def _change_set_fields(turns: Sequence[Turn]) -> dict[str, int]:
    fields: Counter[str] = Counter()
    for values, count in Counter(map(_change_set, turns)).items():
        for name, value in zip(_CHANGE_SET, values, strict=True):
            if value is not None:
                fields[f"@{name}={value[:_VALUE_LENGTH]}"] += count
    for version, count in Counter(map(_index_version, filter(None, map(_retrieval, turns)))).items():
        if version is not None:
            fields[f"@index_version={version[:_VALUE_LENGTH]}"] += count
    return dict(fields)


def _first_pointers(
    turns: Sequence[Turn], pointer: Callable[[int], str], rows: NDArray[np.int64]
) -> dict[str, str]:
    first: dict[str, str] = {}
    for row in rows.tolist():
        name = f"*{identity_hash(turns[row].identity) % _POINTERS}"
        if name not in first:
            first[name] = pointer(row)
        if len(first) == _POINTERS:
            break
    return first
