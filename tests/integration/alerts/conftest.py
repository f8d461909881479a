"""A real HTTP receiver on loopback that records what it is sent and answers as it is told."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Receiver:
    """Answers each request with the next of `answers`, the last one for ever."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.answers = deque([Answer(200, b"ok")])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/services/T0/B0/secretpart"

    def answer(self, *answers: Answer) -> None:
        self.answers = deque(answers)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                receiver.requests.append((self.path, msgspec.json.decode(data)))
                kept = receiver.answers
                self._reply(kept.popleft() if len(kept) > 1 else kept[0])

            def do_GET(self) -> None:
                receiver.requests.append(("GET " + self.path, None))
                self._reply(Answer(200, b"ok"))

            def _reply(self, answer: Answer) -> None:
                if answer.status == 0:  # hang up without an answer
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()
