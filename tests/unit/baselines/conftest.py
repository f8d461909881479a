"""The independent reference of the statistics, loaded by path; tests that need it are skipped without."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

ORACLES = Path(__file__).parents[3] / ".." / "shared" / "reference"


def _load(name: str) -> ModuleType:
    path = (ORACLES / f"{name}.py").resolve()
    if not path.exists():
        pytest.skip("the reference statistics are not beside this checkout (../shared/reference)")
    spec = importlib.util.spec_from_file_location(f"oracle_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """Part one: psi, null_moments, gamma_tail, bin_tests, peel, behaviour."""
    return _load("statistics")


@pytest.fixture(scope="session")
def oracle2() -> ModuleType:
    """Part two: learning_phi, expected, unseen, DayComponent, verdict2, slices."""
    return _load("statistics2")
