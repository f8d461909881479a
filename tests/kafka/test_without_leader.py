"""Partitions without a leader hold up no others, and nothing is concluded from their silence."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from kafka import TopicPartition

from baselines.store import Partition
from tests.kafka.support import options, wait_for
from tests.kafka.test_redrive import settings, told
from tests.mock_leaders import MockLeaders
from tests.unit.worker.memory_log import turn
from worker.commands.dead_letters import dead_letters
from worker.commands.letters import LetterBox
from worker.decode import Malformed, Reason
from worker.ingesting.dead_letters import DeadLetters
from worker.kafka.bounds import log_begins, log_ends
from worker.kafka.client import KafkaUnavailable, open_consumer
from worker.kafka.ranges import KafkaRanges
from worker.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

TOPIC, LETTERS = "turns", "letters"
PATIENCE_MS = 60_000
NO_ID = Malformed(Reason.MISSING_KEY, "$.trace_id")


def hear_of_it(consumer: Any, *lost: TopicPartition) -> None:
    """Wait until the client knows that these have no leader."""
    cluster = consumer._client.cluster
    cluster.request_update()
    wait_for(lambda: all(cluster.leader_for_partition(tp) == -1 for tp in lost))


@pytest.fixture
def leaders() -> Iterator[MockLeaders]:
    cluster = MockLeaders()
    yield cluster
    cluster.stop()


@pytest.fixture
def consumer(leaders: MockLeaders) -> Iterator[Any]:
    opened = open_consumer(options(leaders.broker), group=None)
    yield opened
    opened.close(autocommit=False)


@pytest.mark.fault("K1")
def test_ten_partitions_without_a_leader_cost_one_question_more(
    leaders: MockLeaders, consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, partitions = [], [TopicPartition(TOPIC, number) for number in range(30)]
    ask = consumer.end_offsets

    def counted(known: list[TopicPartition], **patience: int) -> Any:
        asked.append(len(known))
        return ask(known, **patience)

    monkeypatch.setattr(consumer, "end_offsets", counted)
    leaders.create(TOPIC, 30)
    leaders.take(TOPIC, range(0, 30, 3))
    ends = log_ends(consumer, partitions, PATIENCE_MS)

    assert [tp for tp in partitions if tp.partition % 3] == sorted(ends)
    assert [30, 20] == asked


@pytest.mark.fault("K1")
def test_where_no_partition_has_a_leader_there_are_no_bounds(leaders: MockLeaders, consumer: Any) -> None:
    leaders.create(TOPIC, 4)
    partitions = [TopicPartition(TOPIC, number) for number in range(4)]
    assert dict.fromkeys(partitions, 0) == log_begins(consumer, partitions, PATIENCE_MS)
    leaders.take(TOPIC, range(4))
    hear_of_it(consumer, *partitions)
    assert {} == log_begins(consumer, partitions, 1_000)


@pytest.mark.fault("K1")
def test_dead_letters_that_have_no_leader_are_named_and_the_others_told(
    leaders: MockLeaders, capsys: pytest.CaptureFixture[str]
) -> None:
    for topic in (TOPIC, LETTERS):
        leaders.create(topic, 4)
    chosen = settings(leaders.broker, TOPIC, LETTERS)
    letters = DeadLetters(options(leaders.broker), LETTERS)
    for number in range(40):
        letters.put(Partition(TOPIC, number % 4), Record(number // 4, None, turn(number)), NO_ID)
    letters.flush()
    letters.close()
    box = LetterBox(options(leaders.broker), LETTERS)
    held = Counter(letter.partition for letter in box.letters())
    box.close()
    assert [] == told(chosen)["unread"]
    lost = [min(held), max(held)]
    leaders.take(LETTERS, lost)
    out = io.StringIO()
    capsys.readouterr()
    status = dead_letters(chosen, as_json=True, out=out)

    report = json.loads(out.getvalue())
    assert (1, lost) == (status, report["unread"])
    assert report["records"] == sum(count for number, count in held.items() if number not in lost)
    assert f"no leader of {LETTERS}-{lost[0]}, {LETTERS}-{lost[1]};" in capsys.readouterr().err


@pytest.mark.fault("K1")
def test_a_partition_that_loses_its_leader_is_not_taken_for_one_without_young_records(
    leaders: MockLeaders, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaders.create(TOPIC, 4)
    ranges = KafkaRanges(options(leaders.broker), [TOPIC])
    before = ranges.bounds()
    assert {partition: end for partition, (_, end) in before.items()} == ranges.first_at(1e9)
    leaders.take(TOPIC, [2])
    hear_of_it(ranges._consumer, TopicPartition(TOPIC, 2))
    with pytest.raises(KafkaUnavailable, match=f"no leader of {TOPIC}-2"):
        ranges.bounds()
    monkeypatch.setattr(ranges, "bounds", lambda: before)
    monkeypatch.setattr("worker.kafka.ranges._BROKER_MS", 1_000)
    with pytest.raises(KafkaUnavailable, match="does not answer"):
        ranges.first_at(1e9)
    ranges.close()
