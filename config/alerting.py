"""Who is told: the sinks, which quadrant goes to which sink, and where the links lead."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from config.values import Duration, Names, Section

SINKS = ("log", "slack", "pagerduty")
_ON_THIS_MACHINE = {("http", host) for host in ("localhost", "127.0.0.1", "::1")}


def _web(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise ValueError("should begin with https:// (or http://)")
    return value


def _receiver(value: str) -> str:
    """An address that alerts may go to: a receiver in the clear only on this machine."""
    parts = urlsplit(value)
    if parts.scheme != "https" and (parts.scheme, parts.hostname) not in _ON_THIS_MACHINE:
        raise ValueError("should begin with https:// (http:// only on loopback)")
    return value


def _secret_receiver(value: SecretStr) -> SecretStr:
    _receiver(value.get_secret_value())
    return value


def _sinks(value: tuple[str, ...]) -> tuple[str, ...]:
    if any(name not in SINKS for name in value):
        raise ValueError(f"names a sink that does not exist; there are {', '.join(SINKS)}")
    return tuple(dict.fromkeys(value))


Url = Annotated[str, AfterValidator(_web)]
Route = Annotated[Names, AfterValidator(_sinks)]


class LogSink(Section):
    """Alerts as lines of the worker's own log."""


class Slack(Section):
    """A Slack incoming webhook; its URL is the secret."""

    webhook_url: Annotated[SecretStr, AfterValidator(_secret_receiver)] = Field(
        examples=["https://hooks.slack.com/services/..., or webhook_url_file: /run/secrets/slack"]
    )


class PagerDuty(Section):
    """A PagerDuty Events API v2 integration."""

    routing_key: SecretStr = Field(
        examples=["the 32 characters, or routing_key_file: /run/secrets/pagerduty"]
    )
    url: Annotated[str, AfterValidator(_receiver)] = "https://events.pagerduty.com/v2/enqueue"


class Sinks(Section):
    """The sinks that exist. The log is always there; a null sink is not."""

    log: LogSink = LogSink()
    slack: Slack | None = None
    pagerduty: PagerDuty | None = None


class Routes(Section):
    """Which sinks take which quadrant. Nobody is woken because users changed."""

    world_changed: Route = ("slack", "log")
    system_changed: Route = ("slack", "pagerduty", "log")
    both_moved: Route = ("slack", "pagerduty", "log")


class Playbooks(Section):
    """Your own page for a quadrant, in place of the one that the worker serves."""

    steady: Url | None = None
    world_changed: Url | None = None
    system_changed: Url | None = None
    both_moved: Url | None = None


class Alerts(Section):
    """Where alerts go. Default routes pass over sinks that are not configured; a route you write may not."""

    sinks: Sinks = Sinks()
    routes: Routes = Routes()
    playbooks: Playbooks = Playbooks()
    base_url: Url | None = None
    """How on-call reaches this worker; links in alerts begin with it. None: the address it listens on."""
    max_age: Annotated[Duration, Field(ge=600)] = 6 * 3600
    """Nobody is told of what happened longer ago: a backlog that is caught up would page for last week."""

    @model_validator(mode="after")
    def _sinks_exist(self) -> Self:
        for quadrant in self.routes.model_fields_set:
            for sink in getattr(self.routes, quadrant):
                if getattr(self.sinks, sink) is None:
                    raise ValueError(f"routes.{quadrant} names {sink}, but sinks.{sink} is not configured")
        return self

    def taken_by(self, quadrant: Literal["world_changed", "system_changed", "both_moved"]) -> tuple[str, ...]:
        """The configured sinks that take this quadrant, in the order of the route."""
        route: tuple[str, ...] = getattr(self.routes, quadrant)
        return tuple(sink for sink in route if getattr(self.sinks, sink) is not None)
