"""The Kafka client's own log lines: thinned out, and searched for the reason of a failed start.

The client repeats a line up to 2,000 times a second while a coordinator is down, and names the cause of a
failed connection in its log only: a wrong password raises no more than a bootstrap time-out.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVERY_S = 10.0
"""One line a message template in this many seconds."""

_log = structlog.get_logger()
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_REASON = re.compile(r"Bootstrap (?:connection|attempt) to \S+ failed: (.*?)(?: \(backoff .*)?$", re.DOTALL)
_TWICE = re.compile(r"(\w+Error): \1:")
_VAGUE = ("socket disconnected", "Cancelled", "Request timed out", "RequestTimedOutError")


class ThinnedHandler(logging.Handler):
    """Passes on one line a template in ten seconds, with the number of repeats left out since the last."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Log the line, or count it as a repeat."""
        template = f"{record.name} {_DIGITS.sub('#', str(record.msg))}"
        now = self._clock()
        if now - self._passed.get(template, float("-inf")) < EVERY_S:
            self._left_out[template] = self._left_out.get(template, 0) + 1
            return
        self._passed[template] = now
        repeats = self._left_out.pop(template, 0)
        _log.log(
            record.levelno,
            "kafka_client",
            client_logger=record.name,
            message=record.getMessage(),
            repeats=repeats,
        )


class ReasonCollector(logging.Handler):
    """Remembers what the client logged of its failed connections."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._reasons: list[str] = []
        self._answered = False

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the reason that the line names, if it names one."""
        message = record.getMessage()
        if found := _REASON.search(message):
            self._reasons.append(_TWICE.sub(r"\1:", " ".join(found[1].split())))
        elif "broker_version=(" in message:
            self._answered = True  # the broker spoke before it hung up: not the port, not the protocol

    def reason(self) -> str | None:
        """The most telling reason seen, None when no connection failed."""
        telling = [reason for reason in self._reasons if not any(vague in reason for vague in _VAGUE)]
        if telling:
            return max(telling, key=lambda reason: ("SaslAuthentication" in reason, "Error" in reason))
        if not any("socket disconnected" in reason for reason in self._reasons):
            return self._reasons[-1] if self._reasons else None
        hint = "it refused the login" if self._answered else "another protocol, TLS or a wrong port"
        return f"the broker hung up ({hint})"


def advice(reason: str) -> str:
    """What to do about the reason that the client logged."""
    for sign, advice in (
        ("SaslAuthentication", "check sasl_username, sasl_password and sasl_mechanism"),
        ("refused the login", "check sasl_username, sasl_password and sasl_mechanism"),
        (
            "UnsupportedSaslMechanism",
            "the broker does not offer this sasl_mechanism: choose one that it does",
        ),
        ("CERTIFICATE_VERIFY_FAILED", "check ssl_cafile: the broker's certificate is not signed by it"),
        ("UNEXPECTED_EOF", "the port speaks no TLS: check security_protocol and the port"),
        ("Invalid frame length", "the port speaks TLS: set security_protocol to SSL or SASL_SSL"),
        ("another protocol", "check security_protocol and the port"),
        ("ECONNREFUSED", "nothing listens there: check kafka.bootstrap_servers and that the broker runs"),
        ("DNS", "the host name is unknown: check kafka.bootstrap_servers"),
        ("No such file", "check the paths of the TLS files"),
    ):
        if sign in reason:
            return advice
    return "check kafka.bootstrap_servers, security_protocol and that the broker runs"


def thin_kafka_log() -> None:
    """Replace whatever handles the client's log by a thinned one; below WARNING it is silent.

    The client logs its whole configuration, passwords too, at DEBUG: that level stays off.
    """
    logger = logging.getLogger("kafka")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    for handler in [handler for handler in logger.handlers if isinstance(handler, ThinnedHandler)]:
        logger.removeHandler(handler)
    logger.addHandler(ThinnedHandler())


@contextmanager
def collected_reasons() -> Iterator[ReasonCollector]:
    """Collect the client's reasons while the block runs."""
    logger = logging.getLogger("kafka")
    collector = ReasonCollector()
    logger.addHandler(collector)
    try:
        yield collector
    finally:
        logger.removeHandler(collector)


@contextmanager
def silent_kafka_log() -> Iterator[None]:
    """Keep the Kafka client's own lines off the screen: what they say of the cause is in the finding."""
    logger, nowhere = logging.getLogger("kafka"), logging.NullHandler()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(nowhere)
    try:
        yield
    finally:
        logger.removeHandler(nowhere)
        logger.propagate = propagate
