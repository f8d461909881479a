"""`quadrift dead-letters`: what is told of bad records, and sending them back exactly once."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from baselines.store import Partition
from config.settings import Settings
from tests.kafka.support import ACTIVE, Process, caught_up, counted, new_topic, options, read_back, wait_for
from tests.unit.worker.memory_log import turn
from worker.commands.dead_letters import dead_letters
from worker.decode import Malformed, Reason
from worker.ingesting.dead_letters import DeadLetters
from worker.kafka.source import KafkaSource
from worker.records import Record

if TYPE_CHECKING:
    from baselines.redis_store import RedisStore
    from tests.servers import Broker


def settings(broker: Broker, topic: str, letters_topic: str) -> Settings:
    kafka: dict[str, Any] = {
        "bootstrap_servers": [broker.bootstrap],
        "topics": [topic],
        "group": topic,
        "dead_letter_topic": letters_topic,
    }
    if broker.api_version is not None:
        kafka["api_version"] = ".".join(map(str, broker.api_version))
    return Settings.model_validate({"agents": ["support"], "kafka": kafka})


def told(chosen: Settings, *, redrive: bool = False) -> dict[str, Any]:
    out = io.StringIO()
    assert dead_letters(chosen, redrive=redrive, as_json=True, out=out) == 0
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


def figures(report: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in report.items() if isinstance(value, int)}


@pytest.mark.fault("K9")
def test_records_are_sent_back_once_however_often_it_is_run(
    kafka_broker: Broker, topic: str, store: RedisStore
) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster carries no transactions of offsets")
    letters_topic = new_topic(kafka_broker, 1)
    chosen = settings(kafka_broker, topic, letters_topic)
    box = DeadLetters(options(kafka_broker), letters_topic)
    for number in (*range(40), *range(10)):  # as a worker leaves them that read ten of them again
        record = Record(number // 4, b"user-%d" % number, turn(number))
        box.put(Partition(topic, number % 4), record, Malformed(Reason.MISSING_KEY, "$.trace_id"))
    box.put(Partition(topic, 0), Record(10, None, None), Malformed(Reason.NULL_VALUE))
    box.flush()
    assert {"records": 41, "repeated": 10, "waiting": 40, "beyond": 1} == {
        name: count for name, count in figures(told(chosen)).items() if count
    }

    first, second = told(chosen, redrive=True), told(chosen, redrive=True)
    process = Process(KafkaSource(options(kafka_broker), [topic]), store, ACTIVE)
    wait_for(lambda: counted(store, topic) == 40, process)
    box.put(Partition(topic, 1), Record(99, None, turn(99)), Malformed(Reason.NOT_JSON))
    box.flush()
    third = told(chosen, redrive=True)
    wait_for(lambda: caught_up(store, topic, [11, 13, 11, 11]), process)
    process.stop()
    box.close()

    sent = [(report["sent_before"], report["sent"]) for report in (first, second, third)]
    assert [(0, 40), (40, 0), (40, 1)] == sent
    assert counted(store, topic) == 41
    message = read_back(kafka_broker, topic, 4, 41)[0]
    assert message.key().startswith(b"user-")
    assert message.headers()[0][0] == "quadrift-redriven-from"


def test_reasons_are_counted_with_pointers_and_no_text(kafka_broker: Broker, topic: str) -> None:
    letters_topic = new_topic(kafka_broker, 1)
    box = DeadLetters(options(kafka_broker), letters_topic)
    for offset in range(5):
        record = Record(offset, b"secret key", b"secret words")
        box.put(Partition(topic, 0), record, Malformed(Reason.NOT_JSON, "byte 0"))
    box.flush()
    box.close()
    chosen, out = settings(kafka_broker, topic, letters_topic), io.StringIO()
    (heap,) = told(chosen)["reasons"]
    dead_letters(chosen, out=out)

    assert ("not_json", topic, 5, {"byte 0": 5}) == tuple(
        heap[name] for name in ("reason", "topic", "records", "details")
    )
    offsets = [pointer["offset"] for pointer in heap["pointers"]]
    assert [2, 3, 4] == offsets or (kafka_broker.kind == "mock" and len(offsets) == 3)  # of four partitions
    assert f"5 records in {letters_topic}: 5 can be sent back (--redrive)" in out.getvalue()
    assert "secret" not in out.getvalue() + json.dumps(heap)


def test_a_topic_that_is_not_there_is_named(kafka_broker: Broker, capsys: pytest.CaptureFixture[str]) -> None:
    if kafka_broker.kind == "mock":
        pytest.skip("the mock cluster makes every topic that is asked for")
    assert dead_letters(settings(kafka_broker, "turns", "no-such-letters"), out=io.StringIO()) == 1
    assert "topic no-such-letters does not exist" in capsys.readouterr().err
