"""A fail-over that takes an agent back to before its bins were learned anew, on a real server."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from baselines.gaps import Gap
from baselines.learned import ACTIVE, Active
from config.settings import Settings
from tests.integration.place import AGENT, Place
from tests.unit.worker.memory_log import START
from tests.unit.worker.test_ingest import BINS, FINER, P0
from worker.commands.in_force import in_force, shown
from worker.lead import GOING_OVER_S
from worker.learning.orphans import EVERY_S, PATIENCE_S

if TYPE_CHECKING:
    from tests.servers import ValkeyServer


@pytest.fixture
def place(valkey: ValkeyServer, redis_prefix: str) -> Place:
    return Place(valkey, redis_prefix)


@pytest.mark.fault("R8")
@pytest.mark.parametrize("restarted", [False, True])
def test_what_was_counted_under_forgotten_bins_is_a_gap_and_counting_goes_on(
    restarted: bool, place: Place
) -> None:
    place.learn(BINS)
    place.count(100)
    before = place.agent_state()
    place.learn(FINER, BINS)
    place.pass_by(3)
    place.count(60)
    assert {AGENT: FINER.digest} == place.store.state(P0).digests
    place.fail_over(before)
    if restarted:
        place.start()
    place.count(40)
    assert {AGENT: FINER.digest} == place.store.state(P0).digests
    place.pass_by(int(PATIENCE_S + 2 * EVERY_S))
    place.count(50)

    state = place.store.state(P0)
    assert ({AGENT: BINS.digest}, 250, []) == (state.digests, state.next_offset, place.worker.member.parked())
    (gap,) = state.gaps
    begin, end = 100, 160 if restarted else 200
    assert Gap(begin, end, end - begin, START + begin - 1, START + end - 1, "lost", AGENT) == gap
    assert 250 - (end - begin) == place.turns(BINS)
    assert end - begin == place.turns(FINER)
    assert (FINER.digest,) == Active.from_bytes(place.store.get(AGENT, ACTIVE) or b"").lost
    chosen = Settings.model_validate({"agents": [AGENT], "kafka": {"topics": [P0.topic]}})
    console = Console(record=True, width=200, file=StringIO())
    shown(console, AGENT, in_force(place.store, AGENT, chosen))
    assert f"forgotten by Redis in a fail-over, and a gap: {FINER.digest}" in console.export_text()


def test_partitions_that_only_take_long_to_go_over_lose_nothing(place: Place) -> None:
    place.learn(BINS)
    place.count(100)
    place.learn(FINER, BINS)
    place.worker.member.take(0)  # nobody reads it
    place.pass_by(int(GOING_OVER_S + PATIENCE_S + 2 * EVERY_S))
    assert () == Active.from_bytes(place.store.get(AGENT, ACTIVE) or b"").lost
