"""What becomes too large when it is opened is a damaged batch; everything else is opened as it was."""

from __future__ import annotations

import random

import pytest
from kafka import codec
from kafka.errors import CorruptRecordError
from kafka.record import default_records

from worker.kafka.bombs import MOST_BYTES, bound_batches

CODECS = ["gzip", "lz4", "zstd"]


@pytest.fixture(autouse=True)
def _bounded() -> None:
    bound_batches()


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_batch_below_the_ceiling_is_opened_as_it_was(name: str, size: int) -> None:
    content = (random.Random(7).randbytes(3_000) * (size // 3_000 + 1))[:size]
    packed = getattr(codec, f"{name}_encode")(content)
    assert content == getattr(default_records, f"{name}_decode")(packed)


@pytest.mark.fault("K11")
@pytest.mark.parametrize("name", CODECS)
def test_a_bomb_is_not_opened_any_further_than_the_ceiling(name: str) -> None:
    bomb = getattr(codec, f"{name}_encode")(bytes(MOST_BYTES + 1))
    with pytest.raises(CorruptRecordError, match="becomes larger than 64 MiB"):
        getattr(default_records, f"{name}_decode")(bomb)
