"""The outbox of one agent in Redis: a hash of waiting rows and a bounded hash of dead ones, in one slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import redis

DEAD_KEPT = 1000

REPLACE = (
    "if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end"
)
BURY = """
if redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[2], redis.call('HRANDFIELD', KEYS[2]))
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
"""


class RedisOutbox:
    """Rows under `key`, dead rows under `dead_key`; both carry the same hash tag. Raises RedisError."""

    def __init__(self, client: redis.Redis | redis.RedisCluster, key: str, dead_key: str) -> None:
        self._client = client
        self._key = key
        self._dead_key = dead_key

    def rows(self) -> Mapping[str, bytes]:
        """Every waiting row."""
        found = cast("dict[bytes, bytes]", self._client.hgetall(self._key))
        return {row_id.decode(): row for row_id, row in found.items()}

    def replace(self, row_id: str, row: bytes) -> None:
        """Change a row that is still there."""
        self._client.eval(REPLACE, 1, self._key, row_id, row)

    def delete(self, row_id: str) -> None:
        """Forget a row."""
        self._client.hdel(self._key, row_id)

    def bury(self, row_id: str, row: bytes) -> None:
        """Move a row to the dead ones, of which at most a thousand are kept."""
        self._client.eval(BURY, 2, self._key, self._dead_key, row_id, row, str(DEAD_KEPT))

    def dead(self) -> Sequence[str]:
        """The ids of the dead rows."""
        return [row_id.decode() for row_id in cast("list[bytes]", self._client.hkeys(self._dead_key))]
