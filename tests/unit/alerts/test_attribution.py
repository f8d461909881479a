from __future__ import annotations

import pytest

from alerts.attribution import story


@pytest.mark.parametrize(
    ("changes", "residual_moved", "significant", "expected"),
    [
        ([], False, False, "none"),
        ([0.2], False, False, "none"),
        ([0.15], False, True, "driver"),
        ([-0.15], False, True, "driver"),
        ([0.15], True, True, "broad"),
        ([0.1, -0.1], False, True, "transfer"),
        ([0.1, -0.1], True, True, "broad"),
        ([0.1, 0.1], False, True, "broad"),
        ([0.1, -0.1, 0.05], False, True, "broad"),
        ([], False, True, "broad"),
    ],
)
def test_a_shift_has_one_story(
    changes: list[float], residual_moved: bool, significant: bool, expected: str
) -> None:
    assert expected == story(changes, residual_moved=residual_moved, significant=significant)
