"""The HTTP server answers over a real socket from a snapshot made by hand."""

import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from alerts.playbooks import load
from alerts.verdict import Quadrant
from baselines.store import Partition
from tests.unit.worker.snapshots import AT, NOW, judged, learning, snapshot
from worker.health import Health
from worker.http import HttpServer, HttpUnavailable, create_app
from worker.ingest import IngestStats
from worker.ledger import LedgerStats
from worker.metrics import Metric, Work
from worker.page import page
from worker.snapshot import Snapshot

MONOTONIC = 5000.0
PLAYBOOK = "# Do this\n\n<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"


class Desk:
    """A server with everything behind it in the test's hands."""

    def __init__(self, taken: Snapshot) -> None:
        self.snapshot = taken
        self.health = Health()
        self.work = Work()
        app = create_app(
            lambda: self.snapshot,
            self.health,
            self.work,
            lambda quadrant: f"{quadrant}\n\n{PLAYBOOK}",
            clock=lambda: NOW,
            monotonic=lambda: MONOTONIC,
        )
        self.server = HttpServer(app, "127.0.0.1", 0)
        self.server.start()
        self.client = httpx.Client(base_url=self.server.url, timeout=10.0)

    def get(self, path: str, status: int = 200, **headers: str) -> httpx.Response:
        response = self.client.get(path, headers=headers)
        assert status == response.status_code, response.text
        return response

    def json(self, path: str, status: int = 200) -> Any:
        return json.loads(self.get(path, status).content, parse_constant=refuse)

    def close(self) -> None:
        self.client.close()
        self.server.stop()


def refuse(constant: str) -> NoReturn:
    raise AssertionError(constant)


@pytest.fixture
def desk() -> Iterator[Desk]:
    opened = Desk(snapshot(judged(), learning()))
    yield opened
    opened.close()


def well(desk: Desk) -> None:
    desk.health.tick("ingest", MONOTONIC - 10)
    desk.health.assigned = frozenset({Partition("traces", 0)})
    desk.health.store_answered(MONOTONIC - 1)


def test_the_current_psi_is_told_by_side_and_dimension(desk: Desk) -> None:
    told = desk.json("/v1/psi?agent=bot")
    assert ("world_changed", "ok", False) == (told["quadrant"], told["status"], told["stale"])
    assert "2027-01-15T07:50:00Z" == told["as_of"]
    assert ("intent", 0.41, "significant") == tuple(
        told["input"][key] for key in ("dimension", "psi", "level")
    )
    (output,) = told["output"]["dimensions"]
    assert ("response_category", 0.01, "fixed") == tuple(output[key] for key in ("name", "psi", "reference"))
    assert "plan=pro" == desk.json("/v1/psi?agent=bot&segment=plan%3Dpro")["segment"]


def test_the_only_agent_need_not_be_named(desk: Desk) -> None:
    desk.snapshot = snapshot(judged())
    assert "bot" == desk.json("/v1/psi")["agent"]


def test_an_agent_that_learns_says_how_far_it_is(desk: Desk) -> None:
    told = desk.json("/v1/psi?agent=newcomer")
    assert ("learning", None) == (told["status"], told["quadrant"])
    assert "learning: 430 of 1000 turns, 9.0 of 24 h" == told["reason"]
    assert None is told["input"]["psi"]


def test_an_old_snapshot_is_said_to_be_stale(desk: Desk) -> None:
    desk.snapshot = snapshot(judged(), at=NOW - 60)
    told = desk.json("/v1/psi")
    assert (True, "the state store has not answered for 60 s") == (told["stale"], told["reason"])
    assert 0.41 == told["input"]["psi"]


@pytest.mark.parametrize("path", ["/v1/psi", "/v1/verdicts"])
def test_an_unknown_agent_or_segment_is_told_the_known_ones(desk: Desk, path: str) -> None:
    agents = ["bot", "newcomer"]
    assert {"error": "there is no such agent", "agents": agents} == desk.json(f"{path}?agent=x", 404)
    assert {"error": "say which agent: ?agent=NAME", "agents": agents} == desk.json(path, 404)
    assert ["all", "plan=pro"] == desk.json(f"{path}?agent=bot&segment=x", 404)["segments"]


