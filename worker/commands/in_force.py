"""What is in force for an agent: its bin set, what that was learned from, the reference, the clusters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table

from baselines.followed import followed
from baselines.history import ALL
from baselines.learned import ACTIVE, Active, bin_set_name
from baselines.reference import FREEZE_HOURS
from binning.kept import Kept
from worker.judging.inheriting import PROGRESS, Saved
from worker.wiring import bin_spec

if TYPE_CHECKING:
    from rich.console import Console

    from baselines.store import Partition, PartitionState, Store
    from config.settings import Settings

_HOUR = 3600


def in_force(store: Store, agent: str, settings: Settings) -> dict[str, Any] | None:
    """Plain values, for people and machines; None while the agent is not learned. No text of a user's."""
    stored = store.get(agent, ACTIVE)
    if stored is None:
        return None
    active = Active.from_bytes(stored)
    return {
        "bin_set": active.digest,
        "learned_to": active.until,
        "learned_turns": active.turns,
        "settings_changed_since": active.spec != bin_spec(settings).digest,
        "before": list(active.past),
        "lost": list(active.lost),
        "dimensions": _references(store, agent, active),
        "clusters": _clusters(store, agent, active),
        "partitions": {
            str(partition): {
                "bin_set": state.digests.get(agent),
                "from_offset": _begin(partition, state, agent, active),
                "next_offset": state.next_offset,
            }
            for partition, state in followed(store, settings.kafka.topics).items()
        },
    }


def _begin(partition: Partition, state: PartitionState, agent: str, active: Active) -> int | None:
    """The first offset that is counted under the bin set in force, behind what a first start learned from."""
    if agent not in state.adopted:
        return None
    learned = (planned.end for planned in active.ends if planned.partition == partition)
    return max(state.adopted[agent].offset, *learned, 0)


def _references(store: Store, agent: str, active: Active) -> dict[str, dict[str, Any]]:
    """Each dimension's fixed reference, of the whole: its hours, and from when it is judged."""
    saved = store.get(agent, f"{PROGRESS}:{active.digest}")
    if saved is None:
        return {}
    whole = msgspec.msgpack.decode(saved, type=Saved).segments[ALL]
    return {
        key: {
            "reference_from": fixed["began"] * _HOUR,
            "reference_to": (fixed["until"] + 1) * _HOUR,
            "frozen": fixed["until"] >= fixed["began"] + FREEZE_HOURS - 1,
            "judged_from": whole["tracked"][key]["since"] or whole["since"],
        }
        for key, fixed in whole["fixed"].items()
    }


def _clusters(store: Store, agent: str, active: Active) -> list[str]:
    """The terms of each cluster."""
    data = store.get(agent, bin_set_name(active.digest))
    found = Kept.of(data).dimensions.get(("input.cluster", "cluster")) if data is not None else None
    return list(found.labels[:-1] or found.bins[:-1]) if found is not None else []


def shown(console: Console, agent: str, found: dict[str, Any] | None) -> None:
    """The same for a person."""
    if found is None:
        console.print(f"[bold]{agent}[/]: not learned yet")
        return
    console.print(
        f"[bold]{agent}[/]: bin set {found['bin_set']}, learned from {found['learned_turns']:,} turns"
        f" up to {_when(found['learned_to'])}"
    )
    if found["settings_changed_since"]:
        console.print(
            "settings of `binning` have changed since; `quadrift baseline recluster` takes them over"
        )
    if found["before"]:
        console.print(f"before it: {', '.join(found['before'])}")
    if found["lost"]:
        console.print(
            f"forgotten by Redis in a fail-over, and a gap: {', '.join(found['lost'])};"
            " `quadrift baseline recluster` learns anew"
        )
    for about, names in _alike(found["dimensions"]).items():
        console.print(f"{about}: {', '.join(names)}")
    clusters = Table("cluster", "typical terms", box=None)
    for index, terms in enumerate(found["clusters"]):
        clusters.add_row(str(index), terms)
    console.print(clusters)
    partitions = Table("partition", "counts under", "from offset", "up to", box=None)
    for name, one in found["partitions"].items():
        partitions.add_row(name, *(str(one[key]) for key in ("bin_set", "from_offset", "next_offset")))
    console.print(partitions)


def _alike(dimensions: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """The dimensions that have the same reference, under what there is to say of it."""
    found: dict[str, list[str]] = {}
    for key, one in dimensions.items():
        span = f"{_when(one['reference_from'])} to {_when(one['reference_to'])}"
        grows = "frozen" if one["frozen"] else "still growing"
        about = f"reference {span}, {grows}, judged from {_when(one['judged_from'])}"
        found.setdefault(about, []).append(key)
    return found


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")
