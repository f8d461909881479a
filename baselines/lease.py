"""The leader's lease: one leader at a time, and a fencing token that only grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from baselines.keys import lease_token
from baselines.script import Script

if TYPE_CHECKING:
    from baselines.connection import Client


class Lease(Protocol):
    """One leader at a time. A token is a fencing token: it only grows."""

    def acquire(self) -> int | None:
        """Take or renew the lease; its token, or None while another holds it."""

    def release(self) -> None:
        """Give the lease up, if it is ours."""


class RedisLease:
    """The lease in Redis, expiring by the server's clock `ttl_s` seconds after it was last taken or renewed.

    `owner` is unique to a process, or two would believe that they hold the lease. A holder that was asleep
    past the expiry finds its token refused by whatever the next holder has written since.
    """

    def __init__(self, client: Client, key: str, owner: str, ttl_s: float) -> None:
        self._script = Script(client, "lease")
        self._keys = [key, lease_token(key)]
        self._owner = owner
        self._ttl_ms = max(1, round(ttl_s * 1000))

    def acquire(self) -> int | None:
        """As Lease; renewing keeps the token, taking it anew gives a higher one.

        Raises:
            StoreError: the server did not answer; the lease may be ours or not.
        """
        token = self._script(self._keys, "acquire", self._owner, self._ttl_ms)
        return int(token) if token else None

    def release(self) -> None:
        """As Lease.

        Raises:
            StoreError: the server did not answer; the lease then expires by itself.
        """
        self._script(self._keys, "release", self._owner, self._ttl_ms)
