"""Partitions that count under a bin set that the store has forgotten.

A fail-over of Redis may take an agent's state back to before its bins were learned anew, and leave partitions
that went over to them. The newest that the store knows is then in force again: they go back to it, and what
they counted in between, which nobody can read any more, is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from baselines.followed import followed
from baselines.learned import ACTIVE, Active
from baselines.store import Put
from worker.leadership import DeposedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from baselines.store import Store

EVERY_S = 10.0
PATIENCE_S = 30.0
"""A fail-over that is under way may show anything: what is lost stays lost for this long."""

log = structlog.get_logger()


@dataclass(slots=True)
class Orphans:
    """Looks at the partitions of `topics` now and then."""

    store: Store
    topics: frozenset[str]
    monotonic: Callable[[], float]
    _due: dict[str, float] = field(default_factory=dict, init=False)
    _since: dict[str, float] = field(default_factory=dict, init=False)

    def forget(self) -> None:
        """Begin anew: another may have led meanwhile."""
        self._due.clear()
        self._since.clear()

    def adopt(self, agent: str, token: int) -> None:
        """Let partitions that count under bins that nobody knows go over to those in force.

        Raises:
            DeposedError: another leads by now.
        """
        now = self.monotonic()
        if now < self._due.get(agent, 0.0):
            return
        self._due[agent] = now + EVERY_S
        found = (state.digests.get(agent) for state in followed(self.store, self.topics).values())
        digests = {digest for digest in found if digest is not None}
        stored = self.store.get(agent, ACTIVE)  # after the partitions' states: never older than they are
        active = Active.from_bytes(stored) if stored is not None else None
        if active is None or not (unknown := digests - {active.digest, *active.past, *active.lost}):
            self._since.pop(agent, None)
        elif now - self._since.setdefault(agent, now) >= PATIENCE_S:
            self._give_up(agent, active, unknown, token)

    def _give_up(self, agent: str, active: Active, unknown: set[str], token: int) -> None:
        lost = (*active.lost, *sorted(unknown))
        changed = msgspec.structs.replace(active, lost=lost)
        if not self.store.write(agent, token, [Put(ACTIVE, changed.to_bytes())]):
            raise DeposedError
        log.error(
            "bin_set_lost",
            agent=agent,
            lost=lost,
            in_force=active.digest,
            hint="Redis has forgotten what was learned last, in a fail-over: what was counted under it is"
            " a gap; `quadrift baseline recluster` learns anew",
        )
