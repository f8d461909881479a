"""One line that fails ends the process, and the others know why before they stop."""

from __future__ import annotations

from worker.threads import Threads


def test_a_line_that_fails_is_known_to_the_others_when_they_are_told_to_stop() -> None:
    threads, seen = Threads(), list[BaseException | None]()
    failure = MemoryError("ingest")

    def starved() -> None:
        raise failure

    def lease() -> None:
        threads.stop.wait()
        seen.append(threads.failure)

    threads.start("lease", lease)
    threads.run("ingest", starved)
    threads.join(10)
    assert [failure] == seen
