"""What this process counts under: the active agents, read through from the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from baselines.learned import ACTIVE, Active
from worker.judging.tracked import IncompatibleError, OutdatedError
from worker.wiring import active_bins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.store import AgentStore
    from binning.encoder import Encoder
    from worker.ingesting.chain import ActiveBinSet


log = structlog.get_logger()


@dataclass(slots=True)
class ActiveAgents:
    """Called, gives what each learned agent counts under.

    Agents that became active in one round start together: one of a round that is not complete is left out.
    """

    agents: Sequence[str]
    store: AgentStore
    encoder: Encoder
    _bins: dict[str, tuple[Active, ActiveBinSet]] = field(default_factory=dict)
    _outdated: set[str] = field(default_factory=set)

    def __call__(self) -> Mapping[str, ActiveBinSet]:
        """The active agents, but for those that another version of quadrift learned.

        Raises:
            StoreError: the store did not answer.
            IncompatibleError: an agent was learned with another encoder.
        """
        found = {agent: active for agent in self.agents if (active := self._active(agent)) is not None}
        together = {
            agent: self._bin_set(agent, active)
            for agent, active in found.items()
            if all(other in found for other in active.round if other in self.agents)
        }
        return {agent: bins for agent, bins in together.items() if bins is not None}

    def judged_to(self, agent: str) -> float | None:
        """The event time that an agent is judged up to, None before the first step."""
        status = self.store.get(agent, "status")
        judged: float | None = msgspec.json.decode(status).get("judged_to") if status is not None else None
        return judged

    def _active(self, agent: str) -> Active | None:
        stored = self.store.get(agent, ACTIVE)
        return Active.from_bytes(stored) if stored is not None else None

    def _bin_set(self, agent: str, active: Active) -> ActiveBinSet | None:
        known = self._bins.get(agent)
        if known is not None and known[0] == active:
            return known[1]
        if active.digest in self._outdated:
            return None
        try:
            bins = active_bins(self.store, agent, active, self.encoder)
        except OutdatedError as error:
            self._outdated.add(active.digest)
            log.warning("agent_outdated", agent=agent, reason=str(error))
            return None
        except IncompatibleError:
            if self._active(agent) == active:
                raise
            return None  # another bin set came into force meanwhile
        self._bins[agent] = active, bins
        return bins
