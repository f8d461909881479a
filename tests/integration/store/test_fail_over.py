"""A replica that takes over lacks what was written last: the chain finds out, and nothing is lost by it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from baselines.connection import connect
from baselines.errors import StoreUnavailable
from baselines.redis_store import RedisStore
from baselines.store import Outcome
from tests.fault_proxy import FaultProxy
from tests.integration.store.cases import ORDERS, commit, first, one, totals
from tests.servers import START_S, ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def replica(tmp_path: Path) -> Iterator[ValkeyServer]:
    (tmp_path / "replica").mkdir()
    server = ValkeyServer(tmp_path / "replica", {"repl-diskless-sync-delay": "0"}).start()
    yield server
    server.stop()


def wait_for_link(replica: ValkeyServer, wanted: str) -> None:
    limit = time.monotonic() + START_S
    with replica.client() as client:
        while client.info("replication")["master_link_status"] != wanted:
            assert time.monotonic() < limit, f"the link to the primary is not {wanted}"


@pytest.mark.fault("R4", "R8")
def test_after_a_fail_over_that_lost_the_tail_the_chain_is_refused_and_counts_are_exact(
    own_valkey: ValkeyServer, replica: ValkeyServer, redis_prefix: str
) -> None:
    link, address = FaultProxy(own_valkey.port), FaultProxy(own_valkey.port)
    store = RedisStore(connect(address.url), redis_prefix)
    assert store.commit(first()) is Outcome.APPLIED
    replica.client().replicaof("127.0.0.1", link.port)
    wait_for_link(replica, "up")
    link.mode = "refuse"
    wait_for_link(replica, "down")
    assert store.commit(commit(10, 12, one(s3=2))) is Outcome.APPLIED  # the replica never hears of it

    own_valkey.kill()
    address.lead_to(replica.port)
    with pytest.raises(StoreUnavailable):
        store.commit(commit(12, 13, one(s3=1)))
    address.mode = "pass"
    assert store.commit(commit(12, 13, one(s3=1))) is Outcome.REFUSED
    with pytest.raises(StoreUnavailable, match="read-only replica"):
        store.commit(commit(10, 13, one(s3=3)))
    replica.client().replicaof("NO", "ONE")

    assert (store.state(ORDERS).next_offset, totals(store)) == (10, {})
    assert store.commit(commit(10, 13, one(s3=3))) is Outcome.APPLIED
    assert totals(store)["3"] == 3
    link.close()
    address.close()


@pytest.mark.fault("R10")
def test_a_server_that_is_loading_its_data_is_waited_for(own_valkey: ValkeyServer, redis_prefix: str) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    store.commit(first())
    with own_valkey.client() as client:
        client.mset({f"filler:{number}": "" for number in range(20_000)})
        client.save()
    own_valkey.kill()
    own_valkey.options |= {"key-load-delay": "10000", "loading-process-events-interval-bytes": "1024"}
    own_valkey.launch()
    limit = time.monotonic() + START_S
    while "it is loading its data" not in (said := _refused(store)):
        assert time.monotonic() < limit, said
    with own_valkey.client() as client:
        client.config_set("key-load-delay", "0")
    while _refused(store):
        assert time.monotonic() < limit
    assert totals(store)["3"] == 1


def _refused(store: RedisStore) -> str:
    """Why a commit is not taken; "" once it is."""
    try:
        store.commit(commit(10, 11, one(s3=1)))
    except StoreUnavailable as error:
        return str(error)
    return ""
