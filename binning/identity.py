"""One hash of a turn's id, for every choice that replays and other workers must make alike."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray


def identity_hash(identity: str) -> int:
    """64 even bits of a turn's id, the same in every process."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest())


SHARES = 1024
"""Shares of the turns are counted in these parts."""


def sampled(identities: Iterable[str], share: int) -> NDArray[np.bool_]:
    """Which turns are among the `share` / 1024 of all that are embedded, by their ids.

    Samples are nested, and cut evenly across the halves of `in_fitting_half`: another hash decides, a CRC
    spread by Knuth's multiplicative hashing (The Art of Computer Programming, 6.4), for every turn is asked.
    """
    sums = np.fromiter((crc32(each.encode("utf-8", "surrogatepass")) for each in identities), np.uint32)
    return (sums * np.uint32(2_654_435_769)) >> np.uint32(22) < share


def in_fitting_half(identity: str) -> bool:
    """Whether a `halved` dimension is fitted on this turn; its reference counts the others."""
    return bool(identity_hash(identity) >> 63)
