"""Where learning is, kept in the store: what kills the process is found by the one that comes after it.

Learning begins anew after a death, over the same offsets. Where it dies of one of them it would do so for
ever, and nobody could say where.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from baselines.store import Partition, Put
from worker.ingesting.placing import ATTEMPTS
from worker.leadership import DeposedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from baselines.store import AgentStore
    from worker.records import Ranges

LEARNING_AT = "learning-at"
"""Name of the place among an agent's values; it has none while nothing is read."""

LEARNING_ENDED = "learning-ended"
"""Name of the process that was told to stop last while it led, among an agent's values."""

THIS_PROCESS = uuid.uuid4().hex

log = structlog.get_logger()


class Place(msgspec.Struct, frozen=True):
    """Learning in a `process` reads on from `offset`, or (topic "") fits bins.

    It `died` so often right there before.
    """

    topic: str = ""
    number: int = 0
    offset: int = 0
    died: int = 0
    process: str = ""

    def again(self, other: Place) -> Place:
        """This place, with the deaths of another if it is the same."""
        same = (self.topic, self.number, self.offset) == (other.topic, other.number, other.offset)
        return msgspec.structs.replace(self, died=other.died) if same else self


@dataclass(slots=True)
class Bookmark:
    """Notes where an agent's learning is, with the leader's `token`.

    What a process left that leads again once the store is back is no death, nor is what one left that was
    told to stop.
    """

    agent: str
    store: AgentStore
    token: int
    process: str = THIS_PROCESS
    _before: Place = field(default=Place(topic="nowhere"), init=False)
    _put: bool = field(default=False, init=False)

    def look(self, ranges: Ranges) -> None:
        """Where it died again and again in one place, say so, and have a bad batch there avoided."""
        stored = self.store.get(self.agent, LEARNING_AT)
        if stored is None:
            return
        left = msgspec.json.decode(stored, type=Place)
        ended = self.store.get(self.agent, LEARNING_ENDED) or b""
        died = left.process not in (self.process, ended.decode())
        self._before = msgspec.structs.replace(left, died=left.died + died)
        if self._before.died < ATTEMPTS:
            return
        at = {"partition": f"{left.topic}-{left.number}", "offset": left.offset} if left.topic else {}
        log.error(
            "learning_dies",
            agent=self.agent,
            died=self._before.died,
            doing="reading on from the offset" if left.topic else "fitting bins",
            **at,
            hint="if no bad_batch is told of next, give the process more memory, or delete the records there",
        )
        if left.topic:
            ranges.probe(Partition(left.topic, left.number), left.offset)

    @property
    def hopeless(self) -> str | None:
        """How many processes ended in one place, once more than when it was told of; None before that.

        Some of them may live, and have lost the lease in the middle of it.
        """
        left = self._before
        if left.died <= ATTEMPTS:
            return None
        doing = f"{left.topic}-{left.number}, offset {left.offset}" if left.topic else "fitting bins"
        return f"{left.died} processes died of it or lost the lease ({doing})"

    def at(self, partition: Partition, offset: int) -> None:
        """Records from `offset` on are read now.

        Raises:
            DeposedError: another leads by now.
        """
        self._note(Place(*partition, offset, process=self.process))

    def fits(self) -> None:
        """All is read, and bins are fitted.

        Raises:
            DeposedError: another leads by now.
        """
        self._note(Place(process=self.process))

    def close(self) -> None:
        """Nothing is read any more: who comes next does not follow a death."""
        if self._put:
            self._put = False
            self.store.write(self.agent, self.token, [Put(LEARNING_AT, None)])

    def _note(self, place: Place) -> None:
        self._put = True
        put = Put(LEARNING_AT, msgspec.json.encode(place.again(self._before)))
        if not self.store.write(self.agent, self.token, [put]):
            raise DeposedError


def told_to_stop(store: AgentStore, agents: Iterable[str], token: int) -> None:
    """This process ends, in the middle of fitting bins perhaps, which nothing can break off in order.

    Raises:
        StoreUnavailable: it cannot be noted.
    """
    for agent in agents:
        if store.get(agent, LEARNING_AT) is not None:
            store.write(agent, token, [Put(LEARNING_ENDED, THIS_PROCESS.encode())])
