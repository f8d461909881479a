"""`python -m worker` with an encoder that never comes back: it stays in the middle of fitting bins."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from worker import app
from worker.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Sequence


class Endless:
    """An encoder that is never done."""

    name, digest, width = "endless", "endless", 2

    def encode(self, _: Sequence[str]) -> Any:
        threading.Event().wait()


if __name__ == "__main__":
    vars(app)["encoder"] = lambda *_: Endless()
    sys.exit(main())
