"""Bins are learned anew while traffic flows and the leader dies: every turn counts once, under one set."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from alerts.verdict import decode
from baselines.connection import connect
from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.redis_store import RedisStore
from baselines.store import Partition
from binning.binset import BinSet
from binning.counts import bucket_deltas
from binning.encoders import default_cache, load_encoder
from tests.e2e.counts import caught_up
from tests.e2e.processes import PATIENCE_S, WorkerProcess, eventually, produce, settings
from worker.decode import decode_turn
from worker.demo.scenario import HOUR, Scenario, latest_begin
from worker.demo.traffic import Sent, generate
from worker.learning.reclustering import request_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 3
AGENT = "support-agent"
LEARNED_H, FLOWING_H, AFTER_H = 5, 1, 4


@dataclass
class Play:
    """Traffic of some hours, sent part by part; `logs` has each partition's records in order."""

    broker: Broker
    topic: str
    begin: int
    sent: list[Sent] = field(default_factory=list)
    logs: dict[int, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        hours = LEARNED_H + FLOWING_H + AFTER_H
        played = Scenario(
            begin=self.begin, seed=11, turns_per_hour=400, learning_h=hours - 1, warm_h=1, shifts=()
        )
        self.sent = list(generate(played))

    def send(self, first: float, last: float) -> None:
        """The turns of these hours."""
        start, end = self.begin + first * HOUR, self.begin + last * HOUR
        chosen = [(one.key, one.record()) for one in self.sent if start <= one.at < end]
        for key, value in chosen:
            self.logs.setdefault(sum(key.encode()) % PARTITIONS, []).append(value)
        produce(self.broker, self.topic, PARTITIONS, chosen)

    def flow(self) -> None:
        """The next hour, bit by bit."""
        for part in range(20):
            self.send(LEARNED_H + part / 20 * FLOWING_H, LEARNED_H + (part + 1) / 20 * FLOWING_H)


@pytest.fixture
def play(kafka_broker: Broker) -> Play:
    name = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{name}.dead-letters", 1)
    kafka_broker.create_topic(name, PARTITIONS)
    return Play(kafka_broker, name, latest_begin(time.time(), LEARNED_H + FLOWING_H + AFTER_H))


def expected(values: Sequence[bytes], bin_set: BinSet, encoder: Any) -> Counter[str]:
    """Every field that counting these records under a bin set comes to."""
    turns = [decode_turn(value, now=time.time()) for value in values]
    total: Counter[str] = Counter()
    for start in range(0, len(turns), 500):
        chunk: list[Any] = turns[start : start + 500]
        deltas = bucket_deltas(bin_set, bin_set.assign(chunk, encoder), chunk, lambda _: "")
        for fields, _ in deltas.values():
            total.update(fields)
    return total


def counted(store: RedisStore, partition: Partition, digest: str) -> Counter[str]:
    """Every field that is stored under a bin set."""
    read = store.read(partition, AGENT, digest, {}, {})
    total: Counter[str] = Counter()
    for bucket in (*read.minutes.values(), *read.hours.values()):
        total.update(bucket.counts)
    return total


def recluster(config: dict[str, Any], folder: Path) -> subprocess.Popen[str]:
    path = folder / "recluster.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "worker", "baseline", "recluster", "-c", str(path), "--last", "4h"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_bins_learned_anew_while_a_killed_leader_is_replaced_in_30_s_leave_exact_counts_under_each(
    kafka_broker: Broker, valkey: ValkeyServer, redis_prefix: str, play: Play, tmp_path: Path
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster finds no offset by its time")
    learn = {"at_least": "2h", "turns": 300}
    config = settings(kafka_broker, valkey, redis_prefix, play.topic, learn=learn)
    store = RedisStore(connect(valkey.url), redis_prefix)
    play.send(0, LEARNED_H)
    deadly = {"reclustering"}
    pair = [WorkerProcess(config, tmp_path, name, deadly=deadly).start() for name in ("one", "other")]

    def done() -> bool:
        return caught_up(kafka_broker, valkey, redis_prefix, play.topic, PARTITIONS)

    eventually("the beginning is counted", done)
    before = Active.from_bytes(store.get(AGENT, ACTIVE) or b"")

    command = recluster(config, tmp_path)
    (leader,) = eventually("one of them learns anew and dies", lambda: [w for w in pair if not w.running])
    flowing = threading.Thread(target=play.flow)
    flowing.start()
    told, failed = command.communicate(timeout=PATIENCE_S)
    flowing.join()
    play.send(LEARNED_H + FLOWING_H, LEARNED_H + FLOWING_H + AFTER_H)
    eventually("all is counted", done)

    now = Active.from_bytes(store.get(AGENT, ACTIVE) or b"")
    request = request_of(store, AGENT)
    assert (0, "done") == (command.returncode, request.state if request else None), failed
    assert not leader.events("reclustered")
    (survivor,) = [worker for worker in pair if worker is not leader]
    died_at = datetime.fromisoformat(leader.events("reclustering")[0]["timestamp"]).timestamp()
    taken_at = survivor.events("leading")[-1]["token"] / 1000  # a new token is the store's clock, in ms
    assert 0 < taken_at - died_at < 30
    assert "new bins for input.cluster, input.novelty;" in told
    assert (before.digest,) == now.past
    encoder = load_encoder("static", cache=default_cache())
    ends = {planned.number: planned.end for planned in before.ends}
    for number, log in play.logs.items():
        partition = Partition(play.topic, number)
        at = store.state(partition).adopted[AGENT].offset
        assert ends[number] < at <= len(log)
        for digest, part in ((before.digest, log[ends[number] : at]), (now.digest, log[at:])):
            bin_set = BinSet.from_bytes(store.get(AGENT, bin_set_name(digest)) or b"")
            wanted, found = expected(part, bin_set, encoder), counted(store, partition, digest)
            wrong = [field for field in sorted({*wanted, *found}) if wanted[field] != found[field]]
            assert wrong[:9] == [], (number, digest)

    def judged() -> list[Any]:
        verdicts = [decode(raw) for raw in store.newest(AGENT, "verdicts", 1000)]
        return [
            v for v in verdicts if v.bin_set == now.digest and any(d.name == "cluster" for d in v.dimensions)
        ]

    again = eventually("clusters are judged again", judged)
    verdicts = [decode(raw) for raw in store.newest(AGENT, "verdicts", 1000)]
    resting = [v for v in verdicts if v.bin_set == now.digest and v.at < again[0].at]
    assert resting
    assert {"bins of cluster, novelty learned anew: judged once a window lies after that"} == {
        v.reason for v in resting
    }
    history = {v.at: d.psi for v in verdicts for d in v.dimensions if d.name == "intent"}
    steps = sorted(history)
    assert set(steps) == set(range(steps[0], steps[-1] + 600, 600)), "intent was judged at every step"
    assert [0] == [worker.stop() for worker in pair if worker is not leader]
