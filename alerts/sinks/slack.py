"""Slack by incoming webhook: a message that can be read at a glance at 3 a.m., within Slack's limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from alerts.rendering import facts, headline
from alerts.sinks.base import Dead, Delivered, Retry, refused
from alerts.sinks.http import Endpoint
from alerts.sinks.slack_blocks import blocks, escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alerts.notification import Notification
    from alerts.sinks.base import Outcome

TEXT = 3000
CODE = re.compile(rb"[a-z_]{1,40}")
LAYOUT_ERRORS = frozenset({"invalid_blocks", "msg_blocks_too_long", "invalid_blocks_format"})


class Slack:
    """Posts to one incoming webhook, whose address is a secret.

    Raises:
        ValueError: the address is not one that alerts may go to.
    """

    name = "slack"

    def __init__(self, webhook_url: str) -> None:
        self._endpoint = Endpoint(webhook_url, what="the Slack webhook_url")

    def send(self, notification: Notification, now: float) -> Outcome:
        """Post; where Slack refuses the layout, once more as plain text."""
        result = self._post(message(notification), now)
        if isinstance(result, Dead) and result.reason in LAYOUT_ERRORS:
            return self._post(plain(notification), now)
        return result

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _post(self, payload: dict[str, Any], now: float) -> Outcome:
        answer = self._endpoint.post(payload)
        return (
            answer if isinstance(answer, Retry) else outcome(answer.status, answer.body, answer.headers, now)
        )


def outcome(status: int, body: bytes, headers: Mapping[str, str], now: float) -> Outcome:
    """What an answer means: only 200 with the body `ok` is delivered; 429 and 5xx later, the rest never.

    The reason of a refusal is Slack's short code (`no_service`, `invalid_blocks`), where it sent one.
    """
    if status == 200 and body == b"ok":
        return Delivered()
    code = body.strip()
    if status in (200, 400, 403, 404, 410) and CODE.fullmatch(code):
        return Dead(code.decode("ascii"))
    return Dead("an answer that is not ok") if status == 200 else refused(status, headers, now)


def message(notification: Notification) -> dict[str, Any]:
    """The whole message. `text` is what notifications and screen readers read: the story in one line."""
    return {
        "text": escaped(headline(notification), TEXT),
        "blocks": blocks(notification),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def plain(notification: Notification) -> dict[str, Any]:
    """The message without layout."""
    lines = [headline(notification), *(f"{label}: {text}" for label, text in facts(notification).items())]
    links = [f"Playbook: {notification.playbook}"] if notification.playbook else []
    text = escaped("\n".join([*lines, *links]), TEXT)
    return {"text": text, "unfurl_links": False, "unfurl_media": False}
