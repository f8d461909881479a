"""What this process counts under: the active agents, read through from the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from baselines.learned import ACTIVE, Active
from worker.wiring import active_bins

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.store import AgentStore
    from binning.encoders import Encoder
    from worker.chain import ActiveBinSet


@dataclass(slots=True)
class ActiveAgents:
    """Called, gives what each learned agent counts under.

    Agents that became active in one round start together: one of a round that is not complete is left out.
    """

    agents: Sequence[str]
    store: AgentStore
    encoder: Encoder
    _bins: dict[str, ActiveBinSet] = field(default_factory=dict)

    def __call__(self) -> Mapping[str, ActiveBinSet]:
        """The active agents.

        Raises:
            StoreError: the store did not answer.
            IncompatibleError: an agent was learned with another encoder.
        """
        found = {agent: active for agent in self.agents if (active := self._active(agent)) is not None}
        return {
            agent: self._bin_set(agent, active)
            for agent, active in found.items()
            if all(other in found for other in active.round if other in self.agents)
        }

    def judged_to(self, agent: str) -> float | None:
        """The event time that an agent is judged up to, None before the first step."""
        status = self.store.get(agent, "status")
        judged: float | None = msgspec.json.decode(status).get("judged_to") if status is not None else None
        return judged

    def _active(self, agent: str) -> Active | None:
        stored = self.store.get(agent, ACTIVE)
        return Active.from_bytes(stored) if stored is not None else None

    def _bin_set(self, agent: str, active: Active) -> ActiveBinSet:
        known = self._bins.get(agent)
        if known is None or known.digest != active.digest:
            known = self._bins[agent] = active_bins(self.store, agent, active, self.encoder)
        return known
