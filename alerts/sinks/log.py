"""The log sink: one structured line an announcement, for those who alert from their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from alerts.rendering import facts, headline
from alerts.sinks.base import Delivered

if TYPE_CHECKING:
    from alerts.notification import Notification
    from alerts.sinks.base import Outcome

log = structlog.get_logger()


class LogSink:
    """Writes to the worker's own log: a warning when firing, info when resolved."""

    name = "log"

    def send(self, notification: Notification, now: float) -> Outcome:  # noqa: ARG002 - as every sink
        """Always delivered."""
        write = log.info if notification.kind == "resolved" else log.warning
        write(
            "alert",
            kind=notification.kind,
            headline=headline(notification),
            agent=notification.agent,
            segment=notification.segment,
            quadrant=notification.quadrant,
            episode=notification.episode,
            playbook=notification.playbook,
            facts=facts(notification),
        )
        return Delivered()

    def close(self) -> None:
        """There is no connection."""
