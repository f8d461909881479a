"""Whatever stands in the file or the environment: good settings, or one line that shows no value."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import ConfigError
from config.load import load
from config.settings import Settings
from config.tree import paths

CANARY = "can4ry-Tr0ub4dor"
PATHS = [path.split(".") for path in paths(Settings)]
KEYS = sorted({part for path in PATHS for part in path} | {"password_file", "tls_ca_file", "x"})

values = st.recursive(
    st.sampled_from(
        [CANARY, f"redis://u:{CANARY}@h", f"https://h/{CANARY}", "24h", "{", None, True, 0, 1.5, -1]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)


def placed(path: list[str], value: Any) -> dict[str, Any]:
    return {path[0]: placed(path[1:], value) if path[1:] else value}


@settings(deadline=None)
@given(st.sampled_from(PATHS), values, st.booleans())
def test_any_value_anywhere_is_taken_or_named_in_one_line(path: list[str], value: Any, least: bool) -> None:
    data: dict[str, Any] = {"agents": ["bot"], "kafka": {"topics": ["a"]}} if least else {}
    for key, part in placed(path, value).items():
        data[key] = (
            {**data[key], **part} if isinstance(data.get(key), dict) and isinstance(part, dict) else part
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quadrift.yaml"
        file.write_text(yaml.safe_dump(data))
        try:
            shown = str(load(file, {}, secrets=Path(folder)))
        except ConfigError as error:
            shown = str(error).replace(str(file), "FILE")
            told = True
        else:
            told = False
    assert not told or CANARY not in shown
    assert "\n" not in shown
    assert "is not valid (" not in shown, "a problem without words of its own"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(PATHS), st.sampled_from([CANARY, "[a]", "{a: b}", "[", "1"])), max_size=4
    )
)
def test_any_variable_is_taken_or_named_in_one_line(given_ones: list[tuple[list[str], str]]) -> None:
    environ = {"QUADRIFT__" + "__".join(path).upper(): value for path, value in given_ones}
    shown = ""
    try:
        load(None, environ, secrets=Path("/none"))
    except ConfigError as error:
        shown = str(error)
    assert CANARY not in shown
    assert "\n" not in shown


def test_a_section_given_whole_and_in_parts_is_refused() -> None:
    with pytest.raises(ConfigError, match="QUADRIFT__KAFKA__TOPICS: is also given as a whole"):
        load(None, {"QUADRIFT__KAFKA": "x", "QUADRIFT__KAFKA__TOPICS": "a"})
