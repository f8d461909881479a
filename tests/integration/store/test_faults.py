from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from baselines.connection import connect
from baselines.errors import StoreRefused, StoreUnavailable
from baselines.keys import Keys
from baselines.redis_store import RedisStore
from baselines.store import Outcome
from tests.fault_proxy import FaultProxy
from tests.integration.store.cases import MINUTE, ORDERS, commit, first, one, totals
from tests.servers import ValkeyServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct-horse"


@pytest.fixture
def proxy(valkey: ValkeyServer) -> Iterator[FaultProxy]:
    proxy = FaultProxy(valkey.port)
    yield proxy
    proxy.close()


@pytest.mark.fault("R2")
def test_a_lost_reply_is_an_error_and_the_same_commit_sent_again_counts_once(
    proxy: FaultProxy, redis_prefix: str
) -> None:
    store = RedisStore(connect(proxy.url), redis_prefix)
    store.commit(first())
    proxy.lose_next_reply()
    with pytest.raises(StoreUnavailable):
        store.commit(commit(10, 11, one(s3=1)))
    assert 1 == proxy.lost
    assert Outcome.ALREADY is store.commit(commit(10, 11, one(s3=1)))
    assert {"#": 1, "3": 1} == totals(store)


@pytest.mark.fault("R2")
@pytest.mark.parametrize("nth", [2, 5, 50])
def test_counts_are_exact_while_every_nth_reply_is_lost(
    proxy: FaultProxy, redis_prefix: str, nth: int
) -> None:
    store = RedisStore(connect(proxy.url), redis_prefix)
    store.commit(first(0))
    proxy.lose_every(nth)
    for offset in range(120):
        link = commit(offset, offset + 1, one(MINUTE + offset % 3, s3=1))
        for _ in range(20):
            try:
                assert store.commit(link) in (Outcome.APPLIED, Outcome.ALREADY)
                break
            except StoreUnavailable:
                continue
    proxy.lose_every(0)
    assert proxy.lost > 120 // nth // 2
    assert {"#": 120, "3": 120} == totals(store)


@pytest.mark.fault("R3")
def test_a_silent_server_is_given_up_after_the_time_limit(proxy: FaultProxy, redis_prefix: str) -> None:
    store = RedisStore(connect(proxy.url, socket_timeout=2), redis_prefix)
    store.commit(first())
    proxy.mode = "silent"
    with pytest.raises(StoreUnavailable, match=rf"127.0.0.1:{proxy.port}: no answer in time"):
        store.state(ORDERS)


@pytest.mark.fault("R3")
def test_a_paused_server_that_runs_the_commit_later_counts_it_once(
    own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    store = RedisStore(connect(own_valkey.url, socket_timeout=2), redis_prefix)
    store.commit(first())
    own_valkey.pause()
    with pytest.raises(StoreUnavailable):
        store.commit(commit(10, 11, one(s3=1)))
    own_valkey.resume()
    assert store.commit(commit(10, 11, one(s3=1))) in (Outcome.APPLIED, Outcome.ALREADY)
    assert {"#": 1, "3": 1} == totals(store)


def test_an_unreachable_server_is_named_with_what_to_do(redis_prefix: str) -> None:
    port = free_port()
    store = RedisStore(connect(f"redis://user:{PASSWORD}@127.0.0.1:{port}/0"), redis_prefix)
    with pytest.raises(StoreUnavailable) as caught:
        store.check_server()
    expected = (
        f"redis 127.0.0.1:{port}: no connection (connection refused); is it running, is redis.url right?"
    )
    assert expected == str(caught.value)


def test_a_server_that_evicts_is_refused(own_valkey: ValkeyServer, redis_prefix: str) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    own_valkey.client().config_set("maxmemory-policy", "allkeys-lru")
    store.check_server()
    own_valkey.client().config_set("maxmemory", "100mb")
    with pytest.raises(StoreRefused, match=r"maxmemory-policy is allkeys-lru, .* set it to noeviction"):
        store.check_server()


@pytest.mark.fault("R5")
def test_a_full_server_refuses_the_whole_commit_and_takes_it_after_relief(
    own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    store.commit(first())
    own_valkey.client().config_set("maxmemory", "1")
    with pytest.raises(StoreUnavailable, match="full"):
        store.commit(commit(10, 11, one(s3=1)))
    assert (10, {}) == (store.state(ORDERS).next_offset, totals(store))
    own_valkey.client().config_set("maxmemory", "0")
    assert Outcome.APPLIED is store.commit(commit(10, 11, one(s3=1)))


@pytest.mark.fault("R4")
def test_a_read_only_replica_is_waited_for(own_valkey: ValkeyServer, redis_prefix: str) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    store.commit(first())
    own_valkey.client().replicaof("127.0.0.1", free_port())
    with pytest.raises(StoreUnavailable, match="read-only replica"):
        store.commit(commit(10, 11, one(s3=1)))
    own_valkey.client().replicaof("NO", "ONE")
    assert Outcome.APPLIED is store.commit(commit(10, 11, one(s3=1)))


@pytest.mark.fault("R6")
def test_a_server_that_cannot_save_is_waited_for(own_valkey: ValkeyServer, redis_prefix: str) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    store.commit(first())
    admin = own_valkey.client()
    admin.config_set("save", "3600 1")
    shutil.rmtree(own_valkey.folder)
    admin.bgsave()
    while admin.info("persistence")["rdb_last_bgsave_status"] == "ok":
        pass
    with pytest.raises(StoreUnavailable, match="cannot save to its disk"):
        store.commit(commit(10, 11, one(s3=1)))
    admin.config_set("stop-writes-on-bgsave-error", "no")
    assert Outcome.APPLIED is store.commit(commit(10, 11, one(s3=1)))


@pytest.mark.fault("R7", "R10")
def test_scripts_are_sent_again_after_a_restart_and_the_chain_goes_on(
    own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    own_valkey.options |= {"appendonly": "yes", "appendfsync": "always"}
    own_valkey.kill()
    own_valkey.start()
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    store.commit(first())
    store.commit(commit(10, 11, one(s3=1)))
    own_valkey.kill()
    with pytest.raises(StoreUnavailable):
        store.commit(commit(11, 12, one(s3=1)))
    own_valkey.start()
    assert Outcome.APPLIED is store.commit(commit(11, 12, one(s3=1)))
    assert {"#": 2, "3": 2} == totals(store)


def test_foreign_data_under_our_keys_is_named_and_left_alone(
    own_valkey: ValkeyServer, redis_prefix: str
) -> None:
    store = RedisStore(connect(own_valkey.url), redis_prefix)
    own_valkey.client().set(Keys(redis_prefix).state(ORDERS), "something else")
    with pytest.raises(StoreRefused, match=r"redis\.prefix"):
        store.commit(first())


def test_a_single_server_where_a_cluster_is_configured_is_named(valkey: ValkeyServer) -> None:
    with pytest.raises(StoreRefused, match=r"redis\.cluster"):
        connect(valkey.url, cluster=True)


def test_a_cluster_that_cannot_be_reached_is_waited_for() -> None:
    with pytest.raises(StoreUnavailable):
        connect(f"redis://127.0.0.1:{free_port()}", cluster=True)
