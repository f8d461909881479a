"""A fail-over that takes an agent back to before its bins were learned anew, on a real server."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from baselines.connection import connect
from baselines.gaps import Gap
from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.redis_store import RedisStore
from baselines.store import TURNS, Put
from tests.unit.worker.memory_log import START, Clock, Log, NoEncoder, turn
from tests.unit.worker.test_ingest import BINS, FINER, P0, Worker
from worker.active import ActiveAgents
from worker.lead import GOING_OVER_S, Learning
from worker.orphans import EVERY_S, PATIENCE_S, Orphans

if TYPE_CHECKING:
    from binning.binset import BinSet
    from tests.servers import ValkeyServer

AGENT = "support"
TOKEN = 5


class Place:
    """A worker, a leader that learns, and the store that they share."""

    def __init__(self, valkey: ValkeyServer, prefix: str) -> None:
        self.server: Any = valkey.client()
        self.store = RedisStore(connect(valkey.url), prefix)
        self.own = f"{prefix}:{{{AGENT}}}:*"
        self.clock, self.log = Clock(), Log()
        self.agents = ActiveAgents([AGENT], self.store, NoEncoder())
        orphans = Orphans(self.store, frozenset([P0.topic]), self.clock)
        self.learning = Learning((AGENT,), self.store, self.nobody, self.nobody, orphans)
        self.start()

    def nobody(self, _: str) -> Any:
        raise NotImplementedError

    def start(self) -> None:
        """A worker, or another in its place."""
        self.worker = Worker(self.log, self.store, self.clock, active={})
        self.worker.member.give(0)

    def learn(self, bin_set: BinSet, *past: BinSet) -> None:
        digest = bin_set.digest
        active = Active(digest, START, 1, (), (AGENT,), past=tuple(one.digest for one in past))
        writes = [Put(bin_set_name(digest), bin_set.to_bytes()), Put(ACTIVE, active.to_bytes())]
        assert self.store.write(AGENT, TOKEN, writes)

    def count(self, records: int) -> None:
        begin = self.log.ends.get(P0, 0)
        self.log.add(0, *(turn(number, words=1 + number % 8) for number in range(begin, begin + records)))
        self.pass_by(4)

    def pass_by(self, seconds: int) -> None:
        for _ in range(seconds):
            self.worker.active = dict(self.agents())
            self.worker.pass_seconds(1)
            self.learning.slice(TOKEN)

    def agent_state(self) -> dict[bytes, bytes]:
        return {key: self.server.dump(key) for key in self.server.keys(self.own)}

    def fail_over(self, to: dict[bytes, bytes]) -> None:
        """The agent's slot is as its replica had it; the partition's is not."""
        self.server.delete(*self.server.keys(self.own))
        for key, value in to.items():
            self.server.restore(key, 0, value)

    def turns(self, bin_set: BinSet) -> int:
        total: Counter[str] = Counter()
        for delta in self.store.read(P0, AGENT, bin_set.digest, {}, {}).minutes.values():
            total.update(delta.counts)
        return total[TURNS]


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


def test_partitions_that_only_take_long_to_go_over_lose_nothing(place: Place) -> None:
    place.learn(BINS)
    place.count(100)
    place.learn(FINER, BINS)
    place.worker.member.take(0)  # nobody reads it
    place.pass_by(int(GOING_OVER_S + PATIENCE_S + 2 * EVERY_S))
    assert () == Active.from_bytes(place.store.get(AGENT, ACTIVE) or b"").lost
