"""Replaced bin sets go when the counts under them are gone, and nobody who still holds one comes to harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.learned import ACTIVE, Active, bin_set_name, layout_name, reference_name
from baselines.store import TURNS, BucketKey, Commit, Delta, Outcome, Partition, Put, Switch
from binning.binset import BinSet
from binning.dimensions.length import InputLength
from tests.integration.place import AGENT, TOKEN, Place
from tests.unit.worker.memory_log import START, turn
from tests.unit.worker.test_ingest import BINS, FINER, P0
from worker.judging.inheriting import PROGRESS
from worker.judging.tracked import IncompatibleError
from worker.lead import Judging
from worker.learning.replaced import replacing

if TYPE_CHECKING:
    from tests.servers import ValkeyServer
    from worker.judging.judge import AgentJudge

COARSE = BinSet("none", [("input.length", InputLength((4,)))], {}, ())
COARSER = BinSet("none", [("input.length", InputLength((6,)))], {}, ())
DAY = 86_400.0


@pytest.fixture
def place(valkey: ValkeyServer, redis_prefix: str) -> Place:
    """A hundred turns under the first bins, which `sleeper` still holds, and a hundred under the second."""
    found = Place(valkey, redis_prefix)
    found.learn(BINS)
    found.count(100)
    found.sleeper = found.worker
    found.start()
    found.learn(FINER, BINS)
    found.pass_by(3)
    found.count(100)
    for name in (layout_name, reference_name, lambda digest: f"{PROGRESS}:{digest}"):
        found.store.write(AGENT, TOKEN, [Put(name(each.digest), b"x") for each in (BINS, FINER)])
    return found


def active(place: Place) -> Active:
    return Active.from_bytes(place.store.get(AGENT, ACTIVE) or b"")


def learn_anew(place: Place, bins: BinSet = COARSE, days: float = 0) -> None:
    """As `baseline recluster` does, once all is learned."""
    now = Active(bins.digest, START + days * DAY, 1, (), (AGENT,))
    learned = Put(bin_set_name(bins.digest), bins.to_bytes())
    writes = replacing(place.store, AGENT, [P0], active(place), now)
    assert place.store.write(AGENT, TOKEN, [learned, *writes])


def days_later(place: Place, days: float) -> None:
    place.log.add(0, turn(0, at=START + days * DAY))
    place.clock.seconds = days * DAY  # nothing of the future is counted
    place.pass_by(15)


def left(place: Place, bins: BinSet) -> list[bool]:
    digest = bins.digest
    names = (bin_set_name(digest), layout_name(digest), reference_name(digest), f"{PROGRESS}:{digest}")
    return [place.store.get(AGENT, name) is not None for name in names]


def test_bins_with_counts_of_35_days_stay_and_those_without_go_with_all_of_theirs(place: Place) -> None:
    days_later(place, 30)
    learn_anew(place)
    assert (BINS.digest, FINER.digest) == active(place).past
    place.pass_by(3)
    days_later(place, 36)
    assert [0, 1] == [place.turns(BINS), len(place.server.keys(f"*:bin*{COARSE.digest}"))]
    assert {AGENT: COARSE.digest} == place.store.state(P0).digests
    learn_anew(place, COARSER, days=36)

    assert (FINER.digest, COARSE.digest) == active(place).past
    assert [[False] * 4, [True] * 4] == [left(place, BINS), left(place, FINER)]


def test_bins_stay_for_the_counts_of_a_topic_that_nobody_reads_any_more_until_those_are_old_too(
    place: Place,
) -> None:
    gone, minute = Partition("taken-out-of-the-config", 0), int(START + 10 * DAY) // 60
    place.store.register(gone.topic, 1)
    counts = {BucketKey(AGENT, minute, BINS.digest): Delta({TURNS: 3, "0": 3})}
    switch, at = Switch(AGENT, "", BINS.digest), START + 10 * DAY
    link = Commit(gone, None, 3, "id", {}, [switch], at, caught_up=True, at=at, buckets=counts)
    assert place.store.commit(link) is Outcome.APPLIED
    days_later(place, 36)
    assert [0, False] == [place.turns(BINS), BINS.digest in place.store.state(P0).digests.values()]

    learn_anew(place, COARSE, days=36)
    assert (BINS.digest, FINER.digest) == active(place).past
    days_later(place, 46)
    learn_anew(place, COARSER, days=46)
    assert (FINER.digest, COARSE.digest) == active(place).past
    assert [[False] * 4, [True] * 4] == [left(place, BINS), left(place, FINER)]


def test_a_worker_that_still_holds_deleted_bins_is_refused_and_goes_on_with_those_in_force(
    place: Place,
) -> None:
    place.learn(FINER)  # as if nothing needed the first bins any more
    place.store.write(AGENT, TOKEN, [Put(bin_set_name(BINS.digest), None)])
    place.sleeper.pass_seconds(5)
    assert [1, [P0]] == [place.sleeper.ledger.stats.commits["digest"], place.sleeper.member.parked()]
    place.worker = place.sleeper
    place.count(50)
    assert [100, 150, []] == [place.turns(BINS), place.turns(FINER), place.worker.member.parked()]


def test_a_leader_whose_bins_are_deleted_while_it_takes_over_looks_again(place: Place) -> None:
    def judge(_: str, found: Active) -> AgentJudge:
        if found.digest == FINER.digest:
            learn_anew(place)
        raise IncompatibleError(f"layout:{found.digest} is not in Redis")

    judging = Judging((AGENT,), frozenset([P0.topic]), place.store, judge, lambda: START)
    assert judging.slice(TOKEN)
    place.pass_by(3)
    with pytest.raises(IncompatibleError, match=COARSE.digest):
        judging.slice(TOKEN)
