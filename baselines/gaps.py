"""Gaps: records of a partition that were never counted, and the event time that they may lie in.

A window that a gap may reach into is incomplete. It is not judged, and its hours enter no reference: what is
missing from a count must never look like a change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from baselines.evaluation import Window

KEEP_S = 35 * 86_400.0
"""A gap is remembered as long as counts are kept, event time."""
KEEP = 64
"""The newest gaps of a partition that are kept apart; older ones become one."""

Reason = Literal["dropped", "unreadable", "learning", "lost"]
"""The log dropped them unread, they cannot be read, they came between learning and counting, or the store has
lost the bin set that they were counted under."""


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """`records` offsets between `first` and `end` that were not counted, for one agent or ("") for all.

    `since` is the newest event time seen before them (seconds since the epoch; None: nothing was), `until`
    the first seen after.
    """

    first: int
    end: int
    records: int
    since: float | None
    until: float
    reason: Reason
    agent: str = ""

    def touches(self, window: Window) -> bool:
        """Whether its records may be of the window's event time."""
        return self.until >= window.start and (self.since is None or self.since < window.end)

    def hours(self, end: float) -> range:
        """The hours since the epoch, up to `end` in seconds, it reaches into; none if that is open."""
        if self.since is None:
            return range(0)
        return range(int(self.since) // 3600, int(min(self.until, end)) // 3600 + 1)


def remembered(gaps: Iterable[Gap], watermark: float | None) -> tuple[Gap, ...]:
    """The gaps worth keeping at this event time: none older than the counts, and not ever more of them."""
    kept = [gap for gap in gaps if watermark is None or gap.until >= watermark - KEEP_S]
    while len(kept) > KEEP:
        one, other = kept[:2]
        known = [since for since in (one.since, other.since) if since is not None]
        kept[:2] = [
            Gap(
                min(one.first, other.first),
                max(one.end, other.end),
                one.records + other.records,
                min(known) if len(known) == 2 else None,
                max(one.until, other.until),
                one.reason,
                one.agent if one.agent == other.agent else "",
            )
        ]
    return tuple(kept)


def encode_gaps(gaps: Iterable[Gap]) -> bytes:
    """As they are stored."""
    return msgspec.json.encode(tuple(gaps), enc_hook=float)  # a time may be of a kind of its own


def decode_gaps(data: bytes | str) -> tuple[Gap, ...]:
    """The reverse of `encode_gaps`."""
    return msgspec.json.decode(data, type=tuple[Gap, ...])
