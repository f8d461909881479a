"""The HTTP server answers over a real socket from a snapshot made by hand."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from alerts.playbooks import load
from alerts.verdict import Quadrant
from baselines.gaps import Gap
from baselines.store import Partition, PartitionState
from tests.unit.worker.desk import PLAYBOOK, Desk
from tests.unit.worker.snapshots import AT, NOW, judged, learning, snapshot
from worker.health import Health
from worker.serving.http import HttpServer, HttpUnavailable, create_app
from worker.serving.metrics import Work
from worker.serving.page import page


@pytest.fixture
def desk() -> Iterator[Desk]:
    opened = Desk(snapshot(judged(), learning()))
    yield opened
    opened.close()


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
    assert (True, "stale") == (told["stale"], told["status"])
    assert "the state store has not answered for 60 s" == told["reason"]
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


def test_gaps_are_told_with_their_size_and_the_time_they_may_be_of(desk: Desk) -> None:
    partition, state = Partition("traces", 0), PartitionState(next_offset=90)
    gaps = (Gap(10, 40, 30, None, NOW, "dropped"), Gap(50, 60, 10, NOW, NOW + 60, "learning", "other"))
    desk.snapshot = replace(desk.snapshot, partitions={partition: replace(state, gaps=gaps)})
    (told,) = desk.json("/v1/gaps?agent=bot")["gaps"]
    assert {"topic": "traces", "partition": 0, "records": 30, "first_offset": 10}.items() <= told.items()
    assert (told["since"], told["until"], told["reason"]) == (None, "2027-01-15T08:00:00Z", "dropped")


def test_a_bad_parameter_is_named_and_not_repeated(desk: Desk) -> None:
    told = desk.get("/v1/verdicts?agent=bot&limit=canary", 400)
    assert told.json()["error"].startswith("limit: ")
    assert "canary" not in told.text


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
