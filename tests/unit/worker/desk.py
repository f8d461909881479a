"""A real HTTP server with everything behind it in the test's hands."""

import json
from typing import Any, NoReturn

import httpx

from tests.unit.worker.snapshots import NOW
from worker.health import Health
from worker.serving.http import HttpServer, create_app
from worker.serving.metrics import Work
from worker.serving.snapshot import Snapshot

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
        self.client = httpx.Client(base_url=self.server.url, timeout=60.0)

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
