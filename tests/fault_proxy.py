"""A TCP proxy in this process that can lose replies, go silent or refuse, in front of a real server."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

Mode = Literal["pass", "silent", "refuse"]


class FaultProxy:
    """Forwards loopback connections to `port`. Replies are counted over all connections.

    `mode` silent swallows all that is sent, refuse closes connections; both also for those that are open.
    """

    def __init__(self, port: int) -> None:
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
        """The next reply is lost: the server did its work, the client sees the connection close."""
        with self._lock:
            self._lose_next = 1

    def lose_every(self, nth: int) -> None:
        """Lose every n-th reply from now on; 0 to stop."""
        with self._lock:
            self._lose_every = nth

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
                server = socket.create_connection(self._target)
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 20):
                if self.mode == "refuse":
                    return
                if self.mode == "pass":
                    server.sendall(data)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, server:
            while data := server.recv(1 << 20):
                if self._loses_this_one():
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)

    def _loses_this_one(self) -> bool:
        with self._lock:
            self._replies += 1
            lost = self._lose_next > 0 or (self._lose_every > 0 and self._replies % self._lose_every == 0)
            self._lose_next = 0
            self.lost += lost
            return lost
