"""Who leads: a lease that is renewed, and the fencing token that goes with it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from baselines.errors import StoreUnavailable

if TYPE_CHECKING:
    from baselines.lease import Lease
    from worker.health import Health

log = structlog.get_logger()


class DeposedError(Exception):
    """Another leads by now: what this process has in memory is nobody's truth."""


class Leadership:
    """Renews the lease in its own thread, so that no slice, however long, loses it."""

    def __init__(self, lease: Lease, ttl_s: float, health: Health) -> None:
        self._lease = lease
        self._ttl_s = ttl_s
        self._health = health
        self._turn = threading.Lock()
        self._token: int | None = None
        self._until = 0.0

    @property
    def token(self) -> int | None:
        """The fencing token while the lease is ours, None otherwise."""
        return self._token if time.monotonic() < self._until else None

    def run(self, stop: threading.Event) -> None:
        """Take or renew the lease until told to stop; it is still ours then, if it was."""
        while not stop.is_set():
            self.renew()
            stop.wait(self._ttl_s / 3)

    def renounce(self) -> None:
        """Give up the token: a write without an answer may still land, and must not pass for a later one."""
        with self._turn:
            self._token, self._until = None, 0.0
            try:
                self._lease.release()
            except StoreUnavailable as error:
                self._health.store_failed(str(error))  # the lease then expires by itself

    def renew(self) -> None:
        """One attempt to take or renew the lease."""
        with self._turn:
            asked = time.monotonic()
            try:
                token = self._lease.acquire()
            except StoreUnavailable as error:
                self._health.store_failed(str(error))
                return
            self._health.store_answered(time.monotonic())
            if token is not None and token != self._token:
                log.info("leading", token=token)
            if token is None and self._token is not None:
                log.info("no_longer_leading")
            self._token = token
            self._until = asked + self._ttl_s if token is not None else 0.0
