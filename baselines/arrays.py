"""What arrays of counts and shares are called, and arrays as plain values, for state that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.float64] | NDArray[np.int64]


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """The array as its dtype, shape and little-endian bytes, C order."""
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return {"d": little.dtype.str, "s": list(array.shape), "b": little.tobytes()}


def unpack(state: Mapping[str, Any]) -> NDArray[Any]:
    """The array that `pack` was given, writable."""
    return np.frombuffer(state["b"], dtype=np.dtype(state["d"])).reshape(state["s"]).copy()
