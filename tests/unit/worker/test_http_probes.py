"""Probes and metrics over a real socket: what a restart is for, what is not ready, what Prometheus reads."""

from collections import Counter
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from baselines.store import Partition
from tests.unit.worker.desk import MONOTONIC, Desk
from tests.unit.worker.snapshots import judged, learning, snapshot
from worker.ingesting.ingest import IngestStats
from worker.ingesting.ledger import LedgerStats
from worker.serving.metrics import Metric


@pytest.fixture
def desk() -> Iterator[Desk]:
    opened = Desk(snapshot(judged(), learning()))
    yield opened
    opened.close()


def well(desk: Desk) -> None:
    desk.health.tick("ingest", MONOTONIC - 10)
    desk.health.assigned = frozenset({Partition("traces", 0)})
    desk.health.store_answered(MONOTONIC - 1)


def test_liveness_asks_neither_kafka_nor_redis(desk: Desk) -> None:
    assert "ok" == desk.json("/livez")["status"]
    assert "failing" == desk.json("/readyz", 503)["status"]


def test_a_line_that_stands_still_fails_the_probe(desk: Desk) -> None:
    well(desk)
    desk.health.tick("judge", MONOTONIC - 100)
    for path in ("/livez", "/healthz", "/readyz"):
        assert ["judge has not moved for 100 s"] == desk.json(path, 503)["problems"]


def test_long_work_that_was_announced_is_no_standstill(desk: Desk) -> None:
    desk.health.tick("judge", MONOTONIC - 100, next_within=600)
    desk.get("/livez")


def test_a_worker_is_ready_with_partitions_and_a_store_that_takes_writes(desk: Desk) -> None:
    well(desk)
    assert {"status": "ok", "problems": []} == desk.json("/readyz")
    desk.health.assigned = frozenset()  # more workers than partitions: idle by design
    desk.get("/readyz")


def test_a_worker_says_why_it_is_not_ready(desk: Desk) -> None:
    desk.health.store_answered(MONOTONIC - 45)
    desk.health.store_failed("redis cache:6379: it is full")
    desk.health.draining = True
    assert [
        "shutting down",
        "no partitions yet: the consumer has not joined its group",
        "the state store: redis cache:6379: it is full, for 45 s",
    ] == desk.json("/readyz", 503)["problems"]


def test_a_blocked_partition_a_wait_and_a_silent_broker_are_reasons_not_to_be_ready(desk: Desk) -> None:
    well(desk)
    desk.health.blocked = ("traces-0 is blocked at offset 7: more than 200 records in a row are no turns",)
    desk.health.kafka_ok_at = MONOTONIC - 20
    assert [*desk.health.blocked, "Kafka has not answered for 20 s"] == desk.json("/readyz", 503)["problems"]
    desk.health.blocked, desk.health.waits_for = (), "3 dead letters are not written to topic letters"
    assert [f"reading waits: {desk.health.waits_for}"] == desk.json("/readyz", 503)["problems"]
    desk.get("/livez")


def test_healthz_shows_the_state_of_the_worker(desk: Desk) -> None:
    well(desk)
    desk.health.lag = {Partition("traces", 0): 7}
    told = desk.json("/healthz")
    assert ({"traces-0": 7}, ["traces-0"]) == (told["partitions"]["lag"], told["partitions"]["assigned"])
    assert ("ok", "learning") == (told["agents"]["bot"]["status"], told["agents"]["newcomer"]["status"])
    assert told["ready"]


def test_metrics_parse_and_carry_the_snapshot_and_the_counters(desk: Desk) -> None:
    desk.work.ledger = LedgerStats(turns=Counter(bot=5))
    desk.work.ingest = IngestStats(dead_letters=Counter(not_json=1), unmatched=3)
    desk.health.lag = {Partition("traces", 0): 7}
    response = desk.get("/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert 0.41 == samples["quadrift_psi", "all", "bot", "fixed", "input", "intent"]
    assert 1 == samples["quadrift_quadrant", "all", "bot", "world_changed"]
    assert 0 == samples["quadrift_quadrant", "all", "bot", "steady"]
    assert 5 == samples["quadrift_turns_total", "bot"]
    assert 1 == samples["quadrift_dead_letter_records_total", "not_json"]
    assert 3 == samples["quadrift_unmatched_turns_total",]
    assert 7 == samples["quadrift_consumer_lag_records", "0", "traces"]
    assert 30 == samples["quadrift_event_time_lag_seconds",]
    assert all(name.startswith("quadrift_") and not name.endswith("_created") for name, *_ in samples)


def test_every_metric_has_a_name_of_its_own_and_a_base_unit() -> None:
    names = [metric.metric for metric in Metric]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.endswith(("_total", "_ms", "_minutes", "_hours"))]
