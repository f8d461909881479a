from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from baselines.connection import connect
from baselines.keys import Keys
from baselines.lease import RedisLease
from baselines.redis_store import RedisStore
from baselines.store import Put

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baselines.connection import Client
    from tests.servers import ValkeyServer


@pytest.fixture(params=["redis", "cluster"])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    clustered = request.param == "cluster"
    server: ValkeyServer = request.getfixturevalue("valkey_cluster" if clustered else "valkey")
    with ExitStack() as stack:
        yield stack.enter_context(connect(server.url, cluster=clustered))


@pytest.fixture
def leases(client: Client, redis_prefix: str) -> tuple[RedisLease, RedisLease]:
    key = Keys(redis_prefix).lease
    return RedisLease(client, key, "one 1", 30), RedisLease(client, key, "two 2", 30)


def test_one_holds_the_lease_and_renewing_keeps_the_token(leases: tuple[RedisLease, RedisLease]) -> None:
    one, two = leases
    token = one.acquire()
    assert token is not None
    assert two.acquire() is None
    assert token == one.acquire()


def test_a_released_lease_is_taken_with_a_higher_token(leases: tuple[RedisLease, RedisLease]) -> None:
    one, two = leases
    token = one.acquire()
    two.release()
    assert two.acquire() is None
    one.release()
    taken = two.acquire()
    assert token is not None
    assert taken is not None
    assert taken > token


def expire(client: Client, key: str) -> None:
    """What the server does when the time is over."""
    client.delete(key)


def test_a_sleeping_holder_is_replaced_and_its_writes_are_refused(
    client: Client, redis_prefix: str, leases: tuple[RedisLease, RedisLease]
) -> None:
    one, two = leases
    store = RedisStore(client, redis_prefix)
    old = one.acquire() or 0
    expire(client, Keys(redis_prefix).lease)
    new = two.acquire() or 0
    assert store.write("support", new, [Put("x", b"new")])
    assert not store.write("support", old, [Put("x", b"old")])
    assert one.acquire() is None
    assert b"new" == store.get("support", "x")


def test_the_server_ends_a_lease_that_is_not_renewed(client: Client, redis_prefix: str) -> None:
    key = Keys(redis_prefix).lease
    assert RedisLease(client, key, "one", 3600.5).acquire()
    left = client.pttl(key)
    assert isinstance(left, int)
    assert 3_000_000 < left <= 3_600_500


def test_a_lost_counter_never_lowers_the_token(client: Client, redis_prefix: str) -> None:
    key = Keys(redis_prefix).lease
    lease = RedisLease(client, key, "one", 30)
    before = lease.acquire() or 0
    client.delete(key)
    client.delete(f"{key}:token")
    assert (lease.acquire() or 0) >= before
