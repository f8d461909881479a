"""A TCP proxy in this process that can lose replies, go silent or refuse, in front of a real server."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import ssl

Mode = Literal["pass", "silent", "refuse"]


class FaultProxy:
    """Forwards loopback connections to `port`, the server; with `tls` it speaks TLS to its clients.

    Only replies to scripts are lost, and counted over all connections. `mode` silent swallows all
    that is sent, refuse closes connections; both also for those that are open.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.mode: Mode = "pass"
        self.lost = 0
        self._lose_every = 0
        self._lose_next = 0
        self._replies = 0
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """What a Redis client connects to."""
        return f"redis://127.0.0.1:{self.port}"

    def lose_next_reply(self) -> None:
        """The next script's reply is lost: the server did its work, the client sees the connection close."""
        with self._lock:
            self._lose_next = 1

    def lose_every(self, nth: int) -> None:
        """Lose every n-th script's reply from now on; 0 to stop."""
        with self._lock:
            self._lose_every = nth

    def lead_to(self, port: int) -> None:
        """Another server is behind the address now, as after a fail-over; open connections end."""
        self._target = ("127.0.0.1", port)
        self.mode = "refuse"

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.mode == "refuse":
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            server = socket.create_connection(self._target)
            script = threading.Event()
            threading.Thread(target=self._requests, args=(client, server, script), daemon=True).start()
            self._answers(client, server, script)

    def _requests(self, client: socket.socket, server: socket.socket, script: threading.Event) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 20):
                if self.mode == "refuse":
                    return
                if b"EVAL" in data:
                    script.set()
                if self.mode == "pass":
                    server.sendall(data)

    def _answers(self, client: socket.socket, server: socket.socket, script: threading.Event) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := server.recv(1 << 20):
                if script.is_set() and self._loses_this_one():
                    client.shutdown(socket.SHUT_RDWR)
                    return
                script.clear()
                client.sendall(data)

    def _loses_this_one(self) -> bool:
        with self._lock:
            self._replies += 1
            lost = self._lose_next > 0 or (self._lose_every > 0 and self._replies % self._lose_every == 0)
            self._lose_next = 0
            self.lost += lost
            return lost
