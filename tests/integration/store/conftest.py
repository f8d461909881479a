"""Each contract test runs on the in-process store, on one Valkey server and on a cluster of three."""

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
from tests.servers import START_S, ValkeyServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baselines.store import Store


SLOTS = ((0, 5460), (5461, 10922), (10923, 16383))


@pytest.fixture(scope="session")
def valkey_cluster() -> Iterator[ValkeyServer]:
    """The first node of a cluster of three, each with a third of the slots."""
    with tempfile.TemporaryDirectory(prefix="valkey-cluster-") as folder, contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(_node(Path(folder) / str(number))) for number in range(len(SLOTS))]
        for node, (first, last) in zip(nodes, SLOTS, strict=True):
            with node.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                bus = nodes[0].options["cluster-port"]
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port, bus)
        limit = time.monotonic() + START_S
        while not all(map(_is_up, nodes)) and time.monotonic() < limit:
            nodes[0].client().ping()
        yield nodes[0]


@contextlib.contextmanager
def _node(folder: Path) -> Iterator[ValkeyServer]:
    folder.mkdir()
    bus = free_port()
    options = {"cluster-enabled": "yes", "cluster-config-file": "nodes.conf", "cluster-port": str(bus)}
    server = ValkeyServer(folder, options).start()
    yield server
    server.stop()


def _is_up(server: ValkeyServer) -> bool:
    """Whether it knows of three nodes that between them hold every slot."""
    with server.client() as client, contextlib.suppress(RedisError):
        state: dict[str, str] = client.execute_command("CLUSTER INFO")
        return (state["cluster_state"], state["cluster_known_nodes"]) == ("ok", "3")
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
