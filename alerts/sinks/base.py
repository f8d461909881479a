"""What a sink is, and what can become of one delivery. Retrying is the outbox's business, never a sink's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.notification import Notification

RETRY_AFTER_MIN = 1.0
RETRY_AFTER_MAX = 3600.0
RETRIABLE = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver took it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """It may pass later: in `after` seconds where the receiver said so. `reason` names no address."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """It will never pass as it is. `reason` names no address."""

    reason: str


Outcome = Delivered | Retry | Dead


class Sink(Protocol):
    """A receiver of notifications."""

    name: str

    def send(self, notification: Notification, now: float) -> Outcome:
        """Deliver once, without retrying; never raises for what the network or the receiver does."""

    def close(self) -> None:
        """Let go of its connections."""


def refused(status: int, headers: Mapping[str, str], now: float) -> Retry | Dead:
    """What a status other than success means to any HTTP receiver: 408, 425, 429 and 5xx pass later."""
    if status in RETRIABLE or status >= 500:
        return Retry(f"status {status}", retry_after(headers.get("retry-after"), now))
    if 300 <= status < 400:
        return Dead(f"status {status}: redirects are not followed")
    return Dead(f"status {status}")


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a `Retry-After` header (seconds or an HTTP date), within 1..3600; None without."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        seconds = float(value[:9])
    else:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        if date.tzinfo is None:
            date = date.replace(tzinfo=UTC)
        seconds = (date - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(seconds, RETRY_AFTER_MIN), RETRY_AFTER_MAX)
