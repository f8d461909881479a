"""What dimensions share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from binning.dimensions.base import count_words

TEXTS = st.text(max_size=12) | st.text(st.sampled_from(" \t\n\x0b\x0c\x1c\x1f\x85\xa0ab"), max_size=8)


@given(texts=st.lists(TEXTS, max_size=6))
def test_words_are_counted_as_python_splits_them(texts: list[str]) -> None:
    assert [len(text.split()) for text in texts] == count_words(texts).tolist()
