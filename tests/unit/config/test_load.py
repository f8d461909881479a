"""Settings come from a file, secret files and the environment, and every mistake is named in one line."""

import re
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load
from config.settings import Settings
from tests.unit.config.reading import LEAST, SECRET, read, refusal

EXAMPLE = Path(__file__).parents[3] / "config" / "example.yaml"


def test_a_topic_and_an_agent_are_enough() -> None:
    settings = load(None, LEAST)
    assert ("traces",) == settings.kafka.topics
    assert ["bot"] == [agent.name for agent in settings.agents]
    assert "127.0.0.1" == settings.http.host
    assert 24 * 3600 == settings.learn.at_least
    assert ("log",) == settings.alerts.taken_by("world_changed")


def test_an_encoder_may_be_named_by_its_kind_alone(tmp_path: Path) -> None:
    for text in ("encoder: auto", "encoder: {kind: auto}"):
        settings = read(tmp_path, f"agents: [bot]\nkafka: {{topics: [traces]}}\n{text}\n")
        assert ("auto", 50.0) == (settings.encoder.kind, settings.encoder.turns_per_second)


def test_the_example_loads_and_changes_no_default() -> None:
    example = load(EXAMPLE, {})
    assert {"agents", "kafka"} == set(example.model_dump(exclude_defaults=True))


