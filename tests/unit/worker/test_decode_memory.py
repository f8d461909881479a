"""What decoding keeps of the records that it has read."""

import tracemalloc

from tests.unit.worker.test_decode import decoded, record

SIZE = 900_000


def test_long_lists_of_tools_are_not_kept() -> None:
    records = [record(tools=[f"{number}" * SIZE]) for number in range(10)]
    tracemalloc.start()
    found = {decoded(value).tool_set for value in records}
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 10
    assert kept < SIZE, kept
