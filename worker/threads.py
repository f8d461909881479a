"""The threads of a process, and which errors a person can mend."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from baselines.errors import StoreError
from binning.encoder import EncoderFailed, EncoderUnavailable
from worker.judging.tracked import IncompatibleError
from worker.kafka.client import KafkaUnavailable
from worker.records import SourceFailed
from worker.serving.http import HttpUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger()

MENDABLE = (
    EncoderFailed,
    EncoderUnavailable,
    StoreError,
    KafkaUnavailable,
    SourceFailed,
    HttpUnavailable,
    IncompatibleError,
)
"""What a person can mend: told in one line."""


class Threads:
    """The threads of a process. One that fails stops all the others."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self._started: list[threading.Thread] = []

    def start(self, name: str, line: Callable[[], object]) -> None:
        """Run a line in a thread of its own."""
        thread = threading.Thread(target=lambda: self.run(name, line), name=name, daemon=True)
        self._started.append(thread)
        thread.start()

    def run(self, name: str, line: Callable[[], object]) -> None:
        """Run a line in this thread."""
        try:
            line()
        except Exception as error:  # noqa: BLE001 - the top of a thread: told, and ends the process
            self.fail(name, error)

    def fail(self, name: str, error: BaseException) -> None:
        """End the process for this reason."""
        self.failure = self.failure or error
        if not isinstance(error, MENDABLE):
            log.error("line_failed", line=name, exc_info=error)
        self.stop.set()

    def join(self, seconds: float) -> None:
        """Wait for all of them, so long together."""
        limit = time.monotonic() + seconds
        for thread in self._started:
            thread.join(max(0.0, limit - time.monotonic()))
