"""Logging: one line an event, readable on a terminal and JSON anywhere else, on standard error.

Neither a local variable nor a secret can get into a line: tracebacks carry no locals, and every configured
secret is blotted out of the finished line, whoever wrote it.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import Processor

    from config.settings import Log

_BLOT = "**********"
_SHORTEST = 6
_QUIET = (
    "httpx",
    "httpcore",
    "urllib3",
    "kafka",
    "uvicorn",
    "asyncio",
    "markdown_it",
    "sentence_transformers",
)
"""Libraries that say at `info` what no log needs; httpx would say a webhook's whole URL."""


def configure(settings: Log, *, secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging through one handler on `stream` (standard error).

    May be called again; the last call wins. `secrets` are values that no line may show.
    """
    stream = stream or sys.stderr
    readable = settings.format == "console" or (settings.format == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Blotting(_renderers(readable=readable, colors=stream.isatty()), shared, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderers(*, readable: bool, colors: bool) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if readable:
        plain = structlog.dev.plain_traceback
        return [remove, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [
        remove,
        structlog.processors.ExceptionRenderer(tracebacks),
        structlog.processors.JSONRenderer(sort_keys=False),
    ]


class _Blotting(structlog.stdlib.ProcessorFormatter):
    """A formatter whose finished lines hold none of the secrets, in plain, JSON or URL writing."""

    def __init__(self, processors: list[Processor], foreign: list[Processor], secrets: Iterable[str]) -> None:
        super().__init__(processors=processors, foreign_pre_chain=foreign)
        shapes = {
            shape
            for secret in secrets
            if len(secret) >= _SHORTEST  # blotting out a shorter one would eat ordinary words
            for shape in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))
        }
        self._secrets = sorted(shapes, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self._secrets:
            line = line.replace(secret, _BLOT)
        return line
