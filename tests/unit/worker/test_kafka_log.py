"""The Kafka client's log is thinned out, and says why a connection failed."""

import logging

import pytest
from structlog.testing import capture_logs

from worker.kafka.client_log import ThinnedHandler, collected_reasons
from worker.watchdog import all_stacks


def line(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("kafka.coordinator", level, __file__, 1, message, arguments, None)


def test_a_repeated_line_is_passed_on_once_in_ten_seconds_with_its_repeats() -> None:
    now = [100.0]
    handler = ThinnedHandler(lambda: now[0])
    with capture_logs() as told:
        for number in range(1_000):
            handler.emit(line("Marking the coordinator dead (node %s) after %d tries", "n1", number))
        now[0] += 10
        handler.emit(line("Marking the coordinator dead (node %s) after %d tries", "n1", 7))

    assert [entry["repeats"] for entry in told] == [0, 999]
    assert told[0]["message"] == "Marking the coordinator dead (node n1) after 0 tries"
    assert told[0]["log_level"] == "warning"


def test_lines_that_differ_in_numbers_alone_are_the_same_line() -> None:
    handler = ThinnedHandler(lambda: 0.0)
    with capture_logs() as told:
        handler.emit(line("Bootstrap attempt to bootstrap-0 failed: x (backoff 0.05 secs)"))
        handler.emit(line("Bootstrap attempt to bootstrap-1 failed: x (backoff 1.25 secs)"))
        handler.emit(line("Topic turns not found"))

    assert len(told) == 2


FAILED = "Bootstrap connection to bootstrap-0 failed: "
HUNG_UP = FAILED + "KafkaConnectionError: socket disconnected (backoff 0.05 secs)"
REFUSED = (
    FAILED + "[Error 58] SaslAuthenticationFailedError: SaslAuthenticationFailedError: no (backoff 0.10 secs)"
)
ANSWERED = "<KafkaConnection node_id=1 broker_version=(4, 3) (disconnected)>: Connection lost"


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], None),
        (["Metadata refresh: failed"], None),
        ([HUNG_UP, REFUSED, HUNG_UP], "[Error 58] SaslAuthenticationFailedError: no"),
        ([HUNG_UP], "the broker hung up (another protocol, TLS or a wrong port)"),
        ([ANSWERED, HUNG_UP], "the broker hung up (it refused the login)"),
    ],
)
def test_the_most_telling_reason_of_a_failed_connection_is_kept(
    messages: list[str], reason: str | None
) -> None:
    with collected_reasons() as reasons:
        for message in messages:
            logging.getLogger("kafka.net.manager").warning(message)

    assert reasons.reason() == reason


def test_the_stacks_of_a_stuck_process_name_functions_and_no_values() -> None:
    secret = "my card is 4111"
    stacks = all_stacks()

    assert "test_kafka_log.py" in stacks
    assert "test_the_stacks_of_a_stuck_process" in stacks
    assert secret not in stacks
