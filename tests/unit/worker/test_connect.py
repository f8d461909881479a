"""What the settings say of security reaches the clients, and no client's options show a secret."""

from pathlib import Path

import pytest
from redis import Redis, SSLConnection

from config.load import load
from config.settings import Settings
from worker.connect import kafka_options, redis_client
from worker.kafka.client import KafkaUnavailable

SECRET = "s3cr3t-Tr0ub4dor"
LEAST = {"QUADRIFT__KAFKA__TOPICS": "traces", "QUADRIFT__AGENTS": "bot"}


def settings(**environ: str) -> Settings:
    return load(None, LEAST | environ)


def test_sasl_and_tls_reach_the_kafka_client_and_stay_unseen() -> None:
    options = kafka_options(
        settings(
            QUADRIFT__KAFKA__SECURITY_PROTOCOL="SASL_SSL",
            QUADRIFT__KAFKA__SASL_MECHANISM="SCRAM-SHA-256",
            QUADRIFT__KAFKA__SASL_USERNAME="u",
            QUADRIFT__KAFKA__SASL_PASSWORD=SECRET,
            QUADRIFT__KAFKA__SSL_CAFILE="/ca.pem",
            QUADRIFT__KAFKA__API_VERSION="2.8",
        ).kafka
    )
    common = options.common()
    assert ("SASL_SSL", "SCRAM-SHA-256", SECRET, "/ca.pem", (2, 8)) == tuple(
        common[key]
        for key in ("security_protocol", "sasl_mechanism", "sasl_plain_password", "ssl_cafile", "api_version")
    )
    assert SECRET not in repr(options)


def test_an_oauth_token_is_read_anew_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "token"
    chosen = settings(
        QUADRIFT__KAFKA__SECURITY_PROTOCOL="SASL_SSL",
        QUADRIFT__KAFKA__SASL_MECHANISM="OAUTHBEARER",
        QUADRIFT__KAFKA__SASL_TOKEN_PATH=str(file),
    ).kafka
    provider = kafka_options(chosen).common()["sasl_oauth_token_provider"]
    with pytest.raises(KafkaUnavailable, match=r"kafka\.sasl_token_path .*/token cannot be read"):
        provider.token()
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        assert token == provider.token()


def test_acl_and_tls_reach_the_redis_client() -> None:
    client = redis_client(
        settings(
            QUADRIFT__REDIS__HOST="cache",
            QUADRIFT__REDIS__TLS="true",
            QUADRIFT__REDIS__DATABASE="3",
            QUADRIFT__REDIS__USERNAME="u",
            QUADRIFT__REDIS__PASSWORD=SECRET,
            QUADRIFT__REDIS__TLS_CA_FILE="/ca.pem",
            QUADRIFT__REDIS__TLS_CHECK_HOSTNAME="false",
            QUADRIFT__REDIS__TIMEOUT_MS="1500",
        ).redis
    )
    assert isinstance(client, Redis)
    pool = client.connection_pool
    assert pool.connection_class is SSLConnection
    expected = {
        "host": "cache",
        "port": 6379,
        "db": 3,
        "username": "u",
        "password": SECRET,
        "ssl_ca_certs": "/ca.pem",
        "ssl_check_hostname": False,
        "socket_timeout": 1.5,
    }
    assert expected == {key: pool.connection_kwargs[key] for key in expected}


def test_a_url_with_its_own_password_is_taken_as_it_is() -> None:
    client = redis_client(settings(QUADRIFT__REDIS__URL=f"rediss://u:{SECRET}@cache:6380/2").redis)
    assert isinstance(client, Redis)
    options = client.connection_pool.connection_kwargs
    assert ("cache", 6380, 2, SECRET) == tuple(options[key] for key in ("host", "port", "db", "password"))
