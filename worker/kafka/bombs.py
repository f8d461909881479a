"""A ceiling on what a compressed batch may become: the Kafka client has none.

A batch of a few kilobytes can hold half a gigabyte, which the client would make three copies of. With the
ceiling it is a damaged batch like any other. Snappy needs none: it cannot shrink anything to less than a
twentieth, so what may be fetched at once bounds it.
"""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

from kafka.errors import CorruptRecordError
from kafka.record import default_records, legacy_records

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 64 << 20
"""The records of one batch, opened. Kafka's own default for a batch is 1 MiB, compressed."""
_PIECE = 1 << 20


def bound_batches() -> None:
    """Have every client of this process refuse to open a batch that becomes larger than the ceiling."""
    for module in (default_records, legacy_records):
        module.gzip_decode = _gzip
        module.lz4_decode = _lz4
    default_records.zstd_decode = _zstd  # older formats know no zstd


def _gzip(packed: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as stream:
        return _bounded(lambda: stream.read(_PIECE))


def _lz4(packed: bytes) -> bytes:
    import lz4.frame  # noqa: PLC0415 - that it is there is checked, with a clear word, at start

    decompressor = lz4.frame.LZ4FrameDecompressor()
    more = iter((packed,))

    def piece() -> bytes:
        opened: bytes = decompressor.decompress(next(more, b""), max_length=_PIECE)
        return opened

    return _bounded(piece)


def _zstd(packed: bytes) -> bytes:
    import zstandard  # noqa: PLC0415 - as above

    decompressor = zstandard.ZstdDecompressor()
    with decompressor.stream_reader(io.BytesIO(packed), read_across_frames=True) as stream:
        return _bounded(lambda: stream.read(_PIECE))


def _bounded(piece: Callable[[], bytes]) -> bytes:
    pieces, size = list[bytes](), 0
    while opened := piece():
        pieces.append(opened)
        size += len(opened)
        if size > MOST_BYTES:
            raise CorruptRecordError(f"a batch becomes larger than {MOST_BYTES >> 20} MiB when it is opened")
    return b"".join(pieces)
