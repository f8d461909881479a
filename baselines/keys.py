"""Every Redis key, in one place.

`P` is the configured prefix, which keeps installations on one server apart. The part in braces is the hash
tag: all keys with the same tag share a Redis Cluster slot, so one script can write them in one step. What
follows the tag never begins with a caller's text, so that no agent, topic or name collides with another key.

    P:partitions               hash    topic -> its number of partitions, as far as any worker has seen
    P:{lease}                  string  `token owner` of the leader, with a server-side expiry
    P:{lease}:token            string  the highest fencing token ever given

    P:{probe}, P:{probe}:value, P:{probe}:list   left empty by the start-up check of what the user may run

    P:{topic-n}:state              hash  next, topic, watermark, caught_up, at, gaps, tried;
                                         `bin_set:AGENT` -> a digest D,
                                         `adopted:AGENT` -> `offset watermark` where it was adopted
    P:{topic-n}:ids                hash  `minute.offset` -> 64 bits of each turn's id (baselines/ids.py)
    P:{topic-n}:turns:D:AGENT      hash  minute -> its turns (`#`): which minutes exist, and which changed
    P:{topic-n}:minutes:D:AGENT    hash  minute -> its bucket, a MessagePack map of fields and pointers
    P:{topic-n}:hours:D:AGENT      hash  hour -> turns in its packed part
    P:{topic-n}:packed:D:AGENT     hash  hour -> its packed part (packing.py)

    P:{AGENT}:fence            string  the highest fencing token that wrote
    P:{AGENT}:value:NAME       string  a value (`Put`)
    P:{AGENT}:hash:NAME        hash    a hash (`PutField`)
    P:{AGENT}:list:NAME        list    a list, oldest first (`Push`)

Minutes and hours are whole ones since the epoch, UTC. Only the lease expires by the server's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from baselines.store import Partition

Kind = Literal["value", "hash", "list"]


@dataclass(frozen=True, slots=True)
class Buckets:
    """The four keys of one agent's counts in one partition under one bin set."""

    turns: str
    minutes: str
    hours: str
    packed: str

    def all(self) -> list[str]:
        """In the order that the scripts take them."""
        return [self.turns, self.minutes, self.hours, self.packed]


@dataclass(frozen=True, slots=True)
class Keys:
    """The key schema under one prefix.

    Raises:
        ValueError: the prefix is empty or holds a brace, which would take the hash tag's place.
    """

    prefix: str

    def __post_init__(self) -> None:
        if not self.prefix or "{" in self.prefix or "}" in self.prefix:
            raise ValueError(f"redis prefix {self.prefix!r}: it must be some text without braces")

    @property
    def partitions(self) -> str:
        """The registry of partitions."""
        return f"{self.prefix}:partitions"

    @property
    def lease(self) -> str:
        """The leader's lease; its token counter is beside it (`lease_token`)."""
        return f"{self.prefix}:{{lease}}"

    @property
    def probe(self) -> list[str]:
        """The keys of the start-up check."""
        base = f"{self.prefix}:{{probe}}"
        return [base, f"{base}:value", f"{base}:list"]

    def state(self, partition: Partition) -> str:
        """A partition's state."""
        return f"{self.prefix}:{{{partition}}}:state"

    def ids(self, partition: Partition) -> str:
        """The ids of the turns just counted in a partition."""
        return f"{self.prefix}:{{{partition}}}:ids"

    def buckets(self, partition: Partition, agent: str, bin_set: str) -> Buckets:
        """An agent's counts in a partition under one bin set, named by its digest."""
        base = f"{self.prefix}:{{{partition}}}"
        parts = ("turns", "minutes", "hours", "packed")
        return Buckets(*(f"{base}:{part}:{bin_set}:{agent}" for part in parts))

    def fence(self, agent: str) -> str:
        """The fence of an agent's state."""
        return f"{self._agent(agent)}:fence"

    def agent(self, agent: str, kind: Kind, name: str) -> str:
        """An agent's value, hash or list `name`."""
        return f"{self._agent(agent)}:{kind}:{name}"

    def _agent(self, agent: str) -> str:
        """The agent as a hash tag; an empty tag would be none, and a brace would end it early."""
        if not agent:
            raise ValueError("an agent needs a name")
        return f"{self.prefix}:{{{quote(agent, safe=' /:@')}}}"


def lease_token(lease: str) -> str:
    """The key of the highest token given under the lease key `lease`, in the same slot."""
    return f"{lease}:token"
