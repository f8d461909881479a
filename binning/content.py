"""What a bin set holds, as bytes: canonical, so that the same content has the same name on any machine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from binning.dimensions import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from binning.dimensions.base import Dimension

_DIGEST_CHARS = 16


def encode(content: Any) -> bytes:
    """Plain values and arrays as bytes: the same content gives the same bytes."""
    return _ENCODER.encode(content)


def decode(data: bytes) -> Any:
    """Back from `encode`, arrays as plain values still (`restore`)."""
    return _DECODER.decode(data)


def named(data: bytes) -> str:
    """The digest that content goes by."""
    return hashlib.sha256(data).hexdigest()[:_DIGEST_CHARS]


def known(entry: Mapping[str, Any]) -> bool:
    """Whether this version of quadrift bins a dimension as the one did that learned it."""
    return entry["kind"] in KINDS and KINDS[entry["kind"]].version == entry["version"]


def restore(entry: Mapping[str, Any]) -> Dimension:
    """The dimension of one entry of a bin set.

    Raises:
        ValueError: another version of quadrift learned it.
    """
    if not known(entry):
        raise ValueError(
            f"bin set has {entry['kind']} version {entry['version']}, not known here: learn a new one"
        )
    return KINDS[entry["kind"]].restore({name: _plain(value) for name, value in entry["state"].items()})


def _array(value: Any) -> Any:
    """An array as plain values: little-endian bytes, whatever the machine."""
    if isinstance(value, np.ndarray):
        little = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return {"dtype": little.dtype.str, "shape": list(little.shape), "data": little.tobytes()}
    raise NotImplementedError(f"a bin set cannot hold a {type(value).__name__}")


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"dtype", "shape", "data"}:
        return np.frombuffer(value["data"], dtype=value["dtype"]).reshape(value["shape"])
    return value


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_array, order="deterministic")
_DECODER = msgspec.msgpack.Decoder()
