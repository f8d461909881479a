"""The HTTP server: probes, metrics, current PSI, verdicts and playbooks, answered from the snapshot alone.

It has its own thread and never asks the store, so it answers at once whatever happens to Kafka or Redis.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import uvicorn
from fastapi import FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from alerts.verdict import Quadrant, Verdict
from worker.serving.answers import NotFoundError, current, detail, document, find_agent, recent
from worker.serving.answers import gaps as lost
from worker.serving.metrics import VERSION, SnapshotCollector, Work
from worker.serving.page import page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from worker.health import Health
    from worker.serving.snapshot import Snapshot

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_OPEN_S = 5.0

AgentName = Annotated[
    str | None, Query(description="The agent's name; may be left out where there is one agent.")
]
SegmentName = Annotated[str, Query(description="`all`, or a segment such as `plan=pro`.")]


class HttpUnavailable(Exception):  # noqa: N818 - it names a state of the world, not a mistake
    """The server cannot listen where it was told to. The message says what to do."""


def create_app(
    snapshot: Callable[[], Snapshot],
    health: Health,
    work: Work,
    playbook: Callable[[Quadrant], str],
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The application.

    Args:
        snapshot: gives the newest snapshot, at once.
        health: what the lines of this process report.
        work: what the lines of this process have counted.
        playbook: the Markdown of a quadrant's page.
        clock: the wall clock, seconds since the epoch.
        monotonic: the clock of `health`.
    """
    app = FastAPI(
        title="quadrift",
        version=VERSION,
        description="Drift of an LLM agent's inputs and outputs, joined into one of four quadrants.",
        docs_url=None,
        redoc_url=None,
    )
    _answer_errors(app)
    _add_probes(app, snapshot, health, clock, monotonic)
    _add_metrics(app, SnapshotCollector(snapshot, health, work, clock=clock, monotonic=monotonic))
    _add_questions(app, snapshot, clock)
    _add_playbooks(app, playbook)
    app.openapi = document(app, Verdict)  # type: ignore[method-assign]  # the way FastAPI offers
    return app


class HttpServer:
    """The application on a socket, served from a thread. Port 0 takes a free one."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family, backlog=256)
        except OSError as error:
            known = isinstance(error, socket.gaierror) or not error.errno
            reason = str(error.strerror if known else os.strerror(error.errno or 0)).lower()
            raise HttpUnavailable(
                f"cannot listen on {host}:{port} ({reason}); set http.host and http.port to a free address"
            ) from None
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16_384,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="http", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def start(self) -> None:
        """Begin to answer. Connections wait in the backlog until the thread is up."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is being answered, then close."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=_OPEN_S)
        self._socket.close()


def _json(content: Any, status: int = 200) -> Response:
    """JSON as msgspec writes it: a number that is not finite would come out as null, never as NaN."""
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _answer_errors(app: FastAPI) -> None:
    """Every error is JSON with a hint, and every answer has the strict headers."""

    @app.middleware("http")
    async def strict(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(NotFoundError)
    async def not_found(_: Request, error: NotFoundError) -> Response:
        return _json(error.content, 404)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        paths = sorted(path for route in app.routes if (path := getattr(route, "path", "")))
        hint = {"paths": paths} if error.status_code == 404 else {}
        return _json({"error": str(error.detail).lower(), **hint}, error.status_code)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        told = [f"{problem['loc'][-1]}: {problem['msg'].lower()}" for problem in error.errors()]
        return _json({"error": "; ".join(told)}, 400)


def _add_probes(
    app: FastAPI,
    snapshot: Callable[[], Snapshot],
    health: Health,
    clock: Callable[[], float],
    monotonic: Callable[[], float],
) -> None:
    @app.get("/livez")
    async def livez() -> Response:
        """Whether the process should be left running. Neither Kafka nor Redis has a say in it."""
        problems = health.dead(monotonic())
        return _json(
            {"status": "failing" if problems else "ok", "problems": problems}, 503 if problems else 200
        )

    @app.get("/readyz")
    async def readyz() -> Response:
        """Whether the process does its work just now, and if not, why."""
        problems = health.unready(monotonic())
        return _json(
            {"status": "failing" if problems else "ok", "problems": problems}, 503 if problems else 200
        )

    @app.get("/healthz")
    async def healthz() -> Response:
        """As /livez, with everything that helps to see how this worker is."""
        now = monotonic()
        problems = health.dead(now)
        content = {"status": "failing" if problems else "ok", "problems": problems}
        return _json(content | detail(snapshot(), health, clock(), now), 503 if problems else 200)


def _add_metrics(app: FastAPI, collector: SnapshotCollector) -> None:
    registry = CollectorRegistry()
    registry.register(collector)

    @app.get("/metrics")
    async def metrics() -> Response:
        """Prometheus text format."""
        return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _add_questions(app: FastAPI, snapshot: Callable[[], Snapshot], clock: Callable[[], float]) -> None:
    @app.get("/v1/psi")
    async def psi(agent: AgentName = None, segment: SegmentName = "all") -> Response:
        """The current PSI of every dimension, by side, with the quadrant that follows from it."""
        taken = snapshot()
        return _json(current(taken, find_agent(taken, agent), segment, clock()))

    @app.get("/v1/verdicts", responses={200: {"model": None}})
    async def verdicts(
        agent: AgentName = None,
        segment: SegmentName = "all",
        limit: Annotated[int, Query(ge=1, le=500, description="How many of the newest.")] = 20,
    ) -> Response:
        """The newest verdicts of a segment, newest first, as `quadrift replay --json` writes them."""
        taken = snapshot()
        return _json(recent(taken, find_agent(taken, agent), segment, limit, clock()))

    @app.get("/v1/gaps")
    async def gaps(agent: AgentName = None) -> Response:
        """Records that were never counted, with the event time they may be of: its windows are not judged."""
        taken = snapshot()
        return _json(lost(taken, find_agent(taken, agent)))


def _add_playbooks(app: FastAPI, playbook: Callable[[Quadrant], str]) -> None:
    @app.get("/playbooks/{quadrant}")
    async def playbooks(quadrant: str, accept: Annotated[str, Header()] = "") -> Response:
        """What to do in a quadrant: a page, or the Markdown for those that accept `text/markdown`."""
        if quadrant not in set(Quadrant):
            raise NotFoundError("there is no such quadrant", quadrants=list(Quadrant))
        text = playbook(Quadrant(quadrant))
        if "text/markdown" in accept:
            return PlainTextResponse(
                text, media_type="text/markdown; charset=utf-8", headers={"Vary": "Accept"}
            )
        headers = {"Content-Security-Policy": _PAGE_POLICY, "Vary": "Accept"}
        return HTMLResponse(page(text, quadrant), headers=headers)
