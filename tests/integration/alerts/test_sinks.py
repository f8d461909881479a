from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from alerts.sinks.base import Dead, Delivered, Retry
from alerts.sinks.log import LogSink
from alerts.sinks.pagerduty import PagerDuty
from alerts.sinks.slack import Slack
from tests.integration.alerts.conftest import Answer
from tests.servers import free_port
from tests.unit.alerts.samples import make_notification

if TYPE_CHECKING:
    from tests.integration.alerts.conftest import Receiver

KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b"ok"), Delivered()),
        (Answer(200, b"no_service"), Dead("no_service")),
        (Answer(302, headers={"location": "/elsewhere"}), Dead("status 302: redirects are not followed")),
        (Answer(429, headers={"retry-after": "17"}), Retry("status 429", 17.0)),
        (Answer(500), Retry("status 500")),
        (Answer(400, b"no_text"), Dead("no_text")),
        (Answer(200, b"x" * 100_000), Dead("an answer that is not ok")),
        (Answer(0), Retry("RemoteProtocolError")),
    ],
)
def test_slack_is_posted_once_and_its_answer_understood(
    receiver: Receiver, answer: Answer, expected: object
) -> None:
    receiver.answer(answer)
    assert expected == Slack(receiver.url).send(make_notification(), 0.0)
    assert len(receiver.requests) == 1
    path, payload = receiver.requests[0]
    assert path == "/services/T0/B0/secretpart"
    assert "system_changed" in payload["text"]


def test_a_layout_that_slack_refuses_is_sent_again_as_plain_text(receiver: Receiver) -> None:
    receiver.answer(Answer(400, b"invalid_blocks"), Answer(200, b"ok"))
    assert Delivered() == Slack(receiver.url).send(make_notification(), 0.0)
    assert ["blocks" in payload for _, payload in receiver.requests] == [True, False]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(202, b'{"status":"success"}'), Delivered()),
        (Answer(400, b'{"status":"invalid event"}'), Dead("status 400")),
        (Answer(429), Retry("status 429")),
        (Answer(500), Retry("status 500")),
    ],
)
def test_pagerduty_takes_events(receiver: Receiver, answer: Answer, expected: object) -> None:
    receiver.answer(answer)
    assert expected == PagerDuty(KEY, url=receiver.url).send(make_notification(), 0.0)
    assert [payload["routing_key"] for _, payload in receiver.requests] == [KEY]


def test_a_receiver_that_is_not_there_is_tried_again_later() -> None:
    nobody = f"http://127.0.0.1:{free_port()}/x"
    assert Retry("ConnectError") == Slack(nobody).send(make_notification(), 0.0)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://hooks.example.com/secretpart", "must begin with https://"),
        ("ftp://127.0.0.1/secretpart", "must begin with https://"),
        ("https:///secretpart", "names no host"),
        ("https://169.254.169.254/secretpart", "link-local"),
        ("https://[fe80::1]/secretpart", "link-local"),
        ("https://0.0.0.0/secretpart", "unspecified"),
        ("https://hooks.example.com:99999999x/secretpart", "is no URL"),
    ],
)
def test_an_address_that_no_alert_may_go_to_is_refused_unrepeated(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        Slack(url)
    assert "secretpart" not in str(caught.value)


def test_no_log_line_holds_the_address_or_the_key(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for answer in (Answer(200, b"ok"), Answer(302, headers={"location": receiver.url}), Answer(0)):
        receiver.answer(answer)
        Slack(receiver.url).send(make_notification(), 0.0)
        PagerDuty(KEY, url=receiver.url).send(make_notification(), 0.0)
    everything = "\n".join(record.getMessage() for record in caplog.records)
    assert "secretpart" not in everything
    assert KEY not in everything


def test_the_log_sink_writes_one_line_with_the_story() -> None:
    with structlog.testing.capture_logs() as lines:
        assert Delivered() == LogSink().send(make_notification(), 0.0)
    line: Any = lines[0]
    assert [line["log_level"], line["event"]] == ["warning", "alert"]
    assert line["headline"].startswith("[FIRING] support-bot: system_changed")
    assert line["playbook"] == "https://drift.example.com/playbooks/system_changed"
