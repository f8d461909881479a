"""The connection to the state store: explicit limits, no hidden retries, and a server that never evicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from redis import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry

from baselines.errors import StoreRefused, explained

Client = Redis | RedisCluster


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of a TLS connection (a URL that begins with `rediss`); None takes the system's authorities."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    check_hostname: bool = True


def connect(
    url: str,
    *,
    username: str | None = None,
    password: str | None = None,
    tls: Tls | None = None,
    cluster: bool = False,
    socket_timeout: float = 2.0,
) -> Client:
    """A client for `url` (redis://, rediss:// or unix://), which is contacted at the first command.

    A cluster is contacted here. The client never repeats a command by itself: a repeated commit is harmless,
    but a time-out has to be ours to see.

    Raises:
        StoreRefused: the URL cannot be used, or the cluster refuses the credentials.
        StoreUnavailable: no node of the cluster answers.
    """
    options: dict[str, Any] = {
        "socket_timeout": socket_timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if not url.startswith("unix:"):
        options |= {"socket_connect_timeout": socket_timeout, "socket_keepalive": True}
    if username:
        options["username"] = username
    if password:
        options["password"] = password
    if url.startswith("rediss:"):
        options |= _tls_options(tls or Tls())
    server = server_name(url)
    with explained(server):
        try:
            return RedisCluster.from_url(url, **options) if cluster else Redis.from_url(url, **options)
        except ValueError as error:
            raise StoreRefused(
                f"redis.url {server}: it must begin with redis://, rediss:// or unix://"
            ) from error


def server_name(url: str) -> str:
    """The server of a URL without its credentials, for messages."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    try:
        port = parts.port or 6379
    except ValueError:
        return str(parts.hostname)
    return f"{parts.hostname}:{port}"


def _tls_options(tls: Tls) -> dict[str, Any]:
    """The client's names for the TLS files."""
    return {
        "ssl_check_hostname": tls.check_hostname,
        "ssl_ca_certs": tls.ca_file,
        "ssl_certfile": tls.certificate_file,
        "ssl_keyfile": tls.key_file,
    }


def check_eviction(client: Client) -> None:
    """Refuse a server that may evict keys: an evicted offset would restart the counting.

    Raises:
        StoreRefused: `maxmemory` is set with a policy other than `noeviction`, or INFO is not allowed.
        StoreUnavailable: it does not answer.
    """
    server = client_name(client)
    with explained(server):
        answer: Any = (
            client.info("memory", target_nodes=RedisCluster.PRIMARIES)
            if isinstance(client, RedisCluster)
            else client.info("memory")
        )
    nodes: list[dict[str, Any]] = [answer] if "maxmemory_policy" in answer else list(answer.values())
    for memory in nodes:
        policy = memory.get("maxmemory_policy", "noeviction")
        if memory.get("maxmemory") and policy != "noeviction":
            raise StoreRefused(
                f"redis {server}: maxmemory-policy is {policy}, which may drop counts; "
                "set it to noeviction (CONFIG SET maxmemory-policy noeviction)"
            )


def client_name(client: Client) -> str:
    """Host and port (or socket path) that a client talks to."""
    if isinstance(client, RedisCluster):
        return ",".join(sorted(client.nodes_manager.nodes_cache))
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")
