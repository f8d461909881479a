"""Every turn is counted once, whatever happens to the store, the group and the records."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from baselines.store import TURNS, Adopted, BucketKey, Commit, Outcome, Partition, Switch
from binning.binset import BinSet
from binning.dimensions.length import InputLength
from tests.unit.worker.memory_log import START, TOPIC, Clock, Log, Member, NoEncoder, ShakyStore, turn
from worker.decode import AgentMatch, Malformed, Reason
from worker.ingesting.chain import ActiveBinSet
from worker.ingesting.dead_letters import DeadLettersUnavailable
from worker.ingesting.ingest import Ingest
from worker.ingesting.ledger import Ledger
from worker.records import Record, SourceFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.store import PartitionStore

P0, P1 = Partition(TOPIC, 0), Partition(TOPIC, 1)
BINS = BinSet("none", [("input.length", InputLength((3, 6)))], {"plan": ("free", "pro")}, ())
FINER = BinSet("none", [("input.length", InputLength((2, 3, 4, 5)))], {}, ())
ONE = (AgentMatch("support"),)
TWO = (AgentMatch("support", {"agent": "support"}), AgentMatch("sales", {"agent": "sales"}))


class Box:
    """Dead letters that arrive when the test says so."""

    def __init__(self) -> None:
        self.letters: list[tuple[Partition, int, str]] = []
        self.arrives = True
        self.closed = False

    def put(self, partition: Partition, record: Record, malformed: Malformed) -> None:
        self.letters.append((partition, record.offset, malformed.reason))

    def flush(self) -> None:
        if not self.arrives:
            raise DeadLettersUnavailable("1 dead letters not written")

    def close(self) -> None:
        self.closed = True


class Worker:
    """An ingest with everything around it in memory."""

    def __init__(
        self,
        log: Log,
        store: PartitionStore,
        clock: Clock,
        *,
        agents: tuple[AgentMatch, ...] = ONE,
        active: Mapping[str, ActiveBinSet] | None = None,
        judged_to: float | None = None,
    ) -> None:
        self.active: dict[str, ActiveBinSet] = (
            {"support": ActiveBinSet(BINS, {P0: 0, P1: 0})} if active is None else dict(active)
        )
        self.member = Member(log)
        self.box = Box()
        self.clock = clock
        tools: dict[str, Any] = {
            "letters": self.box,
            "clock": lambda: START + 10_000 + clock(),
            "monotonic": clock,
        }
        self.ledger = Ledger(
            self.member,
            store,
            [agent.name for agent in agents],
            lambda: self.active,
            judged_to=lambda _: judged_to,
            **tools,
        )
        self.ingest = Ingest(self.member, self.ledger, NoEncoder(), agents, **tools)

    def pass_seconds(self, seconds: int, *, ticks: int = 1) -> None:
        for _ in range(seconds):
            for _ in range(ticks):
                self.ingest.tick()
            self.clock.seconds += 1


@pytest.fixture
def log() -> Log:
    log = Log()
    for number in range(0, 600, 2):
        log.add(0, turn(number, words=1 + number % 8))
        log.add(1, turn(number + 1, words=1 + number % 8))
    return log


@pytest.fixture
def store() -> ShakyStore:
    return ShakyStore()


@pytest.fixture
def worker(log: Log, store: ShakyStore) -> Worker:
    return Worker(log, store, Clock())


def counts(store: ShakyStore, agent: str = "support", bin_set: str = BINS.digest) -> Counter[tuple[int, str]]:
    """Every field of every bucket by minute, summed over the partitions."""
    total: Counter[tuple[int, str]] = Counter()
    for partition in (P0, P1):
        read = store.read(partition, agent, bin_set, {}, {})
        for minute, delta in (*read.minutes.items(), *((-hour, d) for hour, d in read.hours.items())):
            total.update({(minute, name): count for name, count in delta.counts.items()})
    return total


def turns(store: ShakyStore, agent: str = "support", bin_set: str = BINS.digest) -> int:
    return sum(count for (_, name), count in counts(store, agent, bin_set).items() if name == TURNS)


def undisturbed(log: Log) -> Counter[tuple[int, str]]:
    """What one worker counts when nothing goes wrong."""
    store = ShakyStore()
    worker = Worker(log, store, Clock())
    worker.member.give(0, 1)
    worker.pass_seconds(5)
    return counts(store)


def test_every_turn_is_counted_once_in_its_minute_and_bin(
    worker: Worker, store: ShakyStore, log: Log
) -> None:
    worker.member.give(0, 1)
    worker.pass_seconds(3)

    expected: Counter[tuple[int, str]] = Counter()
    for number in range(600):
        words = 1 + (number - number % 2) % 8
        minute = int(START + number) // 60
        expected[minute, TURNS] += 1
        expected[minute, str(0 if words < 3 else 1 if words < 6 else 2)] += 1
    assert expected == counts(store)
    assert worker.ledger.stats.turns == {"support": 600}
    assert store.state(P0).next_offset == log.ends[P0]
    assert store.state(P0).watermark == START + 598
    assert store.state(P0).caught_up


def test_pointers_lead_to_records_and_carry_no_text(worker: Worker, store: ShakyStore) -> None:
    worker.member.give(0, 1)
    worker.pass_seconds(3)

    pointers = store.read(P0, "support", BINS.digest, {}, {}).minutes[int(START) // 60].pointers
    assert '{"trace_id":"t0","topic":"turns","partition":0,"offset":0}' in pointers.values()
    assert set(pointers) <= {"*0", "*1", "*2", "*3"}


def test_nothing_is_read_while_every_agent_still_learns(log: Log, store: ShakyStore) -> None:
    worker = Worker(log, store, Clock(), active={})
    worker.member.give(0, 1)
    worker.pass_seconds(3)

    assert worker.member.parked() == [P0, P1]
    assert store.state(P0).next_offset is None

    worker.active["support"] = ActiveBinSet(BINS, {P0: 100, P1: 300})
    worker.pass_seconds(3)

    assert turns(store) == 200
    assert worker.ledger.stats.gaps == {"support": 0}


def test_counting_starts_where_learning_ended_and_at_the_beginning_without_an_end(
    log: Log, store: ShakyStore
) -> None:
    worker = Worker(log, store, Clock(), active={"support": ActiveBinSet(BINS, {P0: 290})})
    worker.member.give(0, 1)
    worker.pass_seconds(3)

    assert turns(store) == 10 + 300


def test_a_partition_starts_at_the_smallest_end_and_each_agent_at_its_own(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number, agent=("support", "sales")[number % 2]) for number in range(100)))
    active = {"support": ActiveBinSet(BINS, {P0: 40}), "sales": ActiveBinSet(FINER, {P0: 60})}
    worker = Worker(log, store, Clock(), agents=TWO, active=active)
    worker.member.give(0)
    worker.pass_seconds(3)

    assert (turns(store), turns(store, "sales", FINER.digest)) == (30, 20)
    assert worker.ingest.stats.passed_by == {"sales": 10}
    assert store.state(P0).digests == {"support": BINS.digest, "sales": FINER.digest}


def test_an_agent_that_is_learned_later_counts_from_then_on_and_its_gap_is_told(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number, agent=("support", "sales")[number % 2]) for number in range(100)))
    worker = Worker(log, store, Clock(), agents=TWO, active={"support": ActiveBinSet(BINS, {P0: 0})})
    worker.member.give(0)
    worker.pass_seconds(3)
    assert (turns(store), turns(store, "sales", FINER.digest)) == (50, 0)

    worker.active["sales"] = ActiveBinSet(FINER, {P0: 90})
    worker.pass_seconds(2)
    log.add(0, *(turn(number, agent=("support", "sales")[number % 2]) for number in range(100, 120)))
    worker.pass_seconds(3)

    assert (turns(store), turns(store, "sales", FINER.digest)) == (60, 10)
    assert worker.ledger.stats.gaps == {"support": 0, "sales": 10}
    assert store.state(P0).digests == {"support": BINS.digest, "sales": FINER.digest}


def test_turns_read_before_an_adoption_are_not_counted_for_the_new_agent(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number, agent="sales") for number in range(10)))
    worker = Worker(log, store, Clock(), agents=TWO, active={"support": ActiveBinSet(BINS, {P0: 0})})
    worker.member.give(0)
    worker.ingest.tick()
    worker.ingest.tick()  # read, not yet committed
    worker.active["sales"] = ActiveBinSet(FINER, {P0: 0})
    worker.pass_seconds(3)

    assert turns(store, "sales", FINER.digest) == 0
    assert worker.ledger.stats.gaps["sales"] == 10


def test_a_new_bin_set_takes_over_at_an_offset(log: Log, store: ShakyStore, worker: Worker) -> None:
    worker.member.give(0, 1)
    worker.pass_seconds(3)
    undisturbed_before = counts(store)
    worker.active["support"] = ActiveBinSet(FINER, {}, (BINS.digest,))
    worker.pass_seconds(2)
    log.add(0, turn(700, words=4))
    worker.pass_seconds(2)

    assert store.state(P0).digests == {"support": FINER.digest}
    assert counts(store, bin_set=FINER.digest) == {(int(START + 700) // 60, name): 1 for name in ("#", "3")}
    assert undisturbed_before == counts(store)
    assert store.state(P0).adopted == {"support": Adopted(300, START + 598)}


def test_a_partition_whose_agent_is_not_active_here_yet_waits(log: Log, store: ShakyStore) -> None:
    switch = Switch("sales", "", FINER.digest)
    store.commit(Commit(P0, None, 50, "id-1", {}, [switch], None, caught_up=False, at=0.0, buckets={}))
    worker = Worker(log, store, Clock(), agents=TWO, active={"support": ActiveBinSet(BINS, {})})
    worker.member.give(0)
    worker.pass_seconds(2)
    assert store.state(P0).next_offset == 50

    worker.active["sales"] = ActiveBinSet(FINER, {})
    worker.pass_seconds(2)
    assert store.state(P0).next_offset == 300


def test_the_digest_of_an_agent_that_left_the_config_is_kept(log: Log, store: ShakyStore) -> None:
    switch = Switch("gone", "", "0123")
    store.commit(Commit(P0, None, 50, "id-1", {}, [switch], None, caught_up=False, at=0.0, buckets={}))
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(3)

    assert store.state(P0).digests == {"gone": "0123", "support": BINS.digest}
    assert turns(store) == 250


def test_bad_records_go_to_the_dead_letters_and_the_stream_goes_on(store: ShakyStore) -> None:
    log = Log()
    log.add(
        0, turn(0), None, b"{", turn(1), b'{"trace_id": 7, "timestamp": 1}', turn(2, at=START + 1e6), turn(3)
    )
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(3)

    letters = [
        (P0, 1, Reason.NULL_VALUE),
        (P0, 2, Reason.NOT_JSON),
        (P0, 4, Reason.WRONG_TYPE),
        (P0, 5, Reason.IN_FUTURE),
    ]
    assert letters == worker.box.letters
    assert turns(store) == 3
    assert store.state(P0).next_offset == 7
    assert store.state(P0).watermark == START + 3
    assert worker.ingest.stats.dead_letters.total() == 4


def test_the_offset_does_not_move_before_the_dead_letters_have_arrived(store: ShakyStore) -> None:
    log = Log()
    log.add(0, turn(0), b"{", turn(1))
    worker = Worker(log, store, Clock())
    worker.box.arrives = False
    worker.member.give(0)
    worker.pass_seconds(4)
    assert store.state(P0).next_offset in (None, 0)
    assert worker.ledger.stats.held

    worker.box.arrives = True
    worker.pass_seconds(2)
    assert (store.state(P0).next_offset, turns(store)) == (3, 2)
    assert not worker.ledger.stats.held


def test_turns_of_no_agent_pass_by_and_move_the_watermark(store: ShakyStore) -> None:
    log = Log()
    log.add(0, turn(0, agent="support"), turn(5, agent="somebody"), turn(9))
    worker = Worker(log, store, Clock(), agents=TWO)
    worker.member.give(0)
    worker.pass_seconds(3)

    assert (turns(store), worker.ingest.stats.unmatched) == (1, 2)
    assert (store.state(P0).next_offset, store.state(P0).watermark) == (3, START + 9)


def test_the_watermark_is_never_ahead_of_the_clock(store: ShakyStore) -> None:
    log = Log()
    clock = Clock()
    log.add(0, turn(0, at=START + 10_000 + clock() + 250))
    worker = Worker(log, store, clock)
    worker.member.give(0)
    worker.ingest.tick()
    worker.ingest.tick()
    now = START + 10_000 + clock()
    clock.seconds += 1
    worker.ingest.tick()

    assert store.state(P0).watermark == now


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_nothing_is_lost_or_counted_twice_while_the_store_is_away(
    breaks: str, log: Log, store: ShakyStore, worker: Worker
) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    store.breaks = breaks
    worker.pass_seconds(5, ticks=3)
    assert worker.ledger.stats.held
    store.breaks = None
    worker.pass_seconds(4)

    assert undisturbed(log) == counts(store)
    assert not worker.ledger.stats.held


def test_a_partition_that_somebody_else_moved_on_is_read_again_from_there(
    log: Log, store: ShakyStore, worker: Worker
) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    worker.ingest.tick()  # read, not yet committed
    rival = Worker(log, store, Clock())
    rival.member.give(0)
    rival.pass_seconds(2)
    worker.pass_seconds(3)

    assert undisturbed(log) == counts(store)


def test_counts_of_a_partition_that_was_taken_are_dropped(
    log: Log, store: ShakyStore, worker: Worker
) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    worker.ingest.tick()  # read, not yet committed
    worker.member.take(0, 1)
    worker.pass_seconds(2)
    assert turns(store) == 0

    other = Worker(log, store, Clock())
    other.member.give(0, 1)
    other.pass_seconds(3)
    assert undisturbed(log) == counts(store)


def test_a_partition_taken_and_given_back_at_once_starts_again_from_the_store(
    log: Log, store: ShakyStore, worker: Worker
) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    worker.ingest.tick()
    worker.member.take(0, 1)
    worker.member.give(0, 1)
    worker.pass_seconds(3)

    assert undisturbed(log) == counts(store)


def test_offsets_without_records_are_stepped_over(log: Log, store: ShakyStore, worker: Worker) -> None:
    log.add_hole(0, 5)
    log.add(0, turn(700))
    log.add_hole(0, 7)
    worker.member.give(0, 1)
    worker.pass_seconds(4)

    assert store.state(P0).next_offset == 300 + 5 + 1 + 7
    assert store.state(P0).caught_up
    assert turns(store) == 601


def test_an_empty_partition_is_committed_so_that_it_is_known_to_be_idle(store: ShakyStore) -> None:
    log = Log()
    log.add_hole(0, 0)
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(3)

    assert (store.state(P0).next_offset, store.state(P0).caught_up) == (0, True)
    assert store.partitions() == [P0]


def test_having_caught_up_is_told_again_every_few_seconds_but_not_without_the_broker(
    log: Log, store: ShakyStore, worker: Worker
) -> None:
    worker.member.give(0, 1)
    worker.pass_seconds(3)
    told = store.state(P0).at
    worker.pass_seconds(7)
    assert store.state(P0).at >= told + 5

    log.reachable = False
    told = store.state(P0).at
    worker.pass_seconds(20)
    assert store.state(P0).at == told


def test_a_partition_with_more_to_read_has_not_caught_up(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number) for number in range(6_000)))
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    worker.pass_seconds(2)
    assert not store.state(P0).caught_up

    worker.pass_seconds(4)
    assert store.state(P0).caught_up
    assert turns(store) == 6_000


def test_five_thousand_turns_are_committed_without_waiting_for_the_second(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(number) for number in range(6_000)))
    worker = Worker(log, store, Clock())
    worker.member.give(0)
    for _ in range(4):
        worker.ingest.tick()

    assert store.state(P0).next_offset == 6_000


def test_a_recreated_topic_stops_the_worker(log: Log, worker: Worker) -> None:
    worker.member.give(0, 1)
    worker.pass_seconds(2)
    log.topic_id = "id-2"
    worker.member.take(0, 1)
    worker.member.give(0, 1)

    with pytest.raises(SourceFailed, match=r"topic turns is not the one .* redis\.prefix"):
        worker.pass_seconds(1)


def test_old_hours_are_packed_once_they_are_judged(store: ShakyStore) -> None:
    log = Log()
    log.add(0, *(turn(0, at=START + hour * 3600 - 100_000) for hour in range(24)))
    worker = Worker(log, store, Clock(), judged_to=START + 12 * 3600 - 100_000)
    worker.member.give(0)
    worker.pass_seconds(15)

    read = store.read(P0, "support", BINS.digest, {}, {})
    first = int(START - 100_000) // 3600
    assert set(read.hours) == set(range(first, first + 8))  # judged to the 12th, windows of 4 h before it
    assert turns(store) == 24


def test_what_was_counted_is_committed_on_the_way_out(log: Log, store: ShakyStore, worker: Worker) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    worker.ingest.tick()
    worker.ledger.close()

    assert undisturbed(log) == counts(store)
    assert worker.member.mirrored == {P0: 300, P1: 300}
    assert worker.member.closed
    assert worker.box.closed


def test_leaving_while_the_store_is_away_is_orderly(log: Log, store: ShakyStore, worker: Worker) -> None:
    worker.member.give(0, 1)
    worker.ingest.tick()
    worker.ingest.tick()
    store.breaks = "before"
    worker.ledger.close()

    assert worker.member.closed
    store.breaks = None
    other = Worker(log, store, Clock())
    other.member.give(0, 1)
    other.pass_seconds(3)
    assert undisturbed(log) == counts(store)


@pytest.mark.parametrize("seed", range(30))
def test_three_workers_that_crash_stall_and_steal_partitions_count_exactly(seed: int, log: Log) -> None:
    chance = random.Random(seed)
    log.add(0, b"not a turn", None)
    store, clock = ShakyStore(), Clock()
    workers = [Worker(log, store, clock) for _ in range(3)]
    for _ in range(150):
        index = chance.randrange(3)
        match chance.randrange(8):
            case 0:
                workers[index].member.give(chance.randrange(2))  # without taking it from its owner: a zombie
            case 1:
                workers[index].member.take(chance.randrange(2))
            case 2:
                workers[index] = Worker(log, store, clock)  # a crash
            case 3:
                store.breaks = chance.choice([None, None, "before", "after"])
            case _:
                clock.seconds += chance.random()
                workers[index].ingest.tick()
    store.breaks = None
    for worker in workers:
        worker.member.give(0, 1)
        worker.member.take(*({0, 1} if worker is not workers[0] else ()))
        worker.pass_seconds(4)

    assert undisturbed(log) == counts(store)


def test_the_first_commit_carries_the_switch_and_the_deltas_of_the_store_s_contract() -> None:
    log = Log()
    log.add(0, turn(0, words=4, attributes={"plan": "pro"}, model="m-1"))
    seen: list[Commit] = []

    class Watching(ShakyStore):
        def commit(self, commit: Commit) -> Outcome:
            seen.append(commit)
            return super().commit(commit)

    worker = Worker(log, Watching(), Clock())
    worker.member.give(0)
    worker.pass_seconds(3)

    (first,) = seen
    assert first.expected is None
    assert first.next == 1
    assert first.digests == {}
    assert first.switches == [Switch("support", "", BINS.digest)]
    delta = first.buckets[BucketKey("support", int(START) // 60, BINS.digest)]
    assert delta.counts == {"1": 1, "#": 1, "plan=pro/1": 1, "plan=pro/#": 1, "@model=m-1": 1}
