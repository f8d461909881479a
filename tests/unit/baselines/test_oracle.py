"""The same counts give the same numbers as the independent reference, to 1e-9."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from baselines.behaviour import Standardised, behaviour
from baselines.cells import OTHER_TYPE, SAME, TAU_TILTED, Cells, Expectation, Part, Shrink, Tilt
from baselines.evaluate import BIN_LEVEL, Case, Gates, assess
from baselines.evaluation import Evaluation, Window
from baselines.learning import learning_residuals, seasonal_spread
from baselines.psi import bin_tests, gamma_tail, null_moments, peel, psi
from baselines.reference import FixedReference
from baselines.slices import slice_hits
from baselines.spread import Spread, day_residual
from baselines.windows import HOUR, Calendar, alpha

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

MONDAY = 408_840  # hours since the epoch


def _same(actual: object, expected: object) -> None:
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-9, atol=1e-12)


def _pair(rng: np.random.Generator) -> tuple[Counts, Counts]:
    bins = int(rng.integers(2, 40))
    base = rng.multinomial(int(rng.integers(100, 150_000)), rng.dirichlet(np.full(bins, 0.5)))
    current = rng.multinomial(int(rng.integers(50, 20_000)), rng.dirichlet(np.full(bins, 0.5)))
    return base, current


@pytest.mark.parametrize("seed", range(40))
def test_psi_its_chance_and_its_bins_equal_the_reference(oracle: ModuleType, seed: int) -> None:
    base, current = _pair(np.random.default_rng(seed))
    n = int(current.sum())
    total, parts = psi(base, current)
    expected_total, expected_parts = oracle.psi(base, current)
    _same(total, expected_total)
    _same(parts, expected_parts)
    mean, variance = null_moments(base, n)
    _same((mean, variance), oracle.null_moments(base, n))
    tail = gamma_tail(1.5 * mean, mean, variance)
    _same(tail, oracle.gamma_tail(1.5 * mean, mean, variance))
    for mine, theirs in zip(bin_tests(base, current, 1.7), oracle.bin_tests(base, current, 1.7), strict=True):
        _same(mine, theirs)


@pytest.mark.parametrize("seed", range(20))
def test_peeling_equals_the_reference(oracle: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, _ = _pair(rng)
    current = rng.multinomial(3000, np.roll(base, 1) / base.sum() * 0.1 + base / base.sum() * 0.9)
    drivers, rest = peel(base, current, phi=1.3)
    expected, expected_rest = oracle.peel(base, current, phi=1.3)
    assert [bin_ for bin_, _, _ in expected] == [bin_ for bin_, _, _ in drivers]
    _same(np.array(drivers), np.array(expected))
    _same(rest, expected_rest)


def _exceeds(verdict: dict[str, Any], alpha: float) -> bool:
    """What the reference says of a window whose bins it tested at their part of `alpha`."""
    return bool(verdict["bins"]) or (verdict["p"] < alpha and verdict["psi_debiased"] >= 0.10)


@pytest.mark.parametrize("seed", range(20))
def test_an_assessment_with_a_variance_component_equals_the_reference(oracle2: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base, current = _pair(rng)
    bins = len(base)
    shares, size = (base + 0.5) / (base.sum() + 0.5 * bins), float(base.sum())
    tau, phi_bins = rng.uniform(0.001, 0.2, bins), rng.uniform(1, 3, bins)
    expectation = Expectation(shares, tau, size, 1.0)
    (found,) = assess([Case(current, expectation, 1.6, phi_bins, 3e-4, Gates())])
    expected = oracle2.verdict2(current, shares, size, 1.6, phi_bins, tau, BIN_LEVEL * 3e-4)
    _same(found.psi_raw - found.noise_floor, expected["psi_debiased"])
    _same(found.p_value, expected["p"])
    assert _exceeds(expected, 3e-4) == found.exceeds
    assert expected["bins"] == np.flatnonzero(found.hits).tolist()


def _day(rng: np.random.Generator, bins: int) -> Counts:
    shares = rng.dirichlet(np.full(bins, 5.0))
    hours = [
        rng.multinomial(int(rng.integers(800, 3000)), rng.dirichlet(shares * 500) * 0.9 + 0.1 / bins)
        for _ in range(24)
    ]
    return np.array(hours)


@pytest.mark.parametrize("bins", [2, 8, 33])
def test_what_one_day_teaches_equals_the_reference(oracle2: ModuleType, bins: int) -> None:
    day = _day(np.random.default_rng(bins), bins)
    residuals = learning_residuals(day, np.ones(bins, dtype=bool))
    spread = Spread.learn(residuals, bins, 1.0)
    phi, phi_bins = oracle2.learning_phi(day)
    _same(spread.within, phi)
    _same(spread.within_bins, phi_bins)
    _same(seasonal_spread(day, phi), oracle2.seasonal_spread(day, phi))


def test_the_expectation_of_a_known_and_of_an_unknown_day_type_equals_the_reference(
    oracle2: ModuleType,
) -> None:
    rng, bins = np.random.default_rng(3), 8
    day, live = _day(rng, bins), np.ones(bins, dtype=bool)
    cells = Cells.empty(bins)
    for hour, counts in enumerate(day):
        cells.add(0, hour, counts)
    cells.refresh()
    seen, expected_seen = rng.uniform(1, 4000, (2, bins)), rng.uniform(1, 4000, (2, bins))
    around = day[8] + day[9] + day[10]
    shares, size = oracle2.expected(around, day.sum(0), 0.03, 1.7)
    known = cells.expect(Part(SAME, 0, 9), Shrink(0.03, 1.7), live, live.tobytes(), None)
    _same(known.shares, shares)
    _same(known.size, size)
    _same(known.tau, 0.02)
    tilted, tau = oracle2.unseen(shares, seen[1], expected_seen[1], 1.7, floor=TAU_TILTED)
    unknown = cells.expect(
        Part(OTHER_TYPE, 1, 9), Shrink(0.03, 1.7), live, live.tobytes(), Tilt(seen, expected_seen)
    )
    _same(unknown.shares, tilted)
    _same(unknown.tau, tau)


def test_what_days_add_equals_the_reference(oracle2: ModuleType) -> None:
    rng, component = np.random.default_rng(4), oracle2.DayComponent()
    spread = Spread(1.7, 1, np.ones(8), 1)
    for _ in range(50):
        shares = rng.dirichlet(np.full(8, 200.0), 2)
        x, earlier = rng.multinomial(900, shares[0]), rng.multinomial(1100, shares[1])
        component.learn(x, earlier, 1.7)
        found = day_residual(x, earlier)
        assert found is not None
        spread.add_day(HOUR, *found)
    s = 1 / 900 + 1 / 20_000
    mine = spread.within + spread.omega(HOUR) * (1 + 1 / 3) / s
    _same(mine, component.phi(1.7, s, 3))


@pytest.mark.parametrize("seed", range(10))
def test_judging_an_hour_with_the_learned_reference_equals_the_reference_step_by_step(
    oracle2: ModuleType, seed: int
) -> None:
    rng, bins = np.random.default_rng(seed), 8
    day = _day(rng, bins)
    fixed = FixedReference.learn(
        "input.intent",
        {MONDAY + i: counts for i, counts in enumerate(day)},
        configured=True,
        counted_share=1.0,
        calendar=Calendar(),
    )
    at = int(rng.integers(0, 24))
    x = rng.multinomial(1500, rng.dirichlet(day[at] / 10))
    hour = MONDAY + 24 + at
    found = fixed.judge(Window(hour * HOUR, (hour + 1) * HOUR), [(hour, x)], alpha=3e-4, gates=Gates())
    assert isinstance(found, Evaluation)
    phi_w, phi_bins = oracle2.learning_phi(day)
    around = day[at - 1] + day[at] + day[(at + 1) % 24]
    season = oracle2.seasonal_spread(day, phi_w)
    shares, size = oracle2.expected(around, day.sum(0), season, phi_w)
    size = max(size, around.sum())
    phi = oracle2.DayComponent().phi(phi_w, 1 / 1500 + 1 / size, 1)
    tau, own = np.full(bins, 0.02), phi_bins + phi - phi_w
    expected = oracle2.verdict2(x, shares, size, phi, own, tau, BIN_LEVEL * 3e-4)
    _same(found.psi_raw - found.noise_floor, expected["psi_debiased"])
    _same(found.p_value, expected["p"])
    _same(found.effective_n, 1500 / phi)
    assert _exceeds(expected, 3e-4) == found.exceeds
    assert expected["bins"] == [shift.bin for shift in found.bins if shift.hit]


def _tables(rng: np.random.Generator) -> tuple[Counts, Counts]:
    inputs, outcomes = int(rng.integers(2, 34)), int(rng.integers(2, 12))
    mix, given = rng.dirichlet(np.ones(inputs)), rng.dirichlet(np.ones(outcomes), inputs)
    changed = given.copy()
    changed[0] = rng.dirichlet(np.ones(outcomes))
    reference = rng.multinomial(20_000, (mix[:, None] * given).ravel()).reshape(inputs, outcomes)
    turns = int(rng.integers(300, 5000))
    current = rng.multinomial(turns, (mix[:, None] * changed).ravel()).reshape(inputs, outcomes)
    return reference, current


@pytest.mark.parametrize("seed", range(30))
def test_behaviour_at_fixed_inputs_equals_the_reference(oracle: ModuleType, seed: int) -> None:
    reference, current = _tables(np.random.default_rng(seed))
    supported = reference.sum(1) >= 20
    used = reference[supported].any(axis=0)  # the product leaves out outcomes that nobody has
    reference, current = reference[:, used], current[:, used]
    expected = oracle.behaviour(reference, current, 1.5)
    table = Standardised.of(reference[supported], current[supported])
    found = behaviour(
        "input.cluster", "output.length", Window(0, HOUR), reference, current, phi=1.5, alpha=1e-3, joints=1
    )
    _same(table.direct(1.5), (expected["behaviour"], expected["p"]))
    _same(table.residual(1.5), (expected["residual"], expected["residual_p"]))
    _same(found.p_value, expected["p"])
    _same(found.mix_explained_psi, expected["mix"])
    _same(found.unsupported_share, expected["unsupported"])


@pytest.mark.parametrize("seed", range(30))
def test_slices_equal_the_reference(oracle2: ModuleType, seed: int) -> None:
    reference, current = _tables(np.random.default_rng(seed))
    found = slice_hits(reference, current, phi=1.5, alpha=1e-3)
    expected = oracle2.slices(reference, current, 1.5)
    assert [hit[:2] for hit in expected] == [hit[:2] for hit in found]
    _same([hit.effect for hit in found], [hit[2] for hit in expected])


def test_alpha_follows_from_the_one_knob_as_in_the_reference(oracle2: ModuleType) -> None:
    for pages, length, agents, dimensions in (
        (1, 1, 1, 10),
        (0.1, 4, 3, 9),
        (50, 168, 1, 2),
        (0.001, 1, 40, 20),
    ):
        expected = oracle2.alpha_of(pages, agents, dimensions, length, 2)
        assert alpha(pages, length, agents, 2, dimensions) == pytest.approx(expected, rel=1e-12)
