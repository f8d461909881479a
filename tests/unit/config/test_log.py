"""Log lines are JSON off a terminal, and hold neither secrets nor local variables."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.log import configure
from config.settings import Log

SECRET = 's3cr3t/"quoted'


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_an_iso_time() -> None:
    stream = io.StringIO()
    configure(Log(), stream=stream)
    structlog.get_logger().info("bin_set_adopted", agent="bot", turns=1000)
    (line,) = lines(stream)
    assert ("bin_set_adopted", "bot", 1000, "info") == tuple(
        line[key] for key in ("event", "agent", "turns", "level")
    )
    assert line["timestamp"].endswith("Z")


def test_the_standard_library_logs_through_the_same_door() -> None:
    stream = io.StringIO()
    configure(Log(), stream=stream)
    logging.getLogger("some.library").warning("disk %s", "full")
    assert [("disk full", "some.library")] == [(line["event"], line["logger"]) for line in lines(stream)]


def test_a_level_silences_what_is_below_it() -> None:
    stream = io.StringIO()
    configure(Log(level="error"), stream=stream)
    structlog.get_logger().warning("nothing")
    logging.getLogger("kafka.client").error("broken")
    assert ["broken"] == [line["event"] for line in lines(stream)]


def test_a_request_line_with_a_webhook_address_is_never_logged() -> None:
    stream = io.StringIO()
    configure(Log(level="info"), stream=stream)
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.example.com/T0/B0/key")
    assert "" == stream.getvalue()


def count_words(user_text: str) -> float:
    return len(user_text.split()) / 0


def test_a_traceback_carries_no_local_variable() -> None:
    for chosen in (Log(format="json"), Log(format="console")):
        stream = io.StringIO()
        configure(chosen, stream=stream)
        try:
            count_words("my " + "card")
        except ZeroDivisionError:
            structlog.get_logger().exception("crashed")
        assert "crashed" in stream.getvalue()
        assert "my card" not in stream.getvalue()


def test_a_secret_is_blotted_out_whoever_logs_it() -> None:
    for chosen in (Log(format="json"), Log(format="console")):
        stream = io.StringIO()
        configure(chosen, secrets=[SECRET], stream=stream)
        structlog.get_logger().info("connect", password=SECRET)
        logging.getLogger("library").error("cannot reach https://u:%s@host", "s3cr3t%2F%22quoted")
        assert "s3cr3t" not in stream.getvalue()
        assert "**********" in stream.getvalue()
