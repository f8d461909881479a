"""Dimensions of the user's own, as the config takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from binning.dimensions.defined import FIELDS
from binning.spec import Defined
from config.decide import DEFAULT_DECIDE
from tests.unit.config.reading import LEAST, read, refusal
from worker.wiring import bin_spec

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings

OWN = r"""
binning:
  dimensions:
    - {name: plan, side: input, attribute: plan, values: [free, pro, 3]}
    - {name: basket, side: output, attribute: price, thresholds: [10, 99.5]}
    - {name: slow, side: output, field: duration_ms, thresholds: [5000]}
    - {name: says_invoice, side: input, pattern: '\binvoice\b'}
"""


def test_each_is_part_of_the_bin_spec(tmp_path: Path) -> None:
    spec = bin_spec(_settings(tmp_path, OWN))
    expected = (
        Defined("plan", "input", attribute="plan", values=("free", "pro", "3")),
        Defined("basket", "output", attribute="price", thresholds=(10.0, 99.5)),
        Defined("slow", "output", field="duration_ms", thresholds=(5000.0,)),
        Defined("says_invoice", "input", pattern=r"\binvoice\b"),
    )
    assert expected == spec.defined


def test_they_decide_and_are_joined_by_default(tmp_path: Path) -> None:
    settings = _settings(tmp_path, OWN)
    own = ("input.plan", "output.basket", "output.slow", "input.says_invoice")
    assert (*DEFAULT_DECIDE, *own) == settings.deciding
    assert {"basket", "slow"} < set(bin_spec(settings).joint_outcomes)


def test_decide_puts_them_in_and_out_by_name(tmp_path: Path) -> None:
    settings = _settings(tmp_path, f"{OWN}decide: [intent, basket, input.plan]\n")
    assert ("input.intent", "output.basket", "input.plan") == settings.deciding
    assert not settings.decides("output.slow")
    assert ("basket",) == bin_spec(settings).joint_outcomes


def test_they_may_have_thresholds_of_their_own(tmp_path: Path) -> None:
    own = "thresholds: {dimensions: {basket: {moderate: 0.3, significant: 0.5}}}\n"
    assert 0.3 == _settings(tmp_path, OWN + own).thresholds.of("output.basket").moderate


def test_they_name_the_bin_set(tmp_path: Path) -> None:
    plain, own = (bin_spec(_settings(tmp_path, text)).digest for text in ("{}", OWN))
    assert plain != own


def test_the_fields_are_those_that_binning_knows(tmp_path: Path) -> None:
    for name in FIELDS:
        _settings(tmp_path, _one(f"field: {name}, thresholds: [1]"))
    assert "field should be 'input_tokens', " in refusal(tmp_path, _one("field: latency, thresholds: [1]"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("attribute: a, name: Plan", "dimensions[0].name should be at most 40 of a-z, 0-9 and _"),
        ("attribute: a, name: 2nd", "and begin with a letter"),
        ("attribute: a, name: 'flags:x'", "should be at most 40 of a-z"),
        ("attribute: a, name: tool_pattern", "name is the name of a built-in dimension: take another"),
        ("attribute: a, name: retrieval_score", "is the name of a built-in dimension"),
        ("attribute: a, side: inputs", "side should be 'input' or 'output'"),
        ("pattern: '(s3cr3t-Tr0ub4dor'", "dimensions[0].pattern is no RE2 expression: it knows neither look"),
        ("pattern: 'a(?=b)'", "pattern is no RE2 expression"),
        ("pattern: ''", "dimensions[0] takes exactly one of attribute, field and pattern"),
        ("attribute: a, pattern: b", "dimensions[0] takes exactly one of attribute, field and pattern"),
        ("attribute: a, thresholds: [10, 10]", "thresholds should be at most 19 numbers, each larger than"),
        ("attribute: a, thresholds: [10, 1]", "each larger than the one before"),
        ("attribute: a, thresholds: [high]", "dimensions[0].thresholds[0] should be a number"),
        ("attribute: a, thresholds: [.nan]", "should be a finite number"),
        ("field: duration_ms", "dimensions[0] needs thresholds for its field, such as [10, 100]"),
        ("pattern: a, values: [b]", "has a pattern, whose bins are no and yes"),
        ("attribute: a, values: [b], thresholds: [1]", "takes values for an attribute alone"),
        ("attribute: a, values: [b, b]", "values should be at most 20 different ones"),
        (f"attribute: a, values: [{'b' * 81}]", "values should have 1 to 80 characters each"),
        ("attribute: a, values: [__other__]", "values should not begin with __"),
        ("atribute: a", "unknown key binning.dimensions[0].atribute; did you mean"),
    ],
)
def test_a_mistake_in_one_is_named_in_one_line(tmp_path: Path, given: str, expected: str) -> None:
    assert expected in refusal(tmp_path, _one(given))


def test_a_tool_that_the_agent_chose_never_says_that_users_changed(tmp_path: Path) -> None:
    said = refusal(tmp_path, "decide: [intent, tool_requested]")
    assert "decide may not hold input.tool_requested: the agent chose the tool, not the user" in said


def test_two_may_not_share_a_name_nor_be_too_many(tmp_path: Path) -> None:
    one = "{name: plan, side: input, attribute: plan}"
    other = "{name: plan, side: output, attribute: tier}"
    assert "names a dimension twice" in refusal(tmp_path, f"binning: {{dimensions: [{one}, {other}]}}")
    many = ", ".join(f"{{name: d{number}, side: input, attribute: a}}" for number in range(21))
    assert "dimensions should be at most 20" in refusal(tmp_path, f"binning: {{dimensions: [{many}]}}")


def test_a_name_that_nobody_defined_is_refused_where_it_is_used(tmp_path: Path) -> None:
    said = refusal(tmp_path, f"{OWN}decide: [baskets]\n")
    assert "decide names a dimension that does not exist; did you mean basket?" in said
    said = refusal(tmp_path, f"{OWN}thresholds: {{dimensions: {{plans: {{moderate: 1, significant: 2}}}}}}")
    assert "thresholds.dimensions names a dimension that does not exist; did you mean plan?" in said
    said = refusal(tmp_path, f"{OWN}    - {{name: x, side: up, attribute: a}}\ndecide: [basket]\n")
    assert "side should be" in said
    assert "does not exist" not in said


def _settings(tmp_path: Path, text: str) -> Settings:
    return read(tmp_path, text, **LEAST)


def _one(given: str) -> str:
    """A config with one dimension; what is given stands in for its name and side too."""
    keys = "" if "name:" in given else ", name: own"
    keys += "" if "side:" in given else ", side: input"
    return f"binning: {{dimensions: [{{{given}{keys}}}]}}"
