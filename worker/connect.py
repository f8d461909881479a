"""How the configured connections are made: from the settings to the options that the clients take."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog
from kafka.net.sasl.oauth import AbstractTokenProvider

from baselines.connection import Tls, connect
from baselines.errors import StoreUnavailable
from worker.kafka.client import KafkaAway, KafkaOptions, KafkaUnavailable, open_admin

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from baselines.connection import Client
    from config.connections import Kafka, Redis
    from worker.health import Health

Ready = TypeVar("Ready")

WAIT_S = 5.0
TRY_MS = 5_000

log = structlog.get_logger()


class FileToken(AbstractTokenProvider):  # type: ignore[misc]
    """The OAUTHBEARER token that a file holds; read anew for each connection, because tokens expire."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def token(self) -> str:
        """The token.

        Raises:
            KafkaUnavailable: the file cannot be read.
        """
        try:
            return self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not text"
            raise KafkaUnavailable(f"kafka.sasl_token_path {self._path} cannot be read ({reason})") from None


def kafka_options(settings: Kafka) -> KafkaOptions:
    """What every Kafka client of the worker is made with."""
    security = settings.security()
    if settings.sasl_mechanism == "OAUTHBEARER" and settings.sasl_token_path is not None:
        security["sasl_oauth_token_provider"] = FileToken(settings.sasl_token_path)
    return KafkaOptions(
        bootstrap_servers=settings.bootstrap_servers,
        group=settings.group,
        api_version=settings.api_version,
        session_timeout_ms=settings.session_timeout_ms,
        security=security,
    )


def await_kafka(
    prepare: Callable[[], Ready], options: KafkaOptions, health: Health, stop: threading.Event
) -> Ready | None:
    """What `prepare` makes of a broker, once one answers; None when told to stop.

    One that is not up yet, or goes down just then, is no reason to give up.

    Raises:
        KafkaUnavailable: one answers, and refuses.
    """
    impatient = replace(options, bootstrap_timeout_ms=TRY_MS)

    def connected() -> Ready:
        open_admin(impatient).close()
        return prepare()

    return _until(connected, KafkaAway, "waiting_for_kafka", health, stop)


def await_store(prepare: Callable[[], Ready], health: Health, stop: threading.Event) -> Ready | None:
    """What `prepare` makes of the store, once that answers; None when told to stop.

    Raises:
        StoreRefused: it answers, and refuses.
    """
    return _until(prepare, StoreUnavailable, "waiting_for_the_store", health, stop)


def _until(
    prepare: Callable[[], Ready],
    away: type[Exception],
    event: str,
    health: Health,
    stop: threading.Event,
) -> Ready | None:
    """What `prepare` makes, tried again for as long as it raises `away`; None when told to stop."""
    while not stop.is_set():
        try:
            made = prepare()
        except away as error:
            log.warning(event, reason=str(error))
            health.waits_for = str(error)
            stop.wait(WAIT_S)
        else:
            health.waits_for = None
            return made
    return None


def redis_client(settings: Redis) -> Client:
    """A client of the state store.

    Raises:
        StoreRefused: the settings cannot be used, or the cluster refuses the credentials.
        StoreUnavailable: no node of the cluster answers.
    """
    tls = Tls(
        ca_file=_text(settings.tls_ca_file),
        certificate_file=_text(settings.tls_cert_file),
        key_file=_text(settings.tls_key_file),
        check_hostname=settings.tls_check_hostname,
    )
    return connect(
        settings.address(),
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        tls=tls,
        cluster=settings.cluster,
        socket_timeout=settings.timeout_ms / 1000,
    )


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
