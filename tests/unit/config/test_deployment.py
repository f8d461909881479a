"""What the image and the compose file set are settings that exist."""

import re
from pathlib import Path
from typing import Any

import yaml

from config.load import load

ROOT = Path(__file__).parents[3]


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def image_environment() -> dict[str, str]:
    return dict(re.findall(r"(QUADRIFT__\w+)=(\S+)", (ROOT / "Dockerfile").read_text()))


def test_the_worker_of_the_compose_file_has_good_settings() -> None:
    environ = image_environment() | compose()["quadrift"]["environment"]
    settings = load(None, environ)
    assert "observe" == settings.mode
    assert "0.0.0.0" == settings.http.host
    assert Path("/opt/quadrift/.cache/quadrift") == settings.encoder.cache


def test_the_compose_file_creates_the_topics_that_the_worker_reads_and_writes() -> None:
    settings = load(None, compose()["quadrift"]["environment"])
    (script,) = compose()["topics"]["command"]
    for topic in (*settings.kafka.topics, settings.kafka.dead_letter_topic):
        assert topic in script


def test_every_package_gets_into_the_image() -> None:
    built = (ROOT / "Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for package in ("worker", "binning", "baselines", "alerts", "config"):
        assert f"COPY {package} {package}" in built
        assert f"!{package}" in ignored
