"""The looks that a calibration takes at verdicts, and what other thresholds make of them."""

from __future__ import annotations

import msgspec

from alerts.verdict import DimensionVerdict, Driver, Level, SideVerdict, Status, Verdict, WindowSpan
from baselines.evaluate import Gates
from baselines.windows import HOUR, STEP
from worker.calibrate.looks import Look, Strictness, episodes, hours_of, looks, opened
from worker.calibrate.result import Span

BEGIN = 1_790_000_400 // HOUR * HOUR
ALPHA = 3e-4
STRICT = Strictness(8, lambda _: ALPHA, lambda *_: 1.5)


def _told(end: int, psi: float, p: float, *drivers: Driver, exceeds: bool) -> DimensionVerdict:
    level: Level = "moderate" if exceeds else "low"
    return DimensionVerdict(
        side="input",
        name="intent",
        version=1,
        reference="fixed",
        window=WindowSpan(end - HOUR, end, HOUR),
        turns=600,
        reference_turns=9000,
        psi=psi,
        psi_raw=psi + 0.02,
        noise_floor=0.02,
        p_value=p,
        level=level,
        exceeds=exceeds,
        deciding=True,
        drivers=drivers,
        story="none",
    )


def _verdict(at: int, *dimensions: DimensionVerdict, episode: str | None = None) -> Verdict:
    exceeds = any(told.exceeds for told in dimensions)
    return Verdict(
        agent="bot",
        segment="all",
        at=at,
        bin_set="b",
        quadrant=None,
        marginal_quadrant=None,
        exceeds=exceeds,
        alerting=episode is not None,
        episode=episode,
        status=Status.OK,
        reason=None,
        turns=600,
        input=SideVerdict(),
        output=SideVerdict(),
        behaviour=None,
        dimensions=dimensions,
        changes=(),
        cause="unknown",
        ruled_out=(),
        last_steady={},
        samples=(),
        playbook=None,
    )


def _look(i: int, psi: float, *, p: float = 1e-9, hit: bool = False) -> Look:
    return Look(BEGIN + i * STEP, HOUR, 600, 9000, psi, p, ALPHA, hit)


def test_a_window_that_several_verdicts_repeat_is_looked_at_once() -> None:
    told = _told(BEGIN, 0.02, 0.4, exceeds=False)
    found = looks([_verdict(BEGIN, told), _verdict(BEGIN + STEP, told)], "input.intent", STRICT)
    assert [BEGIN] == [look.end for look in found]


def test_what_the_fast_lane_says_is_no_window_of_the_ladder() -> None:
    told = _told(BEGIN, 0.4, 1e-9, exceeds=True)
    minutes = msgspec.structs.replace(told, window=WindowSpan(BEGIN - 900, BEGIN, 900))
    assert [] == looks([_verdict(BEGIN, minutes)], "input.intent", STRICT)


def test_a_bin_that_exceeds_by_itself_does_so_under_any_threshold_and_a_mix_does_not() -> None:
    jumped = _told(BEGIN, 0.13, 1e-9, Driver("refund", 0.02, 0.12, 0.1), exceeds=True)
    spread = _told(BEGIN + STEP, 0.13, 1e-9, Driver("refund", 0.05, 0.06, 0.1), exceeds=True)
    alone = _told(BEGIN + 2 * STEP, 0.04, 0.2, Driver("refund", 0.05, 0.06, 0.1), exceeds=True)
    found = looks(
        [_verdict(told.window.end, told) for told in (jumped, spread, alone)], "input.intent", STRICT
    )
    assert [True, False, True] == [look.hit for look in found]
    assert [True, True, True] == [look.exceeds(Gates()) for look in found]
    assert [True, False, True] == [look.exceeds(Gates(0.2, 0.4)) for look in found]


def test_three_in_a_row_open_an_alert_and_six_calm_ones_close_it() -> None:
    moved, calm = [_look(i, 0.2) for i in range(3)], [_look(i, 0.01, p=0.5) for i in range(3, 9)]
    again = [_look(i, 0.2) for i in range(9, 12)]
    assert 2 == opened([*moved, *calm, *again], Gates())
    assert 1 == opened([*moved, *calm[:5], *again], Gates())
    assert 0 == opened([*moved, *calm, *again], Gates(0.21, 0.4))


def test_an_episode_reaches_back_to_the_first_window_that_exceeded() -> None:
    told = _told(BEGIN, 0.2, 1e-9, exceeds=True)
    spans = episodes(
        [
            _verdict(BEGIN - STEP),
            _verdict(BEGIN, told, episode="e"),
            _verdict(BEGIN + STEP, told, episode="e"),
            _verdict(BEGIN + 2 * STEP),
        ]
    )
    assert (Span(BEGIN - HOUR - 2 * STEP, BEGIN + STEP),) == spans
    assert {BEGIN // HOUR - 2, BEGIN // HOUR - 1, BEGIN // HOUR} == hours_of(spans)
