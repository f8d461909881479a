"""The names that `decide` takes are those of the dimensions that exist."""

import pytest

from binning.dimensions import KINDS
from config.decide import DEFAULT_DECIDE, DIMENSIONS, canonical


def test_the_names_are_those_of_the_dimensions() -> None:
    assert {kind for kind in KINDS if not kind.startswith("defined.")} == set(DIMENSIONS)


def test_the_default_is_written_in_full() -> None:
    assert DEFAULT_DECIDE == tuple(canonical(name) for name in DEFAULT_DECIDE)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("intent", "input.intent"),
        ("input.length", "input.length"),
        ("length", "output.length"),
        ("modality", "input.modality"),
        ("tokens", "output.tokens"),
        ("tool_arguments", "output.tool_arguments"),
        ("tool_result_shape:lookup", "output.tool_result_shape:lookup"),
        ("flags", "output.flags"),
        ("flags:pii", "output.flags:pii"),
        ("output.flags:pii", "output.flags:pii"),
    ],
)
def test_a_name_may_go_without_its_side(given: str, expected: str) -> None:
    assert expected == canonical(given)


@pytest.mark.parametrize("name", ["", "input.flags", "output.intent", "intent:x", "inputs.intent", "tool"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a dimension that does not exist"):
        canonical(name)
