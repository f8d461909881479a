"""What is missing or wrong is named by its key, with what is expected there, and never shown."""

from pathlib import Path

import pytest

from config.load import load
from tests.unit.config.reading import LEAST, SECRET, refusal


def test_what_is_missing_is_named_with_an_example(tmp_path: Path) -> None:
    expected = (
        "FILE: agents is missing; for example agents: [{name: support-bot}]; "
        "FILE: kafka.topics is missing; for example topics: [agent-traces]"
    )
    assert expected == refusal(tmp_path, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"http: {{port: {SECRET}}}", "http.port should be a whole number"),
        ("http: {port: 70000}", "http.port should be at most 65535"),
        (f"mode: {SECRET}", "mode should be 'run' or 'observe'"),
        (
            f"redis: {{password: [{SECRET}]}}",
            "redis.password should be text (put a number or yes/no in quotes)",
        ),
        ("redis: {password: 12345678}", "redis.password should be text (put a number or yes/no in quotes)"),
        (
            f"redis: {{url: 'http://x:{SECRET}@y'}}",
            "redis.url should begin with redis://, rediss:// or unix://",
        ),
        (f"redis: {{url: 'redis://:{SECRET}@h', host: h}}", "redis url replaces host"),
        (f"redis: {SECRET}", "redis should be a mapping of keys to values"),
        ("learn: {at_least: 24}", "learn.at_least should be a number with a unit"),
        ("learn: {from: yesterday}", "learn.from should be earliest, latest or a time"),
        ("learn: {at_most: 12h}", "learn at_least should be between 1h and at_most"),
        ("decide: [intend]", "decide names a dimension that does not exist; did you mean intent?"),
        ("thresholds: {moderate: .nan}", "thresholds.moderate should be a finite number"),
        ("thresholds: {moderate: 0.5}", "thresholds moderate should be below significant"),
        ("time_zone: Mars/Olympus", "time_zone should be a name of the time zone database"),
        (
            "alerts: {routes: {both_moved: [slack]}}",
            "alerts routes.both_moved names slack, but sinks.slack is not",
        ),
        ("alerts: {routes: {both_moved: [sms]}}", "both_moved names a sink that does not exist"),
        (
            f"alerts: {{sinks: {{slack: {{webhook_url: {SECRET}}}}}}}",
            "webhook_url should begin with https://",
        ),
        ("binning: {segments: {plan: []}}", "binning.segments each attribute takes 1 to 8 different values"),
        ("false_pages_per_month: 0", "false_pages_per_month should be more than 0"),
    ],
)
def test_a_wrong_value_is_named_by_key_and_never_shown(tmp_path: Path, line: str, expected: str) -> None:
    assert expected in refusal(tmp_path, f"kafka: {{topics: [a]}}\nagents: [bot]\n{line}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("agents: [a, a]", "agents names an agent twice"),
        ("agents: [a, b]", "agents only the last agent may do without match"),
        ("agents: [{name: 'a b'}]", "agents[0].name has characters that are not allowed"),
        ("agents: [{match: {}}]", "agents[0].name is missing; for example name: support-bot"),
    ],
)
def test_agents_are_told_apart(tmp_path: Path, line: str, expected: str) -> None:
    assert expected in refusal(tmp_path, f"kafka: {{topics: [a]}}\n{line}")


@pytest.mark.parametrize(
    ("kafka", "expected"),
    [
        ("{topics: []}", "kafka.topics needs at least 1 entry"),
        ("{topics: [a, a]}", "kafka.topics names a topic twice"),
        ("{topics: [a], sasl_mechanism: PLAIN}", "kafka sasl_mechanism and security_protocol disagree"),
        (
            "{topics: [a], security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: u}",
            "kafka sasl_username and sasl_password (or sasl_password_file) are needed",
        ),
        ("{topics: [a], dead_letter_topic: a}", "kafka dead_letter_topic is one of the topics"),
        ("{topics: [a], api_version: 2.8}", "kafka.api_version should be a version in quotes, such as '2.8'"),
    ],
)
def test_a_kafka_section_that_cannot_work_is_refused(tmp_path: Path, kafka: str, expected: str) -> None:
    assert expected in refusal(tmp_path, f"kafka: {kafka}\nagents: [bot]")


def test_security_settings_reach_the_kafka_client() -> None:
    kafka = load(
        None,
        LEAST
        | {
            "QUADRIFT__KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "QUADRIFT__KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
            "QUADRIFT__KAFKA__SASL_USERNAME": "u",
            "QUADRIFT__KAFKA__SASL_PASSWORD": SECRET,
            "QUADRIFT__KAFKA__SSL_CAFILE": "/ca.pem",
        },
    ).kafka
    assert {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "u",
        "sasl_plain_password": SECRET,
        "ssl_cafile": "/ca.pem",
        "ssl_check_hostname": True,
    } == kafka.security()
