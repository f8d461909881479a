"""What can go wrong with the state store, and how an error of the client is told apart.

Two kinds: the store cannot answer now (wait and try again: nothing was lost, and a commit that did land is
recognised), or it will not answer until somebody changes something (stop and say what).
"""

from __future__ import annotations

import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterator


class StoreError(Exception):
    """The state store did not do as asked. The text names the server and what to do, never a secret."""


class StoreUnavailable(StoreError):  # noqa: N818 - "store unavailable" says it all
    """It cannot answer or cannot be written now; retrying is safe and right."""


class StoreRefused(StoreError):  # noqa: N818
    """It refuses, and will go on refusing until the configuration of the worker or of the server changes."""


class StateLost(StoreError):  # noqa: N818
    """It answers, but what was stored is gone. Going on would count from nothing as if nothing had been."""


RETRIABLE = {
    "READONLY": "it is a read-only replica now: waiting for the client to reach the new primary",
    "OOM": "it is full (maxmemory): give it more memory, nothing is counted until then",
    "MISCONF": "it cannot save to its disk and so refuses writes: free its disk",
    "LOADING": "it is loading its data",
    "BUSY": "a script is keeping it busy",
    "CLUSTERDOWN": "its cluster is down",
    "MASTERDOWN": "it has lost its primary",
    "TRYAGAIN": "a slot of its cluster is being moved",
    "NOREPLICAS": "it has fewer replicas in reach than it needs to accept writes",
}
"""Error codes of the server that pass by themselves or with its operator's help, and what they mean."""


@contextmanager
def explained(server: str) -> Iterator[None]:
    """Turn an error of the Redis client into a StoreError about `server` (host and port, no credentials).

    Raises:
        StoreUnavailable: unreachable, timed out, loading, read-only, full or failing over.
        StoreRefused: wrong user or password, no permission, untrusted certificate, foreign data.
    """
    try:
        yield
    except exceptions.RedisClusterException as error:
        raise _cluster_error(server, error) from error
    except (exceptions.RedisError, OSError) as error:
        raise classify(server, error) from error


def classify(server: str, error: Exception) -> StoreError:
    """The StoreError that says what `error` means for `server`."""
    code = _code(error)
    if code in RETRIABLE:
        return StoreUnavailable(f"redis {server}: {RETRIABLE[code]}")
    if (denied := _denied(error)) is not None:
        return StoreRefused(f"redis {server}: {denied}")
    if _tls_error(error) is not None:
        return StoreRefused(
            f"redis {server}: no TLS connection ({_tls_reason(error)}); check redis.url and tls"
        )
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return StoreUnavailable(f"redis {server}: no answer in time; is it overloaded or behind a firewall?")
    if isinstance(error, exceptions.ConnectionError | OSError):
        return StoreUnavailable(
            f"redis {server}: no connection ({_reason(error)}); is it running, is redis.url right?"
        )
    return StoreRefused(
        f"redis {server}: unexpected answer ({error}); is redis.prefix used by something else?"
    )


def _code(error: Exception) -> str:
    """The server's error code; the client takes it off the text of those that it has a class for."""
    for kind, code in (
        (exceptions.BusyLoadingError, "LOADING"),
        (exceptions.ReadOnlyError, "READONLY"),
        (exceptions.OutOfMemoryError, "OOM"),
    ):
        if isinstance(error, kind):
            return code
    return str(error).split(" ", 1)[0].removeprefix("-")


def _denied(error: Exception) -> str | None:
    """What to do about a refused user. A script that may not run a command answers without an error code."""
    if isinstance(error, exceptions.NoPermissionError) or "ACL failure" in str(error):
        return f"the user may not do this; widen its ACL rule ({error})"
    if isinstance(error, exceptions.AuthenticationError):
        return "it refused the user name or password; check redis.username and redis.password"
    return None


def _cluster_error(server: str, error: Exception) -> StoreError:
    """The cluster client hides the cause of a failed start in a chain."""
    if "Cluster mode is not enabled" in str(error):
        return StoreRefused(f"redis {server}: it is no cluster; set redis.cluster to false")
    cause = error.__cause__ or error.__context__
    if isinstance(cause, OSError) or (
        isinstance(cause, exceptions.RedisError) and not isinstance(cause, exceptions.RedisClusterException)
    ):
        return classify(server, cause)
    return StoreUnavailable(f"redis {server}: no node of the cluster answers ({error}); is it running?")


def _tls_error(error: BaseException) -> ssl.SSLError | None:
    """The TLS failure at the bottom of an error."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, ssl.SSLError):
            return cause
    return None


def _tls_reason(error: BaseException) -> str:
    """What TLS says, in few words."""
    cause = _tls_error(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    return (
        str(cause.reason if cause is not None and cause.reason else "handshake failed")
        .lower()
        .replace("_", " ")
    )


def _reason(error: BaseException) -> str:
    """The operating system's word on a failed connection."""
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(error).rstrip(".").lower()
