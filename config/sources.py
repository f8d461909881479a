"""Where settings come from: a YAML file, secret files, the environment. Each gives a plain mapping."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from config.errors import ConfigError, unknown_key
from config.settings import Settings
from config.tree import children

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from config.tree import Key

PREFIX = "QUADRIFT__"
_SECRET_BYTES = 64 * 1024


def from_file(path: Path) -> dict[str, Any]:
    """What the YAML file says.

    Raises:
        ConfigError: it cannot be read, is no YAML, or no mapping of sections.
    """
    data = read_yaml(path)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: should be a mapping of sections, such as kafka: and agents:")
    return _tidy(data, Settings, str(path))


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ConfigError: it cannot be read or is no YAML; the message has the line, and nothing of its text.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        _no_key_twice(yaml.compose(text, Loader=yaml.SafeLoader), path)
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(
            f"{path}: is not valid YAML{where}; check indents, colons and quotes there"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(f"{path}: is not valid YAML") from None


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """What `QUADRIFT__SECTION__KEY` variables say. Empty ones say nothing; lists are `a,b` or `[a, b]`.

    Raises:
        ConfigError: a variable names no setting, or its list or mapping cannot be read.
    """
    data: dict[str, Any] = {}
    for name in sorted(environ):
        if name.upper().startswith(PREFIX) and environ[name]:
            _place(data, name, environ[name])
    return _tidy(data, Settings, "the environment")


def from_secrets(folder: Path) -> dict[str, Any]:
    """What files called `quadrift__section__key` in the folder say. Others there are somebody else's.

    Raises:
        ConfigError: such a file names no setting or cannot be read.
    """
    data: dict[str, Any] = {}
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read ({error.strerror})") from None
    for file in files:
        if file.name.upper().startswith(PREFIX) and file.is_file():
            _place(data, file.name, _read_secret(file, file.name))
    return data


def _place(data: dict[str, Any], name: str, text: str) -> None:
    """Put one variable's value where its name says."""
    parts = name[len(PREFIX) :].lower().split("__")
    model: type[BaseModel] | None = Settings
    here = data
    for depth, part in enumerate(parts):
        key = _key(model, part)
        if key is None:
            raise ConfigError(f"{name}: {unknown_key(part, parts[:depth], model, Settings)}")
        rest = parts[depth + 1 :]
        if not rest:
            here[part] = _value(key, text, name)
            return
        here = here.setdefault(part, {})
        if not isinstance(here, dict):
            raise ConfigError(f"{name}: is also given as a whole; use one or the other")
        if key.mapping:
            here["__".join(rest)] = text
            return
        model = key.section
    raise ConfigError(f"{name}: names no setting")


def _key(model: type[BaseModel] | None, part: str) -> Key | None:
    """The key of that name; `password_file` finds `password`."""
    if model is None:
        return None
    keys = children(model)
    stem = keys.get(part.removesuffix("_file"))
    return keys.get(part) or (stem if stem is not None and stem.secret else None)


def _value(key: Key, text: str, name: str) -> Any:
    """A list or mapping is YAML when it opens with a bracket; all else stays text, secrets above all."""
    if not key.collection or text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ConfigError(f"{name}: should be a list or a mapping such as [a, b] or {{a: b}}") from None


def _tidy(data: Mapping[Any, Any], model: type[BaseModel], source: str) -> dict[Any, Any]:
    """A layer with its secret files read, and with sections that are all comments as empty ones."""
    keys, tidied = children(model), dict(data)
    for name, value in data.items():
        key = keys.get(name)
        stem = keys.get(name.removesuffix("_file")) if isinstance(name, str) else None
        if key is None and stem is not None and stem.secret and value is not None:
            if data.get(stem.name) is not None:
                raise ConfigError(f"{source}: {stem.name} and {name} are both given; use one of them")
            del tidied[name]
            tidied[stem.name] = _read_secret(Path(str(value)), f"{source}: {name}")
        elif key is not None and key.section is not None and isinstance(value, dict):
            tidied[name] = _tidy(value, key.section, source)
        elif value is None and key is not None and key.section is not None and not key.nullable:
            del tidied[name]
    return tidied


def _read_secret(path: Path, what: str) -> str:
    try:
        secret = path.read_bytes()[:_SECRET_BYTES].decode("utf-8").strip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: the secret file is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{what}: the secret file cannot be read ({error.strerror})") from None
    if not secret:
        raise ConfigError(f"{what}: the secret file is empty")
    return secret


def _no_key_twice(node: yaml.Node | None, path: Path) -> None:
    """YAML silently lets the later of two equal keys win; here that is a mistake."""
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _no_key_twice(entry, path)
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value in seen:
            raise ConfigError(f"{path}: {key.value} is given twice, again at line {key.start_mark.line + 1}")
        seen.add(str(key.value))
        _no_key_twice(value, path)
