"""State as Redis holds it: a partition's hash, and the arguments of the scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from baselines.gaps import decode_gaps, encode_gaps
from baselines.store import Adopted, Commit, PartitionState, Push, Put, PutField, Write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from baselines.keys import Kind

BIN_SET = "bin_set:"
ADOPTED = "adopted:"

_encode = msgspec.msgpack.Encoder().encode


def partition_state(raw: Mapping[bytes, bytes]) -> PartitionState:
    """From the hash `P:{topic-n}:state`; an empty one was never committed."""
    stored = {name.decode(): value.decode() for name, value in raw.items()}
    if "next" not in stored:
        return PartitionState()
    watermark = stored.get("watermark")
    return PartitionState(
        next_offset=int(stored["next"]),
        topic_id=stored["topic"],
        digests=_by_agent(stored, BIN_SET),
        watermark=None if watermark is None else float(watermark),
        caught_up=stored["caught_up"] == "1",
        at=float(stored["at"]),
        gaps=decode_gaps(stored["gaps"]) if "gaps" in stored else (),
        adopted={agent: _adopted(value) for agent, value in _by_agent(stored, ADOPTED).items()},
    )


def _by_agent(stored: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name[len(prefix) :]: value for name, value in stored.items() if name.startswith(prefix)}


def _adopted(text: str) -> Adopted:
    """From `offset watermark` of a partition's state."""
    offset, _, watermark = text.partition(" ")
    return Adopted(int(offset), float(watermark) if watermark else None)


def commit_header(commit: Commit) -> bytes:
    """ARGV[1] of lua/commit.lua."""
    return _encode(
        {
            "expected": "" if commit.expected is None else str(commit.expected),
            "next": str(commit.next),
            "topic": commit.topic_id,
            "at": repr(float(commit.at)),
            "watermark": "" if commit.watermark is None else repr(float(commit.watermark)),
            "caught_up": str(int(commit.caught_up)),
            "digests": dict(commit.digests),
            "switches": [(switch.agent, switch.old, switch.to) for switch in commit.switches],
            "ids": () if commit.ids is None else list(commit.ids.added),
            "forgotten": () if commit.ids is None else list(commit.ids.dropped),
            "gaps": "" if commit.gaps is None else encode_gaps(commit.gaps).decode(),
        }
    )


def write_row(write: Write) -> tuple[Kind, tuple[str | int | bytes, ...]]:
    """A write's kind of key and its ARGV for lua/write.lua."""
    match write:
        case Put(_, value):
            return "value", ("put", "", value) if value is not None else ("delete", "", "")
        case PutField(_, field, value):
            return "hash", ("field", field, value)
        case Push(_, value, keep):
            return "list", ("push", keep, value)
