"""User text goes in at one end and comes out nowhere: a canary in every text, a search of what is left."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING

import httpx

from tests.e2e.counts import caught_up
from tests.e2e.processes import WorkerProcess, eventually, produce, settings
from tests.integration.alerts.conftest import Receiver
from worker.demo.scenario import Scenario, Shift, latest_begin
from worker.demo.traffic import generate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import Broker, ValkeyServer

PARTITIONS = 4
CANARY = re.compile(rb"zq\d+canary")


def canaries(played: Scenario) -> Iterator[tuple[str, bytes]]:
    """The scenario's turns with a word of their own in every text, and some records that are no turns."""
    for number, sent in enumerate(generate(played)):
        word = f"zq{number}canary"
        sent.turn["input"]["text"] += f" {word}"
        output = sent.turn["output"]
        output["text"] += f" {word}"
        output["flags"] = [*output.get("flags", ()), *([f"the user said {word}"] if number % 50 == 0 else ())]
        for call in output.get("tool_calls", ()):
            call["arguments"] |= {"note": word, word: 1}
            call["result"] = {"said": word, "by": {f"{word}@example.com": word}}
        sent.turn["attributes"]["note"] = word
        sent.turn["retrieval"] = {"sources": [f"notes of {word}"], "documents": 1}
        sent.turn["input"]["modalities"] = [word]
        sent.turn["tools"] = ["search_kb", f"for who asks about {word}"]
        yield sent.key, sent.record()
        if number % 500 == 0:
            yield sent.key, f'{{"trace_id": 1, "input": {{"text": "{word}"}}}}'.encode()
            yield sent.key, f'{{"trace_id": "{number}", "timestamp": "{word}"}}'.encode()


def test_no_text_of_a_user_reaches_redis_logs_http_or_alerts(
    kafka_broker: Broker, own_valkey: ValkeyServer, redis_prefix: str, tmp_path: Path
) -> None:
    topic = f"turns-{uuid.uuid4().hex[:8]}"
    kafka_broker.create_topic(f"{topic}.dead-letters", 1)
    kafka_broker.create_topic(topic, PARTITIONS)
    shape = Scenario(begin=0, turns_per_hour=300, warm_h=1, shift_h=2, calm_h=1, shifts=(Shift.MODEL,))
    begin = latest_begin(time.time(), shape.end // 3600 + 1)
    played = Scenario(begin=begin, turns_per_hour=300, warm_h=1, shift_h=2, calm_h=1, shifts=(Shift.MODEL,))
    produce(kafka_broker, topic, PARTITIONS, canaries(played))
    slack = Receiver()
    sinks = {"slack": {"webhook_url": slack.url}}
    config = settings(
        kafka_broker,
        own_valkey,
        redis_prefix,
        topic,
        alerts={"sinks": sinks, "max_age": "30d"},
        log={"format": "json", "level": "debug"},
        binning={"dimensions": [{"name": "note", "side": "input", "attribute": "note"}]},
    )
    worker = WorkerProcess(config, tmp_path).start()

    eventually("Slack is told", lambda: slack.requests)
    eventually("all is counted", lambda: caught_up(kafka_broker, own_valkey, redis_prefix, topic, PARTITIONS))
    paths = ("/v1/psi", "/v1/verdicts?limit=500", "/metrics", "/healthz")
    answers = [httpx.get(f"http://127.0.0.1:{worker.port}{path}", timeout=60).content for path in paths]
    assert worker.stop() == 0
    slack.stop()

    left = {
        "redis": dumped(own_valkey),
        "http": b"".join(answers),
        "log": json.dumps(worker.lines).encode(),
        "slack": json.dumps(slack.requests).encode(),
    }
    assert all(left.values())
    assert [] == [where for where, data in left.items() if CANARY.search(data)]


def dumped(valkey: ValkeyServer) -> bytes:
    """Every key and value of the server, as stored (packed hours are deflated: numbers and pointers)."""
    client = valkey.client()
    found = []
    for key in client.scan_iter():
        found.append(key)
        kind = client.type(key)
        if kind == b"string":
            found.append(client.get(key) or b"")
        elif kind == b"hash":
            found += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"list":
            found += client.lrange(key, 0, -1)
        elif kind == b"set":
            found += client.smembers(key)
        else:
            raise AssertionError(f"what is {kind!r}?")
    return b"\n".join(found)
