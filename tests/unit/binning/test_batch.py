"""What dimensions share."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from binning.dimensions.code import has_code
from binning.dimensions.marks import Marks

LINES = (
    "```",
    "x = f(1);",
    "{",
    "} else {",
    "def f(x):",
    "<p>",
    "import os;",
    "not (code)",
    "caf\u00e9 {",
    "so",
)
TEXTS = st.text(max_size=12) | st.text(st.sampled_from(" \t\n\x0b\x0c\x1c\x1f\x85\xa0ab"), max_size=8)


@given(texts=st.lists(TEXTS, max_size=6))
def test_words_are_counted_as_python_splits_them(texts: list[str]) -> None:
    assert [len(text.split()) for text in texts] == Marks.of(texts).words.tolist()


@given(texts=st.lists(st.lists(st.sampled_from(LINES), max_size=3).map("\n".join), max_size=6))
def test_the_marks_miss_no_line_break_and_no_code(texts: list[str]) -> None:
    marks = Marks.of(texts)
    assert {row for row, text in enumerate(texts) if "\n" in text} <= set(marks.broken)
    assert {row for row, text in enumerate(texts) if has_code(text)} <= set(marks.signed)


def test_plain_prose_needs_no_closer_look() -> None:
    marks = Marks.of(["", "It is on its way, as I said: tomorrow.", " "])
    assert ([0, 9, 0], [], []) == (marks.words.tolist(), marks.broken, marks.signed)


def test_long_texts_are_marked_as_short_ones_are_in_little_memory() -> None:
    words = [word for size in range(60) for word in (0, 1, 37 * size, 9_000)]
    texts = ["word " * number + "\n" * (number % 2) for number in words]
    tracemalloc.start()
    marks = Marks.of(texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words == marks.words.tolist()
    assert [row for row, number in enumerate(words) if number % 2] == marks.broken
    assert peak < sum(map(len, texts)) * 2
