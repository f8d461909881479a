"""A child process of the demo, in a session of its own, so that Ctrl-C reaches the demo first."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_LIBC = ctypes.CDLL(None)
GRACE_S = 10.0
"""How long a child may take to end."""


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


class Child:
    """A running child and the file that takes what it prints."""

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        """Start it."""
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **env},
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no lock is taken
            )

    def check(self) -> None:
        """Raise DemoError with the end of its log when it has ended."""
        code = self._process.poll()
        if code is not None:
            raise DemoError(f"the {self.name} ended with code {code}; its last words:\n{self.last_words()}")

    def last_words(self, lines: int = 15) -> str:
        """The end of what it printed."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    def stop(self) -> None:
        """Ask it to end, then insist."""
        self._process.terminate()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _end_with_parent() -> None:
    """In the child: have the kernel end it when the demo is killed outright. Only Linux can."""
    if sys.platform == "linux":
        _LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextmanager
def child(
    name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[Child]:
    """A child that lives as long as the block."""
    running = Child(name, command, log, env or {})
    try:
        yield running
    finally:
        running.stop()


def free_port(preferred: int = 0) -> int:
    """The preferred loopback port if nobody has it, any free one otherwise."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise DemoError("no free port on 127.0.0.1")


def wait_for_port(port: int, running: Child, timeout_s: float = 20.0) -> None:
    """Return once something listens on the loopback port; DemoError when the child ends or takes too long."""
    give_up = time.monotonic() + timeout_s
    while time.monotonic() < give_up:
        running.check()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise DemoError(f"the {running.name} did not listen on port {port} within {timeout_s:.0f} s")
