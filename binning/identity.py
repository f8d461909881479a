"""One hash of a turn's id, for every choice that replays and other workers must make alike."""

from __future__ import annotations

from hashlib import blake2b


def identity_hash(identity: str) -> int:
    """64 even bits of a turn's id, the same in every process."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest())


SHARES = 1024
"""Shares of the turns are counted in these parts."""


def in_sample(identity: str, share: int) -> bool:
    """Whether a turn is among the `share` / 1024 of all that are embedded.

    Samples are nested, and cut across the halves of `in_fitting_half`: other bits of the hash decide.
    """
    return (identity_hash(identity) >> 8) % SHARES < share


def in_fitting_half(identity: str) -> bool:
    """Whether a `halved` dimension is fitted on this turn; its reference counts the others."""
    return bool(identity_hash(identity) >> 63)
