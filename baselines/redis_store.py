"""The state store in Redis or Valkey, one server or a cluster: every change is one Lua script (lua/*.lua)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from baselines.chain import check, digests_after
from baselines.connection import Client, check_eviction, client_name
from baselines.errors import explained
from baselines.keys import Keys
from baselines.packing import decode_bucket, encode_bucket, fold, pack_hour, read_hour, unpack_hour
from baselines.rows import commit_header, partition_state, write_row
from baselines.script import Script
from baselines.store import (
    TURNS,
    BucketRead,
    Commit,
    Delta,
    Outcome,
    Partition,
    PartitionState,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_encode = msgspec.msgpack.Encoder().encode


class RedisStore:
    """The state store in Redis. For several threads; each method may raise StoreUnavailable or StoreRefused.

    A write that raises StoreUnavailable may have been applied. Send it again: a commit answers ALREADY.
    """

    def __init__(self, client: Client, prefix: str) -> None:
        self._client: Any = client
        self._server = client_name(client)
        self.keys = Keys(prefix)
        self._register = Script(client, "register")
        self._commit = Script(client, "commit")
        self._attempt = Script(client, "attempt")
        self._report = Script(client, "report")
        self._read = Script(client, "read")
        self._pack = Script(client, "pack")
        self._write = Script(client, "write")

    def check_server(self) -> None:
        """Find out at start what would fail later.

        Raises:
            StoreRefused: the server may evict keys, or the user may not run what the scripts need.
            StoreUnavailable: it does not answer, or cannot be written now.
        """
        check_eviction(self._client)
        Script(self._client, "probe")(self.keys.probe)
        self._call("lrange", self.keys.probe[2], 0, -1)

    def register(self, topic: str, partitions: int) -> None:
        """As PartitionStore; the largest number ever seen stands."""
        self._register([self.keys.partitions], topic, partitions)

    def partitions(self) -> Sequence[Partition]:
        """As PartitionStore, in order."""
        counts = self._call("hgetall", self.keys.partitions)
        return sorted(
            Partition(topic.decode(), n) for topic, count in counts.items() for n in range(int(count))
        )

    def state(self, partition: Partition) -> PartitionState:
        """As PartitionStore."""
        raw = self._call("hgetall", self.keys.state(partition))
        return partition_state(raw)

    def commit(self, commit: Commit) -> Outcome:
        """As PartitionStore.

        Raises:
            ValueError: no store may apply it (chain.check).
        """
        check(commit)
        adopted = digests_after(commit)
        agents = {agent: i for i, agent in enumerate(dict.fromkeys(key.agent for key in commit.buckets), 1)}
        keys = [self.keys.state(commit.partition), self.keys.ids(commit.partition)]
        for agent in agents:
            buckets = self.keys.buckets(commit.partition, agent, adopted[agent])
            keys += [buckets.turns, buckets.minutes]
        index = [
            (agents[key.agent], key.minute, delta.counts[TURNS]) for key, delta in commit.buckets.items()
        ]
        values = [encode_bucket(delta) for delta in commit.buckets.values()]
        values += commit.ids.added.values() if commit.ids is not None else ()
        return Outcome(self._commit(keys, commit_header(commit), _encode(index), *values).decode())

    def ids(self, partition: Partition) -> Mapping[str, bytes]:
        """As PartitionStore."""
        return {name.decode(): ids for name, ids in self._call("hgetall", self.keys.ids(partition)).items()}

    def attempt(self, partition: Partition, offset: int) -> int:
        """As PartitionStore."""
        return int(self._attempt([self.keys.state(partition)], offset))

    def report(self, partition: Partition, expected: int, *, caught_up: bool, at: float) -> bool:
        """As PartitionStore."""
        return bool(self._report([self.keys.state(partition)], expected, int(caught_up), repr(float(at))))

    def pack(
        self, partition: Partition, agent: str, bin_set: str, hour: int, expected: int, *, keep_hours: int
    ) -> bool:
        """As PartitionStore: folds here, and the script checks that what was folded is still all there is."""
        keys = self.keys.buckets(partition, agent, bin_set).all()
        _, minutes, hours = self._read(keys, _encode({}), _encode({}), hour)
        read = {number: decode_bucket(value) for number, value in _pairs(minutes)}
        old = unpack_hour(hours[1]) if hours else Delta()
        packed = fold([old, *(read[minute] for minute in sorted(read))])
        return bool(
            self._pack(
                [self.keys.state(partition), *keys],
                expected,
                hour,
                old.counts.get(TURNS, 0),
                _encode({minute: delta.counts[TURNS] for minute, delta in read.items()}),
                packed.counts.get(TURNS, 0),
                pack_hour(packed) if read else b"",
                hour - keep_hours,
            )
        )

    def minutes(self, partition: Partition, agent: str, bin_set: str) -> Sequence[int]:
        """As PartitionStore."""
        known = self._call("hkeys", self.keys.buckets(partition, agent, bin_set).turns)
        return sorted(map(int, known))

    def read(
        self,
        partition: Partition,
        agent: str,
        bin_set: str,
        minutes: Mapping[int, int],
        hours: Mapping[int, int],
    ) -> BucketRead:
        """As PartitionStore.

        A known hour that is gone (expired, or lost with the server) comes as an empty Delta. Where the packed
        part of an hour changed, all its minutes come with it (lua/read.lua says why).
        """
        keys = self.keys.buckets(partition, agent, bin_set).all()
        gone, found, packed = self._read(keys, _encode(dict(minutes)), _encode(dict(hours)), "")
        return BucketRead(
            minutes={number: decode_bucket(value) for number, value in _pairs(found)},
            hours={number: read_hour(value) if value else Delta() for number, value in _pairs(packed)},
            gone=set(gone),
        )

    def write(self, agent: str, token: int, writes: Sequence[Write]) -> bool:
        """As AgentStore."""
        keys, arguments = [self.keys.fence(agent)], list[str | int | bytes]()
        for write in writes:
            kind, row = write_row(write)
            keys.append(self.keys.agent(agent, kind, write.name))
            arguments += row
        return bool(self._write(keys, token, *arguments))

    def token(self, agent: str) -> int:
        """As AgentStore."""
        return int(self._call("get", self.keys.fence(agent)) or 0)

    def get(self, agent: str, name: str) -> bytes | None:
        """As AgentStore."""
        value: bytes | None = self._call("get", self.keys.agent(agent, "value", name))
        return value

    def fields(self, agent: str, name: str) -> Mapping[str, bytes]:
        """As AgentStore."""
        return {k.decode(): v for k, v in self._call("hgetall", self.keys.agent(agent, "hash", name)).items()}

    def newest(self, agent: str, name: str, count: int) -> Sequence[bytes]:
        """As AgentStore."""
        found: list[bytes] = (
            self._call("lrange", self.keys.agent(agent, "list", name), -count, -1) if count else []
        )
        return found

    def _call(self, command: str, *arguments: str | int) -> Any:
        """One plain reading command."""
        with explained(self._server):
            return getattr(self._client, command)(*arguments)


def _pairs(flat: Sequence[Any]) -> list[tuple[int, bytes]]:
    """A script's flat {number, value, ...}."""
    return list(zip(flat[::2], flat[1::2], strict=True))
