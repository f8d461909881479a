"""`quadrift dead-letters` ends with a word, not with a wait, where the broker falls silent in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from baselines.store import Partition
from tests.kafka.support import new_topic, options
from tests.kafka.test_redrive import settings
from tests.unit.worker.memory_log import turn
from worker.commands import dead_letters as letters_command
from worker.commands import letters
from worker.commands.dead_letters import dead_letters
from worker.decode import Malformed, Reason
from worker.ingesting.dead_letters import DeadLetters
from worker.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Broker, KafkaServer
    from worker.commands.letters import Letter, LetterBox

LETTERS = 3_000  # more than the client fetches ahead


@pytest.mark.fault("K2")
@pytest.mark.parametrize("redrive", [False, True])
def test_a_broker_that_falls_silent_ends_it_with_one_line_and_status_1(
    redrive: bool,
    own_kafka: tuple[KafkaServer, Broker],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, broker = own_kafka
    topic, letters_topic = new_topic(broker), new_topic(broker, 1)
    box = DeadLetters(options(broker), letters_topic)
    for number in range(LETTERS):
        record = Record(number, None, turn(number, note="x" * 5_000))
        box.put(Partition(topic, 0), record, Malformed(Reason.MISSING_KEY, "$.trace_id"))
    box.flush()
    box.close()

    def until_it_is_gone(found: LetterBox) -> Iterator[Letter]:
        for number, letter in enumerate(found.letters()):
            if number == 0:
                server.pause()
            yield letter

    monkeypatch.setattr(letters, "PATIENCE_S", 2.0)
    monkeypatch.setattr(letters_command, "_with_progress", until_it_is_gone)
    status = dead_letters(settings(broker, topic, letters_topic), redrive=redrive)

    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("quadrift: ")]
    assert (1, 1) == (status, len(said))  # what the clients log beside it is not ours
    assert f"Kafka at {broker.bootstrap} does not" in said[0] or "cannot be sent back" in said[0]
