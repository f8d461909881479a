"""What turns texts into vectors, and how it says that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


class EncoderFailed(Exception):  # noqa: N818 - it names a state of the world, not a mistake
    """Texts without a vector. `vectors` are (texts, width) as `encode` gives them, zeros where `failed`."""

    def __init__(self, why: str, vectors: NDArray[np.int8], failed: NDArray[np.bool_]) -> None:
        super().__init__(f"the encoder failed on {int(failed.sum())} of {len(failed)} texts: {why}")
        self.vectors = vectors
        self.failed = failed


class EncoderUnavailable(Exception):  # noqa: N818 - as above
    """It cannot be made now: memory is short, a disk or a device fails. A later start may find it well."""


def said(error: Exception) -> str:
    """An error of a library in a line: its name, and how its text begins."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


class Encoder(Protocol):
    """What turns texts into vectors. `digest` names its weights: bins of two digests are never compared."""

    name: str
    digest: str
    width: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.int8]:
        """Unit vectors times 127, rounded, (texts, width). A text of no known token is a row of zeros.

        Raises:
            EncoderFailed: there is no vector of some text.
        """
