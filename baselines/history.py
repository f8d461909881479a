"""The judge's view of the counts: dense vectors by hour and by step, kept current by conditional reads.

Summed over partitions, one flat vector (see `binning.layout`) a segment and hour. A refresh reads only the
buckets whose turn count changed, so the cost of a step does not grow with the history behind it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from baselines.parsing import ALL, Parsed, parse
from baselines.windows import STEP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from baselines.evaluation import Window
    from baselines.gaps import Gap
    from baselines.parsing import Era
    from baselines.store import BucketRead, Partition, PartitionStore
    from binning.layout import Layout

__all__ = ["ALL", "KEEP_HOURS", "History"]

KEEP_HOURS = 35 * 24
"""How many hours of packed counts are kept: 28 days of rolling reference, the 7-day rung and its gap."""

_HOUR = 3600
_STEPS_KEPT = 48  # the 4-hour rung is the longest that does not start on the hour; twice that is ample
_MINUTES_KEPT = 90  # the longest window that is looked at by the minute is an hour


@dataclass(slots=True)
class _Cache:
    """What was last read of one partition."""

    minutes: dict[int, Parsed] = field(default_factory=dict)
    hours: dict[int, Parsed] = field(default_factory=dict)


class History:
    """All counts of one agent, by segment, hour and step of event time.

    `segments` are the names of the segments that are judged, `all` among them; `eras` the bin sets that it
    was counted under, whose counts add up where they mean the same.
    """

    def __init__(
        self,
        agent: str,
        layout: Layout,
        segments: Sequence[str],
        store: PartitionStore,
        eras: Sequence[Era],
    ) -> None:
        self.agent = agent
        self._layout = layout
        self._segments = frozenset(segments)
        self._store = store
        self._eras = tuple(eras)
        self._caches: dict[tuple[Partition, int], _Cache] = defaultdict(_Cache)
        self._hours: dict[str, dict[int, NDArray[np.int64]]] = {name: {} for name in segments}
        self._steps: dict[str, dict[int, NDArray[np.int64]]] = {name: {} for name in segments}
        self._minutes: dict[int, NDArray[np.int64]] = {}
        self._changed: set[int] = set()
        self._gaps: list[Gap] = []
        self._lost: frozenset[int] = frozenset()

    def seed(self, segment: str, hours: Mapping[int, NDArray[np.int64]]) -> None:
        """Put the counts of the learning range before the buckets; `hours` maps hours to flat vectors."""
        for hour, counts in hours.items():
            self._vector(self._hours[segment], hour)[:] += counts

    def refresh(self, end: int) -> None:
        """Read what changed, for a step that ends at `end` (seconds since the epoch)."""
        self._gaps = []
        for partition in self._store.partitions():
            gaps = self._store.state(partition).gaps
            self._gaps += [gap for gap in gaps if gap.agent in ("", self.agent)]
            for index, era in enumerate(self._eras):
                cache = self._caches[partition, index]
                minutes = {minute: bucket.turns for minute, bucket in cache.minutes.items()}
                hours = {hour: bucket.turns for hour, bucket in cache.hours.items()}
                read = self._store.read(partition, self.agent, era.bin_set, minutes, hours)
                self._apply(cache, era, read)
        self._lost = frozenset(hour for gap in self._gaps for hour in gap.hours(end))
        self._forget(end)

    def left_out(self, hours: set[int]) -> set[int] | frozenset[int]:
        """The hours that no reference may learn from: these, and those that a gap reaches into."""
        return hours | self._lost if self._lost else hours

    def gaps(self, window: Window) -> list[Gap]:
        """The gaps that may reach into a window: it is incomplete, and no counts of it may be judged."""
        return [gap for gap in self._gaps if gap.touches(window)]

    def changed(self) -> set[int]:
        """The hours that were read anew since this was last asked: late events, and what was packed."""
        changed, self._changed = self._changed, set()
        return changed

    def _apply(self, cache: _Cache, era: Era, read: BucketRead) -> None:
        for minute in (*read.gone, *read.minutes):
            self._minutes.pop(minute, None)
        for minute in read.gone:
            if (old := cache.minutes.pop(minute, None)) is not None:
                self._add(old, minute // 60, None, -1)
        for minute, delta in read.minutes.items():
            if (old := cache.minutes.get(minute)) is not None:
                self._add(old, minute // 60, minute * 60 // STEP, -1)
            cache.minutes[minute] = bucket = parse(delta, era, self._segments)
            self._add(bucket, minute // 60, minute * 60 // STEP, 1)
        for hour, found in read.hours.items():
            if (old := cache.hours.get(hour)) is not None:
                self._add(old, hour, None, -1)
            cache.hours[hour] = bucket = parse(found, era, self._segments)
            self._add(bucket, hour, None, 1)

    def _add(self, bucket: Parsed, hour: int, step: int | None, sign: int) -> None:
        self._changed.add(hour)
        for segment, (slots, values) in bucket.counts.items():
            change = sign * values.astype(np.int64)
            self._vector(self._hours[segment], hour)[slots] += change
            if step is not None:
                self._vector(self._steps[segment], step)[slots] += change

    def _vector(self, vectors: dict[int, NDArray[np.int64]], key: int) -> NDArray[np.int64]:
        if key not in vectors:
            vectors[key] = np.zeros(self._layout.size, dtype=np.int64)
        return vectors[key]

    def _forget(self, end: int) -> None:
        for minute in [m for m in self._minutes if m < end // 60 - _MINUTES_KEPT]:
            del self._minutes[minute]
        for segment in self._segments:
            steps, hours = self._steps[segment], self._hours[segment]
            for step in [s for s in steps if s < end // STEP - _STEPS_KEPT]:
                del steps[step]
            for hour in [h for h in hours if h < end // _HOUR - KEEP_HOURS]:
                del hours[hour]
        for cache in self._caches.values():
            for hour in [h for h, bucket in cache.hours.items() if not bucket.turns]:
                del cache.hours[hour]  # the store has dropped it

    def hours(self, segment: str) -> Mapping[int, NDArray[np.int64]]:
        """Flat vectors by hour since the epoch, the learning range included. Do not change them."""
        return self._hours[segment]

    def hour(self, segment: str, hour: int) -> NDArray[np.int64]:
        """The flat vector of one hour, zeros where nothing was counted."""
        found = self._hours[segment].get(hour)
        return found if found is not None else np.zeros(self._layout.size, dtype=np.int64)

    def minute(self, minute: int) -> NDArray[np.int64]:
        """The flat vector of one minute since the epoch, of the whole; hours that are packed have none."""
        if minute not in self._minutes:
            counts = self._minutes[minute] = np.zeros(self._layout.size, dtype=np.int64)
            for cache in self._caches.values():
                if minute in cache.minutes and ALL in cache.minutes[minute].counts:
                    slots, values = cache.minutes[minute].counts[ALL]
                    counts[slots] += values
        return self._minutes[minute]

    def hourly(self, segment: str, window: Window) -> list[tuple[int, NDArray[np.int64]]]:
        """The window's counts split by hour: (hour since the epoch, flat vector), only hours with counts.

        A part of an hour is summed from its steps, so both ends must be multiples of `STEP`.
        """
        parts = []
        for hour in range(window.start // _HOUR, -(-window.end // _HOUR)):
            start, end = max(window.start, hour * _HOUR), min(window.end, (hour + 1) * _HOUR)
            counts = (
                self.hour(segment, hour) if end - start == _HOUR else self._steps_sum(segment, start, end)
            )
            if counts is not None and counts.any():
                parts.append((hour, counts))
        return parts

    def _steps_sum(self, segment: str, start: int, end: int) -> NDArray[np.int64] | None:
        steps = self._steps[segment]
        found = [steps[step] for step in range(start // STEP, end // STEP) if step in steps]
        return np.sum(found, axis=0) if found else None

    def change_set(self, window: Window) -> dict[str, dict[str, int]]:
        """Turns of the window by field of the change set and its value (whole hours and minutes)."""
        totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for _, bucket in self._buckets(window):
            for name, count in bucket.changes.items():
                key, _, value = name.partition("=")
                totals[key][value] += count
        return {key: dict(values) for key, values in totals.items()}

    def pointers(self, window: Window, limit: int) -> list[str]:
        """At most `limit` pointers to turns of the window, newest buckets first."""
        found = [
            (start, pointer)
            for start, bucket in self._buckets(window)
            for _, pointer in sorted(bucket.pointers.items())
        ]
        return [pointer for _, pointer in sorted(found)[-limit:][::-1]]

    def _buckets(self, window: Window) -> Iterable[tuple[int, Parsed]]:
        """The buckets of every partition that begin in the window, with their starts."""
        for cache in self._caches.values():
            for hour in sorted(cache.hours):
                if window.start <= hour * _HOUR < window.end:
                    yield hour * _HOUR, cache.hours[hour]
            for minute in sorted(cache.minutes):
                if window.start <= minute * 60 < window.end:
                    yield minute * 60, cache.minutes[minute]
