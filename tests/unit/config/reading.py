"""Settings read from a text, and what is said when they are refused."""

from pathlib import Path

import pytest

from config.errors import ConfigError
from config.load import load
from config.settings import Settings

LEAST = {"QUADRIFT__KAFKA__TOPICS": "traces", "QUADRIFT__AGENTS": "bot"}
SECRET = "s3cr3t-Tr0ub4dor"


def read(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "quadrift.yaml"
    file.write_text(text)
    return load(file, environ, secrets=tmp_path / "no-secrets")


def refusal(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, **environ)
    message = str(caught.value)
    assert "\n" not in message
    assert SECRET not in message
    return message.replace(str(tmp_path / "quadrift.yaml"), "FILE")
