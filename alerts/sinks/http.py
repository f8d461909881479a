"""One POST over httpx: no redirects, no retries, a bounded answer, and an address that nobody ever prints.

The address of a webhook is a secret. It is therefore in no log line, no exception and no outbox row.
"""

from __future__ import annotations

import ipaddress
import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import msgspec

from alerts.sinks.base import Retry

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_S = 5.0
ANSWER_BYTES = 4096

# httpx logs the address of every request at INFO, httpcore headers (a redirect repeats the address) at DEBUG.
for _talker in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_talker).addFilter(lambda _: False)


class Answer(NamedTuple):
    """What a receiver said; at most the first 4 KiB of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Endpoint:
    """One receiver's address, checked once: https, or http on loopback.

    Raises:
        ValueError: the address is not one that alerts may go to; the message does not repeat it.
    """

    def __init__(self, url: str, *, what: str) -> None:
        self._url = _checked(url, what)
        self._client = httpx.Client(
            timeout=TIMEOUT_S, follow_redirects=False, trust_env=not _is_loopback(self._url.host)
        )

    def post(self, payload: Any) -> Answer | Retry:
        """The answer to one POST of JSON; a Retry where there was none."""
        content = msgspec.json.encode(payload)
        headers = {
            "content-type": "application/json",
            "accept-encoding": "identity",
            "user-agent": "quadrift",
        }
        try:
            with self._client.stream("POST", self._url, content=content, headers=headers) as response:
                return Answer(response.status_code, response.headers, _read(response))
        except httpx.HTTPError as error:
            return Retry(type(error).__name__)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _read(response: httpx.Response) -> bytes:
    """The beginning of the body, of a receiver that may be slow or never end."""
    body, deadline = b"", time.monotonic() + TIMEOUT_S
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= ANSWER_BYTES or time.monotonic() > deadline:
            break
    return body[:ANSWER_BYTES]


def _checked(url: str, what: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        raise ValueError(f"{what} is no URL") from None
    if not parsed.host:
        raise ValueError(f"{what} names no host")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and _is_loopback(parsed.host)):
        raise ValueError(f"{what} must begin with https:// (http:// only on loopback)")
    if _is_refused(parsed.host):
        raise ValueError(f"{what} points to a link-local, multicast or unspecified address")
    return parsed


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_refused(host: str) -> bool:
    """Addresses where a receiver never is, but a cloud's metadata service may be."""
    address = _address(host)
    return address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
