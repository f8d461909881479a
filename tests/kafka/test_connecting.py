"""What a person is told when Kafka cannot be used."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kafka.support import new_topic, options
from tests.servers import SHARED_KAFKA, free_port, kafka_home
from worker.kafka.client import KafkaOptions, KafkaUnavailable, open_admin, open_consumer, open_producer
from worker.kafka.source import KafkaSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker


@pytest.fixture(scope="module")
def secured() -> Iterator[dict[str, Any]]:
    """A broker with a TLS listener and SCRAM users."""
    start = Path(SHARED_KAFKA, "start")
    if not start.exists() or kafka_home() is None:
        pytest.skip("needs a broker with TLS and SCRAM; there is none beside the checkout")
    command = [str(start), "--secure", "--timeout", "240"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield json.loads(process.stdout.readline())
        process.stdin.close()


def login(secured: dict[str, Any], *, patience_ms: int = 30_000, **other: Any) -> KafkaOptions:
    """Good credentials, but for what `other` replaces."""
    secure = secured["secure"]
    security = {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": secure["cafile"],
        "sasl_mechanism": secure["mechanism"],
        "sasl_plain_username": secure["username"],
        "sasl_plain_password": secure["password"],
    }
    address = other.pop("address", secure["bootstrap"])
    return KafkaOptions(
        (address,),
        group=uuid.uuid4().hex,
        bootstrap_timeout_ms=patience_ms,
        security={name: value for name, value in (security | other).items() if value is not None},
    )


def test_nobody_listening_is_said_with_the_address(kafka_broker: Broker) -> None:
    port = free_port()
    nowhere = KafkaOptions((f"127.0.0.1:{port}",), bootstrap_timeout_ms=3_000)
    expected = (
        rf"^cannot use Kafka at 127\.0\.0\.1:{port}: .*ECONNREFUSED; nothing listens there: check kafka\.boot"
    )
    with pytest.raises(KafkaUnavailable, match=expected):
        KafkaSource(nowhere, [new_topic(kafka_broker)])


def test_no_client_of_ours_creates_topics(kafka_broker: Broker) -> None:
    consumer, producer = (
        open_consumer(options(kafka_broker), group=None),
        open_producer(options(kafka_broker)),
    )
    clusters = [consumer._client.cluster, producer._metadata]
    assert [cluster.metadata_request().allow_auto_topic_creation for cluster in clusters] == [False, False]
    consumer.close()
    producer.close()


def test_tls_and_scram_let_us_in(secured: dict[str, Any]) -> None:
    admin = open_admin(login(secured))
    assert isinstance(admin.list_topics(), list)
    admin.close()
    consumer = open_consumer(login(secured), group=None)
    assert isinstance(consumer.topics(), set)
    consumer.close()


def refusal(secured: dict[str, Any], says: str, **other: Any) -> str:
    """What is told of a mistake in the settings; a busy machine may need longer to find it out."""
    for patience_ms in (1_500, 6_000, 30_000):
        with pytest.raises(KafkaUnavailable) as caught:
            open_admin(login(secured, patience_ms=patience_ms, **other))
        if re.search(says, str(caught.value)):
            break
    return str(caught.value)


def test_a_wrong_password_is_called_that_and_never_printed(secured: dict[str, Any]) -> None:
    says = "check sasl_username, sasl_password"
    told = refusal(secured, says, sasl_plain_password="hunter2")

    assert says in told
    assert "hunter2" not in told + repr(login(secured, sasl_plain_password="hunter2"))


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"ssl_cafile": None}, "check ssl_cafile"),
        ({"ssl_cafile": "/no/such/file.pem"}, "check the paths of the TLS files"),
        ({"sasl_mechanism": "PLAIN"}, "sasl_mechanism"),
        ({"security_protocol": "SASL_PLAINTEXT"}, "TLS|check security_protocol"),
    ],
)
def test_each_mistake_in_the_security_settings_has_its_own_advice(
    secured: dict[str, Any], other: dict[str, Any], says: str
) -> None:
    assert re.search(says, refusal(secured, says, **other))


def test_tls_on_a_plain_port_is_said(secured: dict[str, Any]) -> None:
    says = "the port speaks no TLS"
    assert says in refusal(secured, says, address=secured["bootstrap"])
