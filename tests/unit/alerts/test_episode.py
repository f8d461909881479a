from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from alerts.episode import EpisodeState, Transition, advance, episode_id
from alerts.verdict import Quadrant, Status
from tests.unit.alerts.samples import ALERTING, DEFAULT_ROUTES, NOON, make_verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM, WORLD, BOTH, STEADY = (
    Quadrant.SYSTEM_CHANGED,
    Quadrant.WORLD_CHANGED,
    Quadrant.BOTH_MOVED,
    Quadrant.STEADY,
)


def play(
    quadrants: Sequence[Quadrant | None], state: EpisodeState | None = None
) -> tuple[EpisodeState, list[Transition]]:
    """One verdict every ten minutes, all with an alerting dimension."""
    state = state or EpisodeState()
    seen = []
    for quadrant in quadrants:
        at = (state.at or NOON - 600) + 600
        state, _, transition = advance(
            state, make_verdict(quadrant=quadrant, at=at), ALERTING, DEFAULT_ROUTES
        )
        seen += [transition] if transition else []
    return state, seen


def test_an_episode_opens_with_the_verdict_s_quadrant_and_its_sinks() -> None:
    state, stamped, transition = advance(EpisodeState(), make_verdict(), ALERTING, DEFAULT_ROUTES)
    assert transition is not None
    episode = transition.episode
    assert state.episode == episode
    assert transition.kind == "opened"
    assert transition.sinks == ("slack", "pagerduty", "log")
    assert (
        episode.quadrant,
        episode.opened_at,
        episode.onset,
        episode.peak_psi,
    ) == (SYSTEM, NOON, NOON - 1200, 0.41)
    assert (True, episode.id) == (stamped.alerting, stamped.episode)
    assert stamped == transition.verdict


def test_the_id_is_the_same_on_any_replica_and_differs_by_segment() -> None:
    _, _, first = advance(EpisodeState(), make_verdict(), ALERTING, DEFAULT_ROUTES)
    assert first is not None
    assert episode_id("support-bot", "all", NOON) == first.episode.id
    assert episode_id("support-bot", "plan=pro", NOON) != first.episode.id


def test_nothing_opens_without_an_alerting_dimension_or_on_a_steady_verdict() -> None:
    state, stamped, transition = advance(EpisodeState(), make_verdict(), {}, DEFAULT_ROUTES)
    assert (state.episode, stamped.alerting, stamped.episode, transition) == (None, False, None, None)
    assert play([STEADY])[1] == []


def test_an_open_episode_is_announced_once() -> None:
    _, seen = play([SYSTEM] * 20)
    assert [transition.kind for transition in seen] == ["opened"]


@pytest.mark.parametrize(
    ("later", "kinds"),
    [
        ([BOTH] * 5, ["opened"]),
        ([BOTH] * 6, ["opened", "updated"]),
        ([BOTH] * 5 + [SYSTEM] + [BOTH] * 5, ["opened"]),
        ([BOTH] * 3 + [WORLD] * 6, ["opened", "updated"]),
        ([STEADY] * 9, ["opened"]),
        ([None] * 9, ["opened"]),
    ],
)
def test_another_quadrant_takes_over_after_six_verdicts_in_a_row(
    later: list[Quadrant | None], kinds: list[str]
) -> None:
    _, seen = play([SYSTEM, *later])
    assert kinds == [transition.kind for transition in seen]


def test_a_shift_that_wavers_between_two_quadrants_is_told_of_each_once() -> None:
    _, seen = play([SYSTEM] + ([BOTH] * 7 + [SYSTEM] * 7) * 4)
    assert [transition.kind for transition in seen] == ["opened", "updated"]


