"""Whether a text holds code."""

from __future__ import annotations

import pytest

from binning.dimensions.code import InputCode, OutputCode, has_code
from tests.unit.binning.teaching import answered, asked, bins_of, teach


@pytest.mark.parametrize(
    "text",
    [
        "Try this:\n```\npip install it\n```",
        "def area(width, height):\n    return width * height",
        "for (int i = 0; i < n; i++) {",
        "Why is it slow?\nSELECT name FROM users WHERE id = 3;",
        '{"order": 17, "paid": true}',
        '<div class="box">hello</div>',
        "const total = 3;",
        "  frame.plot(kind);",
        "rows = load(path)",
        "#include <stdio.h>\nint x;",
        "class Basket(Base):\n    pass",
    ],
)
def test_code_is_told_from_its_lines(text: str) -> None:
    assert has_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "Hello (again); I would like my money back.",
        "The total = $53.48, and I <3 it",
        "- a lamp;\n- a table;\n- two chairs;",
        "If (and only if) you can, call me; if not, write.",
        'Is it odd? Answer "[Yes]" or "[No]".',
        "[No]",
        "see (https://shop.example/cart?item=7)",
        "name = Ann",
        "select one of the three from the list",
        "\ud800 = broken; {",
    ],
)
def test_prose_with_signs_of_code_is_none(text: str) -> None:
    assert not has_code(text)


def test_each_side_looks_at_its_own_text() -> None:
    (sent,), (answer,) = teach(InputCode, []), teach(OutputCode, [])
    turns = [asked("x = f(1);"), asked("hi"), asked(), answered("x = f(1);"), answered("hi"), answered(None)]
    assert ["yes", "no", None, None, None, None] == bins_of(sent, turns)
    assert [None, None, None, "yes", "no", None] == bins_of(answer, turns)
