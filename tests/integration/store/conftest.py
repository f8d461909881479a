"""Each contract test runs on the in-process store, on one Valkey server and on a Valkey cluster."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis.exceptions import RedisError

from baselines.connection import connect
from baselines.memory import MemoryStore
from baselines.redis_store import RedisStore
from tests.servers import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baselines.store import Store


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyServer]:
    """A cluster of one node that holds every slot: enough to refuse keys of two slots in one script."""
    with tempfile.TemporaryDirectory(prefix="valkey-cluster-") as folder:
        options = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf"}
        server = ValkeyServer(Path(folder), options).start()
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            limit = time.monotonic() + 20
            while not _is_up(server) and time.monotonic() < limit:
                client.execute_command("PING")
        yield server
        server.stop()


def _is_up(server: ValkeyServer) -> bool:
    with server.client() as client, contextlib.suppress(RedisError):
        state: dict[str, str] = client.execute_command("CLUSTER INFO")
        return state["cluster_state"] == "ok"
    return False


@pytest.fixture(params=["memory", "redis", "cluster"])
def store(request: pytest.FixtureRequest, redis_prefix: str) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    clustered = request.param == "cluster"
    server: ValkeyServer = request.getfixturevalue("valkey_cluster" if clustered else "valkey")
    with connect(server.url, cluster=clustered) as client:
        yield RedisStore(client, redis_prefix)
