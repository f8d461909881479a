"""A worker and a leader that learns, on a real server, for tests of bin sets that come and go."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from baselines.connection import connect
from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.redis_store import RedisStore
from baselines.store import TURNS, Put
from tests.unit.worker.memory_log import START, Clock, Log, NoEncoder, turn
from tests.unit.worker.test_ingest import P0, Worker
from worker.active import ActiveAgents
from worker.lead import Learning
from worker.learning.orphans import Orphans

if TYPE_CHECKING:
    from binning.binset import BinSet
    from tests.servers import ValkeyServer

AGENT = "support"
TOKEN = 5
JUDGED_TO = START + 90 * 86_400
"""All that a test counts was judged."""


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
        self.sleeper = self.worker

    def nobody(self, _: str) -> Any:
        raise NotImplementedError

    def start(self) -> None:
        """A worker, or another in its place."""
        self.worker = Worker(self.log, self.store, self.clock, active={}, judged_to=JUDGED_TO)
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
        read = self.store.read(P0, AGENT, bin_set.digest, {}, {})
        for delta in (*read.minutes.values(), *read.hours.values()):
            total.update(delta.counts)
        return total[TURNS]
