from __future__ import annotations

import pytest

from alerts.hygiene import clean, cut


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lookup_order", "lookup_order"),
        ("two\nlines\tand\x00more", "two lines and more"),
        ("\u202egnirts\u202c", "gnirts"),
        ("zero\u200bwidth\U000e0041", "zerowidth"),
        ("lone\ud800surrogate", "lonesurrogate"),
        ("line\u2028separator", "line separator"),
        ("cafe\u0301", "café"),
        ("x" * 70, "x" * 59 + "…"),
        ("", ""),
    ],
)
def test_a_name_from_a_trace_is_one_harmless_line(text: str, expected: str) -> None:
    assert expected == clean(text)


def test_what_fits_is_not_cut() -> None:
    assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")