def test_verdicts_come_newest_first_and_as_many_as_asked(desk: Desk) -> None:
    told = desk.json("/v1/verdicts?agent=bot&limit=2")["verdicts"]
    assert [AT, AT - 600] == [verdict["at"] for verdict in told]
    assert {"quadrant", "behaviour", "dimensions", "cause", "samples"} <= told[0].keys()


def test_a_bad_parameter_is_named_and_not_repeated(desk: Desk) -> None:
    told = desk.get("/v1/verdicts?agent=bot&limit=canary", 400)
    assert told.json()["error"].startswith("limit: ")
    assert "canary" not in told.text


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


def test_a_playbook_is_a_page_for_a_browser_and_markdown_for_a_tool(desk: Desk) -> None:
    for quadrant in Quadrant:
        page = desk.get(f"/playbooks/{quadrant}", Accept="text/html,*/*")
        assert page.headers["content-type"].startswith("text/html")
        assert "<h1>Do this</h1>" in page.text
        assert "<td>1</td>" in page.text
        assert "<script>" not in page.text
        assert "style-src 'unsafe-inline'" in page.headers["content-security-policy"]
        raw = desk.get(f"/playbooks/{quadrant}", Accept="text/markdown")
        assert f"{quadrant}\n\n{PLAYBOOK}" == raw.text
    assert list(Quadrant) == desk.json("/playbooks/none", 404)["quadrants"]


@pytest.mark.parametrize("quadrant", Quadrant)
def test_the_shipped_playbooks_become_whole_pages(quadrant: Quadrant) -> None:
    shown = page(load(quadrant), quadrant)
    assert 1 == shown.count("<h1>")
    assert all(f'href="/playbooks/{name}"' in shown for name in Quadrant)
    assert f'href="/playbooks/{quadrant}" aria-current="page"' in shown
    prose = re.sub(r"<(pre|code|style)[ >].*?</\1>", "", shown, flags=re.DOTALL)
    assert not re.search(r"\*\*|^#|\|---", prose, flags=re.MULTILINE)


def test_every_answer_has_the_strict_headers(desk: Desk) -> None:
    for path, status in (("/livez", 200), ("/v1/psi", 404), ("/nothing", 404), ("/metrics", 200)):
        headers = desk.get(path, status).headers
        assert "nosniff" == headers["x-content-type-options"]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers


def test_an_unknown_path_names_the_known_ones(desk: Desk) -> None:
    told = desk.json("/v2/psi", 404)
    assert {"/v1/psi", "/livez", "/metrics", "/playbooks/{quadrant}"} <= set(told["paths"])


def test_only_reading_is_possible(desk: Desk) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert 405 == desk.client.request(method, "/v1/psi").status_code


def test_the_api_documents_itself_and_offers_no_console(desk: Desk) -> None:
    document = desk.json("/openapi.json")
    assert "Verdict" in document["components"]["schemas"]
    assert {"/v1/psi", "/v1/verdicts", "/livez", "/readyz", "/healthz"} <= document["paths"].keys()
    for path in ("/docs", "/redoc"):
        desk.get(path, 404)


def test_a_taken_port_is_a_clear_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app = create_app(snapshot, Health(), Work(), str)
        with pytest.raises(
            HttpUnavailable, match=rf"cannot listen on 127\.0\.0\.1:{port} \(address already in use\)"
        ):
            HttpServer(app, "127.0.0.1", port)


def test_a_hundred_half_sent_requests_do_not_hold_up_a_probe(desk: Desk) -> None:
    host = (desk.server.host, desk.server.port)
    open_ones = [socket.create_connection(host) for _ in range(100)]
    try:
        for connection in open_ones:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        desk.get("/livez")
    finally:
        for connection in open_ones:
            connection.close()
