"""Verdicts and snapshots made by hand, for the tests of what is answered from them."""

from alerts.verdict import (
    DimensionVerdict,
    Driver,
    Quadrant,
    Side,
    SideVerdict,
    Status,
    Verdict,
    WindowSpan,
)
from baselines.store import Partition, PartitionState
from worker.serving.snapshot import AgentView, Snapshot

NOW = 1_800_000_000.0
AT = 1_799_999_400


def dimension(side: Side, name: str, psi: float, *, exceeds: bool = False) -> DimensionVerdict:
    return DimensionVerdict(
        side=side,
        name=name,
        version=1,
        reference="fixed",
        window=WindowSpan(AT - 3600, AT, 3600),
        turns=600,
        reference_turns=14_000,
        psi=psi,
        psi_raw=psi + 0.02,
        noise_floor=0.02,
        p_value=0.001 if exceeds else 0.4,
        level="significant" if exceeds else "low",
        exceeds=exceeds,
        deciding=True,
        drivers=(Driver(bin="refund", reference_share=0.1, current_share=0.4, contribution=0.3),),
        story="driver" if exceeds else "none",
    )


def verdict(agent: str = "bot", *, segment: str = "all", at: int = AT) -> Verdict:
    return Verdict(
        agent=agent,
        segment=segment,
        at=at,
        bin_set="0123456789abcdef",
        quadrant=Quadrant.WORLD_CHANGED,
        marginal_quadrant=Quadrant.WORLD_CHANGED,
        exceeds=True,
        alerting=True,
        episode="e1",
        status=Status.OK,
        reason=None,
        turns=600,
        input=SideVerdict("significant", 0.41, "intent"),
        output=SideVerdict("low", 0.01, "response_category"),
        behaviour=None,
        dimensions=(
            dimension("input", "intent", 0.41, exceeds=True),
            dimension("output", "response_category", 0.01),
        ),
        changes=(),
        cause="users",
        ruled_out=("model",),
        last_steady={},
        samples=(),
        playbook="http://localhost:8321/playbooks/world_changed",
    )


def judged(name: str = "bot") -> AgentView:
    verdicts = tuple(verdict(name, at=AT - 600 * back) for back in (2, 1, 0))
    pro = verdict(name, segment="plan=pro")
    return AgentView(
        name,
        latest={"all": verdicts[-1], "plan=pro": pro},
        history=(*verdicts, pro),
        status={"state": "ok"},
        bin_set="0123456789abcdef",
        outbox=2,
    )


def learning(name: str = "newcomer") -> AgentView:
    progress = {"state": "learning", "turns": 430, "turns_needed": 1000, "hours": 9.0, "hours_needed": 24.0}
    return AgentView(name, status=progress)


def snapshot(*agents: AgentView, at: float = NOW) -> Snapshot:
    partition = Partition("traces", 0)
    return Snapshot(
        at=at,
        agents={agent.name: agent for agent in agents},
        partitions={partition: PartitionState(next_offset=1234, watermark=NOW - 30, caught_up=True, at=NOW)},
        watermark=NOW - 30,
    )
