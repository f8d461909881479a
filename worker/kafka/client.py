"""How Kafka clients are made: settings measured with kafka-python 3.0.12, and a clear word when one fails.

The client hides why it could not connect; the reason is taken from its log (see `client_log`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.codec import has_lz4, has_snappy, has_zstd
from kafka.errors import KafkaError, RetriableError
from kafka.record.util import crc32c_c

from worker.kafka.bombs import bound_batches
from worker.kafka.client_log import advice, collected_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_POLL_RECORDS = 5_000
_AWAY = (
    *("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "DNS", "TimeoutError", "timed out"),
    "Errno 104",  # reset by peer: it goes down; one that speaks another protocol says so otherwise
)
_NO_TOPIC_ID = {"", "None", "AAAAAAAAAAAAAAAAAAAAAA", "00000000-0000-0000-0000-000000000000"}


class KafkaUnavailable(Exception):  # noqa: N818 - it names a state of the world, not a mistake
    """Kafka cannot be used as configured. The message says what is wrong and what to do."""


class KafkaAway(KafkaUnavailable):
    """Nobody answers there: a wrong address, or a broker that is not up, or goes down. Only waiting tells."""


@dataclass(frozen=True, slots=True)
class KafkaOptions:
    """Where the broker is and how to be let in.

    `security` holds the client's own `security_protocol`, `ssl_*` and `sasl_*` options (never printed).
    """

    bootstrap_servers: Sequence[str]
    group: str = "quadrift"
    client_id: str = "quadrift"
    api_version: tuple[int, ...] | None = None
    session_timeout_ms: int = 30_000
    bootstrap_timeout_ms: int = 10_000
    metadata_max_age_ms: int = 30_000
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> str:
        """The bootstrap servers as a person reads them."""
        return ",".join(self.bootstrap_servers)

    def common(self) -> dict[str, Any]:
        """What every kind of client is given."""
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "client_id": self.client_id,
            "api_version": self.api_version,
            "bootstrap_timeout_ms": self.bootstrap_timeout_ms,
            "reconnect_backoff_ms": 50,
            "reconnect_backoff_max_ms": 1_000,
            "metadata_max_age_ms": self.metadata_max_age_ms,
            **self.security,
        }


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What the cluster says of a topic. `id` is "" where the broker gives topics no id (before Kafka 2.8)."""

    id: str
    partitions: int


def topic_id_text(value: object) -> str:
    """A topic's id as stored, "" for none."""
    return "" if str(value) in _NO_TOPIC_ID else str(value)


def require_codecs() -> None:
    """Refuse to start without the native checksum and the codecs: a batch in a missing one never ends a poll.

    Raises:
        KafkaUnavailable: one of the client's optional packages is missing.
    """
    there = {
        "crc32c": crc32c_c is not None,
        "lz4": has_lz4(),
        "python-snappy": has_snappy(),
        "zstandard": has_zstd(),
    }
    missing = ", ".join(sorted(name for name, found in there.items() if not found))
    if missing:
        raise KafkaUnavailable(
            f"the Kafka client lacks {missing}; install kafka-python[crc32c,lz4,snappy,zstd]"
        )


def open_consumer(options: KafkaOptions, *, group: str | None) -> Any:
    """A consumer without topics or partitions yet; without a group it reads what it is assigned by hand.

    Raises:
        KafkaUnavailable: no broker could be used, with the reason.
    """
    grouped = (
        {"session_timeout_ms": options.session_timeout_ms, "heartbeat_interval_ms": 1_000} if group else {}
    )
    settings = {
        **options.common(),
        **grouped,
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "max_poll_records": MAX_POLL_RECORDS,
        "max_partition_fetch_bytes": 1 << 20,
        "fetch_max_bytes": 8 << 20,
        "fetch_max_wait_ms": 50,
        "request_timeout_ms": 10_000,
    }
    bound_batches()
    consumer = _opened(lambda: KafkaConsumer(**settings), options)
    _never_create_topics(consumer._client.cluster)  # noqa: SLF001 - see there
    return consumer


