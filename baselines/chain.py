"""The rules of a partition's chain of commits as pure functions; lua/commit.lua follows the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from baselines.store import TURNS, Outcome

if TYPE_CHECKING:
    from baselines.store import Commit, PartitionState


def digests_after(commit: Commit) -> dict[str, str]:
    """The digests that the partition counts under once the commit's switches are made."""
    after = dict(commit.digests)
    for switch in commit.switches:
        if switch.to:
            after[switch.agent] = switch.to
        else:
            after.pop(switch.agent, None)
    return after


def check(commit: Commit) -> None:
    """Refuse a commit that no store may apply: a mistake of the caller.

    Raises:
        ValueError: it goes backwards, counts without moving the offset, counts under another bin set than the
            one that the partition then has adopted for the agent, or has a bucket without turns.
    """
    if commit.next < (commit.expected or 0) or (commit.next == commit.expected and commit.buckets):
        raise ValueError(
            f"a commit of {commit.partition} must move on from {commit.expected}, not to {commit.next}"
        )
    adopted = digests_after(commit)
    for key, delta in commit.buckets.items():
        if adopted.get(key.agent) != key.bin_set:
            raise ValueError(f"{commit.partition} has counts for {key.agent!r} without the bin set adopted")
        if delta.counts.get(TURNS, 0) <= 0:
            raise ValueError(f"{commit.partition} has a bucket without {TURNS!r}")


def decide(stored: PartitionState, commit: Commit) -> Outcome:
    """What becomes of a commit on what is stored; APPLIED means that it is to be applied now.

    A commit whose end is stored was written already: by us, with the reply lost, or by a rival over the same
    records, whose counts are then the same. One that only switches moves nothing, so its switches tell.
    """
    digests = dict(stored.digests)
    if stored.topic_id not in (None, commit.topic_id):
        return Outcome.TOPIC
    if stored.next_offset == commit.next and (stored.next_offset != commit.expected or commit.switches):
        if digests == digests_after(commit):
            return Outcome.ALREADY
        if stored.next_offset != commit.expected:
            return Outcome.DIGEST
    if stored.next_offset != commit.expected:
        return Outcome.REFUSED
    switchable = all(digests.get(switch.agent, "") == switch.old for switch in commit.switches)
    return Outcome.APPLIED if digests == dict(commit.digests) and switchable else Outcome.DIGEST
