from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from baselines.behaviour import behaviour
from baselines.evaluation import Behaviour, Window
from baselines.slices import slices
from baselines.windows import HOUR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Shares = NDArray[np.float64]

WINDOW = Window(0, HOUR)
ALPHA = 3e-4


def _world(rng: np.random.Generator, inputs: int = 8, outcomes: int = 8) -> tuple[Shares, Shares]:
    """A mix of the inputs and the outcomes that each of them leads to."""
    return rng.dirichlet(np.full(inputs, 8.0)), rng.dirichlet(np.full(outcomes, 1.0), inputs)


def _table(rng: np.random.Generator, mix: Shares, given: Shares, turns: int) -> Counts:
    drawn = rng.multinomial(turns, (mix[:, None] * given).ravel())
    return np.asarray(drawn).reshape(given.shape)


def _behaviour(reference: Counts, current: Counts, joints: int = 1) -> Behaviour:
    return behaviour(
        "input.intent",
        "output.response_category",
        WINDOW,
        reference,
        current,
        phi=1.0,
        alpha=ALPHA,
        joints=joints,
    )


def test_a_new_mix_of_the_inputs_alone_hardly_ever_reads_as_new_behaviour() -> None:
    moved = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        mix, given = _world(rng)
        reference = _table(rng, mix, given, 10_000)
        current = _table(rng, 0.4 * mix + 0.6 * np.roll(mix, 1)[::-1], given, 500)
        moved += _behaviour(reference, current, joints=10).moved
    assert moved <= 3  # 1 %


def test_ten_points_more_refusals_everywhere_read_as_new_behaviour_whatever_the_mix() -> None:
    found = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        mix, given = _world(rng)
        given[:, 0] = 0.04
        given /= given.sum(1, keepdims=True)
        reference = _table(rng, mix, given, 10_000)
        changed = 0.9 * given + 0.1 * np.eye(8)[0]
        current = _table(rng, np.roll(mix, 2), changed, 500)
        judged = _behaviour(reference, current, joints=10)
        found += judged.moved
        if judged.moved:
            assert len(judged.where) == 3
            assert judged.where[0].current_share != judged.where[0].reference_share
    assert found >= 95


def test_where_names_the_cell_that_moved_most_turns() -> None:
    rng = np.random.default_rng(1)
    mix, given = np.full(8, 1 / 8), np.full((8, 4), 0.25)
    reference = _table(rng, mix, given, 10_000)
    given[5] = [0.05, 0.05, 0.85, 0.05]
    found = _behaviour(reference, _table(rng, mix, given, 3000))
    assert found.moved
    assert (found.where[0].given, found.where[0].bin) == (5, 2)
    assert found.where[0].reference_share == pytest.approx(0.25, abs=0.05)
    assert found.where[0].current_share == pytest.approx(0.85, abs=0.05)


def test_quiet_behaviour_has_no_where_and_explains_no_shift() -> None:
    rng = np.random.default_rng(1)
    mix, given = _world(rng)
    found = _behaviour(_table(rng, mix, given, 10_000), _table(rng, mix, given, 1000))
    assert (found.moved, found.where, found.assessable) == (False, (), True)
    assert found.mix_explained_psi < 0.02
    assert found.psi >= 0
    assert found.residual_psi >= 0


def test_mostly_unseen_inputs_are_not_assessable() -> None:
    reference = np.array([[400, 400], [400, 400], [5, 5], [0, 0]])
    current = np.array([[100, 100], [50, 50], [200, 100], [50, 50]])
    found = _behaviour(reference, current)
    assert found.unsupported_share == pytest.approx(400 / 700)
    assert (found.assessable, found.moved) == (False, False)


def test_too_few_effective_turns_are_not_assessable() -> None:
    reference = np.array([[400, 400], [400, 400]])
    few = _behaviour(reference, np.array([[20, 20], [20, 20]]))
    assert few.effective_n == pytest.approx(80)
    assert not few.assessable
    lost = _behaviour(reference, np.array([[500, 500], [0, 0]]))
    assert lost.effective_n < 100
    assert not lost.assessable


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (np.zeros((3, 2), dtype=np.int64), np.zeros((3, 2), dtype=np.int64)),
        (np.zeros((3, 2), dtype=np.int64), np.full((3, 2), 50)),
        (np.full((3, 2), 50), np.zeros((3, 2), dtype=np.int64)),
        (np.array([[90, 0], [90, 0]]), np.array([[90, 0], [90, 0]])),
        (np.array([[90, 0], [0, 90]]), np.array([[0, 900], [900, 0]])),
    ],
)
def test_no_table_is_too_empty_to_say_so(reference: Counts, current: Counts) -> None:
    with np.errstate(all="raise"):
        found = _behaviour(reference, current)
        moves = slices(reference, current, phi=1.0, alpha=ALPHA)
    assert np.isfinite([found.psi, found.p_value, found.residual_psi, found.effective_n]).all()
    assert all(np.isfinite([move.current_share, move.reference_share]).all() for move in moves)


def test_an_outcome_that_nobody_has_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    mix, given = _world(rng)
    reference, current = _table(rng, mix, given, 10_000), _table(rng, mix, np.roll(given, 1, axis=1), 800)
    nobody = np.zeros((8, 1), dtype=np.int64)
    wider = _behaviour(np.hstack([reference, nobody]), np.hstack([current, nobody]))
    assert _behaviour(reference, current) == wider


def test_a_slice_of_five_percent_whose_refusals_rise_from_five_to_35_percent_is_found_and_named() -> None:
    found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mix = np.append(np.full(7, 0.95 / 7), 0.05)
        given = rng.dirichlet(np.full(8, 2.0), 8)
        given[7] = np.append(0.05, np.full(7, 0.95 / 7))
        reference = _table(rng, mix, given, 20_000)
        given[7] = np.append(0.35, np.full(7, 0.65 / 7))
        moves = slices(reference, _table(rng, mix, given, 1000), phi=1.0, alpha=1e-3)
        found += bool(moves) and (moves[0].given, moves[0].bin) == (7, 0)
    assert found >= 50  # 92 of 100 in statistics-2.md section 4


def test_steady_slices_are_not_named() -> None:
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        mix, given = _world(rng)
        reference = _table(rng, mix, given, 20_000)
        hits += bool(slices(reference, _table(rng, mix, given, 1000), phi=1.0, alpha=1e-3))
    assert hits <= 2