def open_admin(options: KafkaOptions) -> Any:
    """An admin client; retries fast, so that the reason of a failure shows in the log soon.

    Raises:
        KafkaUnavailable: no broker could be used, with the reason.
    """
    settings = {**options.common(), "reconnect_backoff_max_ms": 100, "request_timeout_ms": 10_000}
    return _opened(lambda: KafkaAdminClient(**settings), options)


def open_producer(options: KafkaOptions) -> Any:
    """A producer for dead letters. Not idempotent: that kind never sends again after one expired record.

    Raises:
        KafkaUnavailable: no broker could be used, with the reason.
    """
    settings = {
        **options.common(),
        "enable_idempotence": False,
        "acks": "all",
        "max_block_ms": 5_000,
        "delivery_timeout_ms": 30_000,
        "request_timeout_ms": 10_000,
    }
    producer = _opened(lambda: KafkaProducer(**settings), options)
    _never_create_topics(producer._metadata)  # noqa: SLF001 - see there
    return producer


def open_transactional_producer(options: KafkaOptions, transactional_id: str) -> Any:
    """A producer whose records and committed offsets are one step. Another one of its id shuts it out.

    Raises:
        KafkaUnavailable: no broker could be used, with the reason.
    """
    settings = {**options.common(), "transactional_id": transactional_id, "max_block_ms": 10_000}
    producer = _opened(lambda: KafkaProducer(**settings), options)
    _never_create_topics(producer._metadata)  # noqa: SLF001 - see there
    return producer


def topic_facts(admin: Any, topics: Sequence[str], options: KafkaOptions) -> dict[str, TopicFacts]:
    """Id and number of partitions of each topic.

    Raises:
        KafkaUnavailable: a topic does not exist or may not be read.
    """
    try:
        found = {topic["name"]: topic for topic in admin.describe_topics(list(topics))}
    except KafkaError as error:
        kind = KafkaAway if isinstance(error, RetriableError) else KafkaUnavailable
        raise kind(
            f"Kafka at {options.address} answered but did not describe its topics "
            f"({type(error).__name__}); check the broker and the permission to describe topics"
        ) from None
    facts = {}
    for name in topics:
        about = found.get(name, {"error_code": 3, "partitions": []})
        if about["error_code"] or not about["partitions"]:
            raise KafkaUnavailable(_no_topic(name, about["error_code"], options))
        facts[name] = TopicFacts(topic_id_text(about.get("topic_id")), len(about["partitions"]))
    return facts


def largest_message(admin: Any, topic: str, default: int = 1 << 20) -> int:
    """The topic's `max.message.bytes`, `default` where the broker does not say."""
    try:
        reply = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    except (KafkaError, NotImplementedError):
        return default
    return _find_int(reply, "max.message.bytes") or default


def _never_create_topics(cluster: Any) -> None:
    """3.0.12 drops its public option of this name, and would create (or resurrect, empty) a missing topic."""
    cluster.config["allow_auto_create_topics"] = False


def _no_topic(name: str, code: int, options: KafkaOptions) -> str:
    if code == 29:
        return (
            f"not allowed to read topic {name} at {options.address}; give this user READ and DESCRIBE on it"
        )
    return f"topic {name} does not exist at {options.address}; create it, or correct its name in the config"


def _opened(make: Callable[[], Any], options: KafkaOptions) -> Any:
    with collected_reasons() as reasons:
        try:
            return make()
        except (KafkaError, OSError) as error:
            reason = reasons.reason() or f"{type(error).__name__}"
            kind = KafkaAway if any(sign in reason for sign in _AWAY) else KafkaUnavailable
            raise kind(f"cannot use Kafka at {options.address}: {reason}; {advice(reason)}") from None


def _find_int(reply: Any, name: str) -> int | None:
    """The value of a configuration entry wherever it is in the client's nested reply."""
    if not isinstance(reply, dict):
        return None
    if isinstance(entry := reply.get(name), dict):
        return int(entry["value"])
    return next((found for item in reply.values() if (found := _find_int(item, name)) is not None), None)
