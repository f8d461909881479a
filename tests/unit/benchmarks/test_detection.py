"""What the detection benchmark counts as a page and as found, and that its traffic is what it says."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(autouse=True)
def _on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])  # last: binning.py there is no package


def _module(name: str) -> Any:
    return import_module(name)


def test_consecutive_alarming_windows_are_one_page() -> None:
    alarms = np.array([[0, 1, 1, 0, 1], [0, 0, 1, 1, 1]], dtype=bool).T
    rises = _module("peers.compare")._rises(alarms)
    assert [[1, 4], [2]] == [np.flatnonzero(column).tolist() for column in rises.T]


def test_an_alarm_that_was_on_before_the_change_does_not_find_it() -> None:
    compare, changes = _module("peers.compare"), _module("streams.world").CHANGES
    size = _module("streams.world").LAYOUT.size
    stream = compare.Stream(
        windows=np.ones((3, size), dtype=np.int64),
        branched_at=np.array([2]),
        branches=np.ones((1, compare.BRANCH, size), dtype=np.int64),
        learned_hours=np.ones((1, size), dtype=np.int64),
    )
    decided = np.zeros((3 + compare.BRANCH, len(compare.KEYS)), dtype=bool)
    flag, tool = (compare.KEYS.index(change.dimension) for change in (changes[0], changes[3]))
    decided[1:, flag] = True  # on before the change, and during it
    decided[4:, tool] = True  # from the second window after it
    found = compare.outcome([stream], [decided]).found["28 days"]
    assert [None, 1.0] == [found[changes[0].name].middle(1), found[changes[3].name].share]


def test_the_upper_limit_of_no_page_in_1000_hours_is_3_per_1000() -> None:
    assert round(_module("streams.figures").Rate(0, 1000).at_most, 2) == pytest.approx(3.0, abs=0.01)


def test_a_change_counts_as_found_only_within_two_windows() -> None:
    figures = _module("streams.figures")
    found = figures.Found(((3600, 900), (7320, 2000), (7920, 2100), None))
    assert [0.5, 7620.0] == [found.share, found.middle(0)]


def test_a_change_moves_one_dimension_and_shares_still_add_up() -> None:
    world = _module("streams.world")
    for change in world.CHANGES:
        at = [dimension.key for dimension in world.LAYOUT.dimensions].index(change.dimension)
        base = world.kinds()[at].base
        moved = change.apply(base)
        assert pytest.approx(1.0) == moved.sum()
        assert not np.allclose(base, moved)


def test_turns_have_one_bin_in_every_dimension_and_sessions_run_over_into_the_next_hour() -> None:
    world = _module("streams.world")
    traffic = world.Traffic(np.random.default_rng(1))
    first, second = traffic.hour(world_hour := 408_850), traffic.hour(world_hour + 1)
    for counts in (first, second):
        totals = {tuple(counts[:, d.slots].sum(1).tolist()) for d in world.LAYOUT.dimensions}
        assert len(totals) == 1
    assert traffic.carried.any()


def test_the_same_seed_gives_the_same_installation() -> None:
    quiet = _module("streams.quiet")
    one, two = quiet.installation(3, 0, 8), quiet.installation(3, 0, 8)
    assert one[0] == two[0]
    assert np.array_equal(one[1]["windows"], two[1]["windows"])


def test_a_new_mix_of_inputs_explains_the_shift_that_the_quadrants_are_asked_about() -> None:
    quadrants = _module("streams.quadrants")
    truth = quadrants.Truth.draw(np.random.default_rng(5))
    assert pytest.approx(quadrants.EXPLAINED_PSI, abs=1e-3) == truth.explained(truth.changed("inputs"))
    table, at = truth.changed("behaviour").outputs["response_category"], truth.rare
    gained = float(truth.mix @ table[:, at] - truth.mix @ truth.outputs["response_category"][:, at])
    assert pytest.approx(0.10, abs=0.02) == gained


def test_hours_are_watched_by_the_worker_s_own_code_and_a_change_is_found_in_them() -> None:
    seen, streams = _module("streams.quiet").installation(1, 3, 7)
    assert [7, []] == [seen["hours"], seen["pages"]]
    assert (7, _module("streams.world").LAYOUT.size) == streams["windows"].shape
    assert all(branch["delays"]["new cluster 5 %"] is not None for branch in seen["branches"])
    assert len(seen["branches"]) == 1