def test_every_commented_line_of_the_example_loads_too(tmp_path: Path) -> None:
    text = re.sub(r"^(\s*)# (?=[a-z_]+: )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)
    text = re.sub(r"^\s+url: .*$", "", text, flags=re.MULTILINE)  # the other way to say host and port
    text = text.replace("/run/secrets", str(tmp_path)).replace("  tls: false", "  tls: true")
    for name in ("kafka-password", "client-key-password", "redis-password", "pagerduty-key"):
        (tmp_path / name).write_text(SECRET + "\n")
    (tmp_path / "slack-webhook").write_text("https://hooks.example.com/T0")
    settings = read(tmp_path, text)
    assert SECRET == settings.kafka.security()["sasl_plain_password"]
    assert ("slack", "pagerduty", "log") == settings.alerts.taken_by("system_changed")
    plain = load(EXAMPLE, {})
    for name in (
        "learn",
        "thresholds",
        "log",
        "decide",
        "false_pages_per_month",
        "lateness",
        "http",
        "encoder",
    ):
        assert getattr(plain, name) == getattr(settings, name), name


def test_an_unknown_key_is_named_with_the_nearest_one_and_the_file(tmp_path: Path) -> None:
    message = refusal(tmp_path, "kafka: {topics: [a], bootstrap_server: [b]}\nagents: [bot]")
    assert "FILE: unknown key kafka.bootstrap_server; did you mean kafka.bootstrap_servers?" == message


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(tmp_path: Path) -> None:
    message = refusal(tmp_path, "kafka: {topics: [a]}\nagents: [bot]\nrouting_key: x")
    assert "FILE: unknown key routing_key; did you mean alerts.sinks.pagerduty.routing_key?" == message


def test_an_unknown_environment_name_is_an_error_too() -> None:
    with pytest.raises(ConfigError, match=r"QUADRIFT__REDIS__PASWORD: .* did you mean redis\.password\?"):
        load(None, LEAST | {"QUADRIFT__REDIS__PASWORD": SECRET})


def test_other_peoples_variables_are_left_alone() -> None:
    load(None, LEAST | {"QUADRIFT_SERVICE_HOST": "10.0.0.1", "QUADRIFT_PORT": "tcp://10.0.0.1:80"})


def test_the_environment_beats_secret_files_and_those_beat_the_file(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "quadrift__redis__password").write_text("from-the-secret\n")
    (secrets / "quadrift__redis__username").write_text("from-the-secret\n")
    (secrets / "another-service").write_text("not ours")
    file = tmp_path / "quadrift.yaml"
    file.write_text("kafka: {topics: [a]}\nagents: [bot]\nredis: {password: f, username: f, prefix: f}")
    redis = load(file, {"QUADRIFT__REDIS__PASSWORD": "from-env"}, secrets=secrets).redis
    assert redis.password is not None
    assert ("from-env", "from-the-secret", "f") == (
        redis.password.get_secret_value(),
        redis.username,
        redis.prefix,
    )


def test_a_secret_that_looks_like_yaml_stays_as_it_is() -> None:
    redis = load(None, LEAST | {"QUADRIFT__REDIS__PASSWORD": "{0123"}).redis
    assert redis.password is not None
    assert "{0123" == redis.password.get_secret_value()


def test_an_empty_variable_says_nothing() -> None:
    assert load(None, LEAST) == load(None, LEAST | {"QUADRIFT__REDIS__HOST": ""})


def test_mappings_and_lists_come_from_the_environment() -> None:
    settings = load(
        None,
        LEAST
        | {
            "QUADRIFT__AGENTS": "[{name: a, match: {service: x}}, {name: b, match: {plan: pro}}]",
            "QUADRIFT__BINNING__SEGMENTS__PLAN": "free,pro",
            "QUADRIFT__HTTP__PORT": "0",
            "QUADRIFT__LEARN__FROM": "latest",
        },
    )
    assert [{"service": "x"}, {"plan": "pro"}] == [agent.match for agent in settings.agents]
    assert {"plan": ("free", "pro")} == settings.binning.segments
    assert (0, "latest") == (settings.http.port, settings.learn.begin)


def test_an_unreadable_secret_file_names_the_key(tmp_path: Path) -> None:
    message = refusal(tmp_path, "kafka: {topics: [a]}\nagents: [bot]\nredis: {password_file: /none/such}")
    assert "FILE: password_file: the secret file cannot be read (No such file or directory)" == message


def test_a_secret_and_its_file_cannot_both_be_given(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, f"kafka: {{topics: [a]}}\nagents: [bot]\nredis: {{password_file: /x, password: {SECRET}}}"
    )
    assert "FILE: password and password_file are both given; use one of them" == message


def test_bad_yaml_is_named_by_line_without_its_text(tmp_path: Path) -> None:
    message = refusal(tmp_path, f"agents: [bot]\nredis: {{password: *{SECRET}}}")
    assert "FILE: is not valid YAML at line 2, column 19; check indents, colons and quotes there" == message


def test_a_key_given_twice_is_a_mistake(tmp_path: Path) -> None:
    message = refusal(tmp_path, "agents: [a]\nkafka: {topics: [a]}\nagents: [b]")
    assert "FILE: agents is given twice, again at line 3" == message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load(tmp_path / "none.yaml", LEAST)


def test_a_wrong_value_of_the_environment_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    message = refusal(tmp_path, "kafka: {topics: [a]}\nagents: [bot]", QUADRIFT__HTTP__PORT="x")
    assert "the environment: http.port should be a whole number" == message


def test_no_way_to_print_the_settings_shows_a_secret() -> None:
    settings = load(None, LEAST | {"QUADRIFT__REDIS__URL": f"redis://u:{SECRET}@cache:6380/2"})
    shown = f"{settings!r} {settings} {settings.model_dump_json()} {settings.redis.location()}"
    assert SECRET not in shown
    assert "redis://cache:6380/2" in shown
    assert SECRET in settings.secrets()


def test_bare_and_full_names_decide_alike() -> None:
    settings = load(None, LEAST | {"QUADRIFT__DECIDE": "intent,length,flags:pii"})
    assert ("input.intent", "output.length", "output.flags:pii") == settings.decide
    assert settings.decides("output.flags:pii")
    assert not settings.decides("output.flags:hallucination")
    assert load(None, LEAST).decides("output.flags:hallucination")


def test_what_config_show_prints_loads_again(tmp_path: Path) -> None:
    settings = load(None, LEAST | {"QUADRIFT__LEARN__FROM": "2026-11-01"})
    shown = settings.model_dump_json(by_alias=True)
    assert '"at_least":"1d"' in shown
    assert '"from":"2026-11-01T00:00:00+00:00"' in shown
    assert (
        settings.learn == read(tmp_path, settings.model_dump_json(by_alias=True, exclude_defaults=True)).learn
    )


def test_every_section_has_a_schema() -> None:
    assert {"kafka", "redis", "learn", "alerts"} <= set(Settings.model_json_schema()["properties"])