def test_an_update_goes_to_the_sinks_of_the_new_quadrant_and_the_end_to_all_that_were_told() -> None:
    state, seen = play([WORLD] + [BOTH] * 6 + [SYSTEM] * 6)
    everybody = ("slack", "pagerduty", "log")
    assert [t.sinks for t in seen] == [("slack", "log"), everybody, everybody]
    state, stamped, last = advance(state, make_verdict(at=NOON + 36_000, quadrant=STEADY), {}, DEFAULT_ROUTES)
    assert last is not None
    assert ("resolved", 4, {"slack", "pagerduty", "log"}) == (last.kind, last.episode.seq, set(last.sinks))
    assert last.episode.told == {"slack": 3, "log": 3, "pagerduty": 2}
    assert (state.episode, stamped.alerting, stamped.episode) == (None, False, None)
    assert last.episode.resolved_at == NOON + 36_000


def test_a_sink_that_was_not_told_is_not_told_of_the_end() -> None:
    state, _ = play([WORLD])
    _, _, last = advance(state, make_verdict(at=NOON + 600, quadrant=STEADY), {}, DEFAULT_ROUTES)
    assert last is not None
    assert last.sinks == ("slack", "log")


@pytest.mark.parametrize("status", [Status.STALE, Status.INSUFFICIENT, Status.LEARNING])
def test_nothing_resolves_or_opens_while_nothing_can_be_judged(status: Status) -> None:
    state, _ = play([SYSTEM])
    held, stamped, transition = advance(
        state, make_verdict(at=NOON + 600, status=status, quadrant=None), {}, DEFAULT_ROUTES
    )
    assert (state, None, True) == (held, transition, stamped.alerting)
    _, _, opened = advance(EpisodeState(), make_verdict(status=status), ALERTING, DEFAULT_ROUTES)
    assert opened is None


def test_a_verdict_that_is_judged_again_after_a_crash_changes_nothing() -> None:
    state, _ = play([SYSTEM, BOTH, BOTH])
    again, _, transition = advance(state, make_verdict(at=state.at, quadrant=BOTH), ALERTING, DEFAULT_ROUTES)
    assert (state, None) == (again, transition)


def test_what_is_too_old_to_tell_is_told_once_it_is_still_there_when_the_backlog_is_over() -> None:
    state, _, silent = advance(EpisodeState(), make_verdict(), ALERTING, {})
    assert silent is not None
    assert (silent.kind, silent.sinks) == ("opened", ())
    state, seen = play([SYSTEM, SYSTEM], state)
    assert [(t.kind, t.sinks, t.episode.seq) for t in seen] == [("opened", ("slack", "pagerduty", "log"), 1)]


def test_what_began_and_ended_too_long_ago_is_told_nobody() -> None:
    state, _, _ = advance(EpisodeState(), make_verdict(), ALERTING, {})
    _, _, over = advance(state, make_verdict(at=NOON + 600, quadrant=STEADY), {}, DEFAULT_ROUTES)
    assert over is not None
    assert (over.kind, over.sinks) == ("resolved", ())


def test_the_peak_and_the_dimensions_of_the_whole_episode_are_kept() -> None:
    state, _ = play([SYSTEM])
    side = msgspec.structs.replace(make_verdict().output, psi=0.9)
    state, _, _ = advance(
        state, make_verdict(at=NOON + 600, output=side), {**ALERTING, "output.length": NOON}, DEFAULT_ROUTES
    )
    state, _, _ = advance(state, make_verdict(at=NOON + 1200), ALERTING, DEFAULT_ROUTES)
    assert state.episode is not None
    assert state.episode.peak_psi == 0.9
    assert state.episode.dimensions == ("output.length", "output.response_category")


def test_an_episode_without_a_quadrant_names_the_side_and_takes_its_route() -> None:
    _, seen = play([None])
    assert [(t.episode.moved, t.sinks) for t in seen] == [(("output",), ("slack", "pagerduty", "log"))]


def test_the_state_survives_being_stored() -> None:
    state, seen = play([SYSTEM, BOTH])
    assert state == msgspec.json.decode(msgspec.json.encode(state), type=EpisodeState)
    assert seen[0] == msgspec.json.decode(msgspec.json.encode(seen[0]), type=Transition)
