"""PagerDuty Events API v2: trigger and resolve under one key an agent and segment."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from alerts.hygiene import clean, cut
from alerts.rendering import dimension_text, driver_text, facts, headline
from alerts.sinks.base import Delivered, Retry, refused
from alerts.sinks.http import Endpoint
from alerts.verdict import Quadrant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.notification import Notification
    from alerts.sinks.base import Outcome

EVENTS_URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY = 1024
KEY = 255
SEVERITY = {
    Quadrant.STEADY: "info",
    Quadrant.WORLD_CHANGED: "warning",
    Quadrant.SYSTEM_CHANGED: "error",
    Quadrant.BOTH_MOVED: "error",
}


class PagerDuty:
    """Sends events to one service.

    Args:
        routing_key: the integration key of the service, a secret.
        installation: keeps two installations with one integration key apart.
        url: the events endpoint; another one for accounts of the EU region.

    Raises:
        ValueError: the url is not one that alerts may go to.
    """

    name = "pagerduty"

    def __init__(self, routing_key: str, *, installation: str = "quadrift", url: str = EVENTS_URL) -> None:
        self._routing_key = routing_key
        self._installation = installation
        self._endpoint = Endpoint(url, what="the PagerDuty url")

    def send(self, notification: Notification, now: float) -> Outcome:
        """Trigger or resolve; 202 means accepted."""
        answer = self._endpoint.post(event(notification, self._routing_key, self._installation))
        return (
            answer if isinstance(answer, Retry) else outcome(answer.status, answer.body, answer.headers, now)
        )

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()


def outcome(status: int, body: bytes, headers: Mapping[str, str], now: float) -> Outcome:  # noqa: ARG001
    """What an answer means: 202 accepted, 429 and 5xx later, 400 and the rest never."""
    return Delivered() if status == 202 else refused(status, headers, now)


def event(notification: Notification, routing_key: str, installation: str) -> dict[str, Any]:
    """The event. An update is a trigger under the same key: PagerDuty folds it into the open alert."""
    key = dedup_key(installation, notification.agent, notification.segment)
    common = {"routing_key": routing_key, "dedup_key": key}
    if notification.kind == "resolved":
        return {**common, "event_action": "resolve"}
    return {
        **common,
        "event_action": "trigger",
        "client": "quadrift",
        **({"client_url": notification.status_url} if notification.status_url else {}),
        "links": _links(notification),
        "payload": {
            "summary": cut(headline(notification), SUMMARY),
            "source": clean(notification.agent, 255),
            "component": clean(notification.segment, 255),
            "group": installation,
            "class": notification.quadrant or notification.like,
            "severity": SEVERITY[notification.like],
            "timestamp": datetime.fromtimestamp(notification.onset, UTC).isoformat(),
            "custom_details": _details(notification),
        },
    }


def dedup_key(installation: str, agent: str, segment: str) -> str:
    """The same for every announcement of an agent's segment; over 255 characters it ends in its hash.

    It names no episode: a repeated trigger folds in, and a resolve that was lost heals with the next one.
    """
    key = f"{installation}/{agent}/{segment}"
    return key if len(key) <= KEY else f"{key[: KEY - 17]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _links(notification: Notification) -> list[dict[str, str]]:
    links = [(notification.playbook, "Playbook"), (notification.status_url, "Status")]
    return [{"href": href, "text": text} for href, text in links if href]


def _details(notification: Notification) -> dict[str, Any]:
    """The same facts as everywhere, and the dimensions as numbers for whoever reads them by machine."""
    rows = [
        {
            "dimension": f"{d.side}.{d.name}",
            "psi": round(d.psi, 4),
            "noise_floor": round(d.noise_floor, 4),
            "level": d.level,
            "turns": d.turns,
            "reads": dimension_text(d),
            "drivers": [driver_text(driver) for driver in d.drivers[:3]],
        }
        for d in notification.dimensions
    ]
    return {**facts(notification), "dimensions": rows}
