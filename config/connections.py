"""Where Kafka and Redis are and how to be let in. Every secret is a `SecretStr`, so no print shows it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotations at run time
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from config.values import Names, Section, Version


class Kafka(Section):
    """The broker, the topics, and the client's security. Names are the Kafka client's where it has one."""

    bootstrap_servers: Names = Field(default=("localhost:9092",), min_length=1, examples=["[kafka:9092]"])
    topics: Names = Field(min_length=1, examples=["[agent-traces]"])
    group: str = Field(default="quadrift", min_length=1)
    dead_letter_topic: str = Field(default="quadrift-dead-letters", min_length=1)
    dead_letter_share: float = Field(default=0.5, gt=0, le=1)
    """A partition with more bad records than this among its latest thousand is blocked; 1 never blocks."""
    dead_letters_in_a_row: int = Field(default=200, ge=0)
    """Nor may more bad records follow one another; 0 never blocks."""
    drop_repeats: bool = False
    """Whether a turn id that a partition has counted in the last ten minutes is not counted again."""
    api_version: Version = None
    session_timeout_ms: int = Field(default=30_000, ge=1_000, le=300_000)
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    sasl_token_path: Path | None = None
    """For OAUTHBEARER: the file that always holds a valid token; it is read again for each connection."""
    ssl_cafile: Path | None = None
    ssl_certfile: Path | None = None
    ssl_keyfile: Path | None = None
    ssl_password: SecretStr | None = None
    ssl_check_hostname: bool = True

    @field_validator("topics")
    @classmethod
    def _no_topic_twice(cls, topics: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(topics)) != len(topics):
            raise ValueError("names a topic twice")
        return topics

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.dead_letter_topic in self.topics:
            raise ValueError("dead_letter_topic is one of the topics: bad records would come round for ever")
        uses_sasl = self.security_protocol.startswith("SASL")
        if uses_sasl != (self.sasl_mechanism is not None):
            raise ValueError(
                "sasl_mechanism and security_protocol disagree: SASL_SSL or SASL_PLAINTEXT needs a "
                "mechanism, the others take none"
            )
        if self.sasl_mechanism == "OAUTHBEARER" and self.sasl_token_path is None:
            raise ValueError("sasl_token_path is missing: OAUTHBEARER reads its token from that file")
        if (
            uses_sasl
            and self.sasl_mechanism != "OAUTHBEARER"
            and not (self.sasl_username and self.sasl_password)
        ):
            raise ValueError("sasl_username and sasl_password (or sasl_password_file) are needed")
        return self

    def security(self) -> dict[str, Any]:
        """The Kafka client's security options, but for the OAUTHBEARER token provider, which is an object."""
        options: dict[str, Any] = {
            "security_protocol": self.security_protocol,
            "ssl_check_hostname": self.ssl_check_hostname,
            "ssl_cafile": self.ssl_cafile and str(self.ssl_cafile),
            "ssl_certfile": self.ssl_certfile and str(self.ssl_certfile),
            "ssl_keyfile": self.ssl_keyfile and str(self.ssl_keyfile),
            "ssl_password": self.ssl_password and self.ssl_password.get_secret_value(),
            "sasl_mechanism": self.sasl_mechanism,
        }
        if self.sasl_mechanism not in (None, "OAUTHBEARER"):
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password and self.sasl_password.get_secret_value()
        return {name: value for name, value in options.items() if value is not None}


class Redis(Section):
    """The Redis-protocol server (or cluster) that keeps all state, by `url` or by `host` and `port`."""

    url: SecretStr | None = None
    """`redis://`, `rediss://` or `unix://`; a secret, because it may carry a password."""
    host: str = "localhost"
    port: Annotated[int, Field(ge=1, le=65_535)] = 6379
    database: Annotated[int, Field(ge=0)] = 0
    username: str | None = None
    password: SecretStr | None = None
    prefix: str = Field(default="quadrift", pattern=r"^[A-Za-z0-9._:-]{1,64}$")
    cluster: bool = False
    tls: bool = False
    tls_ca_file: Path | None = None
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_check_hostname: bool = True
    timeout_ms: int = Field(default=2_000, ge=100, le=60_000)

    @field_validator("url")
    @classmethod
    def _scheme(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("should begin with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.url is not None and self.model_fields_set & {"host", "port", "database", "tls"}:
            raise ValueError("url replaces host, port, database and tls: give one or the other")
        if not self.uses_tls and (self.tls_ca_file or self.tls_cert_file or self.tls_key_file):
            raise ValueError("TLS files are given, but neither tls: true nor a rediss:// url")
        if self.cluster and not self.location().endswith("/0"):
            raise ValueError("a cluster has only database 0")
        return self

    @property
    def uses_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.tls or (self.url is not None and self.url.get_secret_value().startswith("rediss://"))

    def address(self) -> str:
        """The URL to connect to. A secret: it may carry a password."""
        if self.url is not None:
            return self.url.get_secret_value()
        return f"{'rediss' if self.tls else 'redis'}://{self.host}:{self.port}/{self.database}"

    def location(self) -> str:
        """The address as a person may see it: scheme, host, port and database, never a name or a password."""
        parts = urlsplit(self.address())
        database = parts.path.strip("/") or "0"
        if parts.scheme == "unix":
            return f"unix://{parts.path}"
        return f"{parts.scheme}://{parts.hostname or 'localhost'}:{parts.port or 6379}/{database}"

    def secrets(self) -> tuple[str, ...]:
        """The password that hides in the URL, if one does."""
        password = urlsplit(self.address()).password
        return (password, unquote(password)) if password else ()
