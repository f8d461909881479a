"""Whose death says that a batch is bad: of who died of it, not of who was told to end."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

from baselines.store import Partition
from worker.kafka.client import KafkaOptions
from worker.kafka.probe import BadBatch, find_bad_batch

if TYPE_CHECKING:
    from pathlib import Path

P0 = Partition("turns", 0)


@pytest.mark.fault("K11")
@pytest.mark.parametrize(
    ("died_of", "found"),
    [
        (signal.SIGKILL, BadBatch(P0, 2, 3, 2, 2)),
        (signal.SIGSEGV, BadBatch(P0, 2, 3, 2, 2)),
        (signal.SIGTERM, None),
        (signal.SIGALRM, None),
    ],
)
def test_a_batch_is_bad_where_its_reader_died_of_it_and_not_where_it_was_told_to_end(
    died_of: signal.Signals, found: BadBatch | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = tmp_path / "reader"
    reader.write_text(f"#!/bin/sh\ncat > /dev/null\necho '[\"turns\", 0, 2, 3, 2, 2]'\nkill -{died_of} $$\n")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    assert found == find_bad_batch(KafkaOptions(("localhost:1",)), P0, 0)
