"""Settings from one YAML file, with secret files and `QUADRIFT__SECTION__KEY` of the environment over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from config.errors import ConfigError, explain
from config.settings import Settings
from config.sources import from_environment, from_file, from_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECRETS = Path("/run/secrets")
"""Where Docker and Kubernetes put secret files; those called `quadrift__section__key` are read."""


def load(path: Path | None, environ: Mapping[str, str], *, secrets: Path = SECRETS) -> Settings:
    """The settings of the file (or none), what `secrets` holds over it, and the environment over both.

    Secret files are read once, here. Any secret key also takes `KEY_file: PATH` in its place.

    Raises:
        ConfigError: one line that says which key of which source is wrong, and what is expected there.
    """
    layers = [("the environment", from_environment(environ)), (str(secrets), from_secrets(secrets))]
    if path is not None:
        layers.append((str(path), from_file(path)))
    merged: dict[str, Any] = {"kafka": {}}
    for _, layer in reversed(layers):
        merged = _over(merged, layer)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        home = str(path) if path is not None else "the environment"
        raise explain(error, Settings, lambda location: _source(layers, location) or home) from None


def _source(layers: Iterable[tuple[str, Mapping[str, Any]]], location: tuple[int | str, ...]) -> str | None:
    """The first of the layers that holds the value; None where none does, because it is missing."""
    for name, layer in layers:
        here: Any = layer
        for part in location:
            if not isinstance(here, dict):
                return name
            if part not in here:
                break
            here = here[part]
        else:
            return name
    return None


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` laid over `below`: mappings are merged, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        beneath = merged.get(key)
        if isinstance(value, dict) and isinstance(beneath, dict):
            merged[key] = _over(beneath, value)
        else:
            merged[key] = value
    return merged


__all__ = ["SECRETS", "ConfigError", "load"]
