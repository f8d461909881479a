"""Single dimensions may have thresholds of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.load import load
from tests.unit.config.reading import LEAST, refusal
from worker.wiring import rules

if TYPE_CHECKING:
    from pathlib import Path

OWN = "{moderate: 0.2, significant: 0.4}"


def test_a_dimension_is_held_to_its_own_thresholds_and_the_others_to_those_of_all(tmp_path: Path) -> None:
    path = tmp_path / "quadrift.yaml"
    path.write_text(
        f"thresholds: {{moderate: 0.11, dimensions: {{length: {OWN}, flags: {OWN},"
        " 'flags:pii': {moderate: 0.3, significant: 0.5}}}"
    )
    judged = rules(load(path, LEAST)).gates
    moderate = {key: judged(key).moderate for key in ("output.length", "input.length", "input.intent")}
    assert {"output.length": 0.2, "input.length": 0.11, "input.intent": 0.11} == moderate
    assert 0.2 == judged("output.flags:hallucination").moderate
    assert 0.5 == judged("output.flags:pii").significant


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            f"{{lenght: {OWN}}}",
            "thresholds.dimensions names a dimension that does not exist; did you mean len",
        ),
        (f"{{length: {OWN}, output.length: {OWN}}}", "thresholds.dimensions names a dimension twice"),
        ("{length: {moderate: 0.2}}", "significant is missing; for example significant: 0.25"),
        ("{length: {moderate: 0.5, significant: 0.4}}", "moderate should be below significant"),
        (
            "{length: {moderat: 0.5, significant: 0.4}}",
            "did you mean thresholds.dimensions.output.length.mode",
        ),
        ("{length: 0.3}", "should be a mapping of keys to values"),
        ("[length]", "thresholds.dimensions should be a mapping of keys to values"),
    ],
)
def test_a_mistake_in_them_is_named(tmp_path: Path, given: str, expected: str) -> None:
    assert expected in refusal(tmp_path, f"thresholds: {{dimensions: {given}}}")
