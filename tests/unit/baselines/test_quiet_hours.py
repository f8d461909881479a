"""The product's judging on generated traffic: quiet weeks page nobody, a flag that jumps is found at once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from baselines.windows import HOUR, alpha

if TYPE_CHECKING:
    from types import ModuleType


def _benchmark() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "quiet_hours.py"
    spec = importlib.util.spec_from_file_location("quiet_hours", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules["quiet_hours"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    return module


QUIET = _benchmark()
LEVEL = alpha(1.0, 1.0, 1, 1, 10)  # one false page a month over ten dimensions


def test_a_reference_of_24_weekday_hours_lives_through_its_first_weekend_without_a_page() -> None:
    pages = []
    for seed in (11, 12):
        world = QUIET.World(np.random.default_rng(seed))
        found, evaluations = QUIET.watch(world, QUIET.MONDAY + 50, 144, level=LEVEL)
        pages += found
        assert evaluations > 0.9 * 144 * 6 * len(QUIET.KINDS)
    assert pages == []


def test_a_flag_from_half_a_percent_to_five_on_the_second_day_is_found_within_two_windows() -> None:
    delays, flag = [], tuple(kind for kind in QUIET.KINDS if kind.name == "flag")
    for seed in range(60):
        world = QUIET.World(np.random.default_rng(seed))
        first, quiet = QUIET.MONDAY + seed, 2 + 7 * seed % 20
        changed = first + 24 + quiet
        world.replaced["flag"] = (changed, np.array([0.95, 0.05]))
        pages, _ = QUIET.watch(world, first, quiet + 2, level=LEVEL, kinds=flag)
        delays += [page.at / HOUR - changed for page in pages]
    assert min(delays) > 0
    assert len(delays) >= 57  # 95 %
    assert np.median(delays) <= 1
