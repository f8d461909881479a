"""How a Lua script of this package is run."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ReadOnlyError

from baselines.connection import client_name
from baselines.errors import explained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baselines.connection import Client


class Script:
    """One Lua script of this package, run by its digest."""

    def __init__(self, client: Client, name: str) -> None:
        self._client: Any = client
        self._server = client_name(client)
        self._source = files("baselines").joinpath("lua", f"{name}.lua").read_text("utf-8")
        self._digest = hashlib.sha1(self._source.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, keys: Sequence[str], *arguments: bytes | str | int) -> Any:
        """Run it. A server that does not know it has run nothing, so sending the source is no repetition."""
        with explained(self._server):
            try:
                return self._client.evalsha(self._digest, len(keys), *keys, *arguments)
            except NoScriptError:
                return self._client.eval(self._source, len(keys), *keys, *arguments)
            except ReadOnlyError:
                # A fail-over behind one address: only a new connection finds the new primary.
                self._client.close()
                raise
