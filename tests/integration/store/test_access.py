from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from baselines.connection import Tls, connect
from baselines.errors import StoreRefused
from baselines.keys import Keys
from baselines.lease import RedisLease
from baselines.redis_store import RedisStore
from baselines.store import Push, Put, PutField
from tests.fault_proxy import FaultProxy
from tests.integration.store.cases import HOUR, ORDERS, commit, first, one, totals
from tests.servers import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "correct-horse"
COMMANDS = (
    "+eval +evalsha +info +hset +hget +hmget +hgetall +hkeys +hdel +hexists +hlen +hrandfield "
    "+set +get +del +pexpire +rpush +ltrim +lrange +time"
)
"""All that a user needs, on the keys of the prefix."""


def test_a_url_of_another_kind_is_refused() -> None:
    with pytest.raises(StoreRefused, match=r"redis.url example:6379: it must begin with redis://"):
        connect(f"http://user:{PASSWORD}@example")


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server with a password."""
    server = ValkeyServer(tmp_path, {"requirepass": PASSWORD}).start()
    yield server
    server.kill()


@pytest.mark.parametrize("password", ["wrong-password", None])
def test_a_wrong_or_missing_password_is_named_without_printing_one(
    guarded: ValkeyServer, redis_prefix: str, password: str | None
) -> None:
    store = RedisStore(connect(guarded.url, password=password), redis_prefix)
    with pytest.raises(StoreRefused) as caught:
        store.check_server()
    expected = "it refused the user name or password; check redis.username and redis.password"
    assert f"redis 127.0.0.1:{guarded.port}: {expected}" == str(caught.value)


def store_of_user(server: ValkeyServer, rules: str, prefix: str) -> RedisStore:
    admin: Any = server.client(password=PASSWORD)
    rights = f"on >{PASSWORD} resetchannels -@all {rules}".split()
    admin.execute_command("ACL", "SETUSER", "quadrift", *rights)
    return RedisStore(connect(server.url, username="quadrift", password=PASSWORD), prefix)


def test_a_user_with_the_least_rights_can_do_all_of_the_work(
    guarded: ValkeyServer, redis_prefix: str
) -> None:
    store = store_of_user(guarded, f"~{redis_prefix}:* {COMMANDS}", redis_prefix)
    store.check_server()
    store.register("orders", 1)
    store.commit(first())
    store.commit(commit(10, 11, one(s3=1)))
    assert store.report(ORDERS, 11, caught_up=True, at=1.0)
    assert store.pack(ORDERS, "support", "d1", HOUR, 11, keep_hours=1)
    assert store.write("support", 1, [Put("x", b"1"), PutField("x", "f", b"1"), Push("x", b"1", 1)])
    found = (store.get("support", "x"), store.fields("support", "x"), store.newest("support", "x", 1))
    assert (b"1", {"f": b"1"}, [b"1"]) == found
    assert [ORDERS] == store.partitions()
    assert ({"#": 1, "3": 1}, []) == (totals(store), store.minutes(ORDERS, "support", "d1"))
    lease = RedisLease(store._client, Keys(redis_prefix).lease, "one", 5)
    assert lease.acquire()
    lease.release()


@pytest.mark.parametrize("missing", [each for each in COMMANDS.split() if each != "+eval"])
def test_a_missing_right_is_found_at_start(guarded: ValkeyServer, redis_prefix: str, missing: str) -> None:
    rules = COMMANDS.replace(f"{missing} ", "").removesuffix(missing)
    store = store_of_user(guarded, f"~{redis_prefix}:* {rules}", redis_prefix)
    with pytest.raises(StoreRefused, match="the user may not do this; widen its ACL rule") as caught:
        store.check_server()
    assert PASSWORD not in str(caught.value)


def test_a_foreign_prefix_is_refused(guarded: ValkeyServer, redis_prefix: str) -> None:
    store = store_of_user(guarded, f"~another:* {COMMANDS}", redis_prefix)
    with pytest.raises(StoreRefused, match="widen its ACL rule"):
        store.check_server()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed to make a certificate")
    paths = tmp_path / "server.pem", tmp_path / "server.key"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def test_tls_needs_a_certificate_that_is_trusted(
    valkey: ValkeyServer, redis_prefix: str, certificate: tuple[Path, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    proxy = FaultProxy(valkey.port, context)
    url = f"rediss://127.0.0.1:{proxy.port}"
    RedisStore(connect(url, tls=Tls(ca_file=str(certificate[0]))), redis_prefix).check_server()
    with pytest.raises(StoreRefused, match=r"no TLS connection .its certificate is not trusted: self-signed"):
        RedisStore(connect(url), redis_prefix).check_server()
