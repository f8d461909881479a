"""What a process that is stuck was doing."""

from __future__ import annotations

import sys
import threading
import traceback


def all_stacks() -> str:
    """The stack of every thread: file, line and function alone, so that no value of a record is in it."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = []
    for ident, frame in sys._current_frames().items():  # noqa: SLF001 - documented, and there is no other way
        calls = [f"  {f.filename}:{f.lineno} {f.name}" for f in traceback.extract_stack(frame)]
        stacks.append("\n".join([f"thread {names.get(ident, ident)}", *calls]))
    return "\n".join(stacks)
