"""What a calibration says: proposals, words, the fragment, the table and the picture."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from rich.console import Console

from baselines.windows import DAY, HOUR, STEP
from config.load import load
from tests.unit.config.reading import LEAST
from worker.calibrate.blind import briefly, percent, rarer_half, said
from worker.calibrate.fragment import fragment, write_fragment
from worker.calibrate.measure import duration, proposal
from worker.calibrate.picture import picture
from worker.calibrate.result import BlindSpots, DimensionResult, Pages, Result, Span, Spot, Threshold
from worker.calibrate.table import show, sparkline

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = 1_790_000_400 // HOUR * HOUR


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ((0.03, 0.05), Threshold(0.10, 0.25)),
        ((0.131, 0.30), Threshold(0.14, 0.30)),
        ((0.30, 0.30), Threshold(0.30, 0.38)),
    ],
)
def test_thresholds_are_the_percentiles_and_never_under_the_shipped_ones(
    own: tuple[float, float], expected: Threshold
) -> None:
    assert expected == proposal(own)


def _result(**changes: object) -> Result:
    spots = (Spot("refused", 0.03, 0.071, 0.052), Spot("a <b>", 0.4, 0.52, 0.5), Spot("c", 0.2, None, None))
    usual = DimensionResult(
        side="output",
        name="response_category",
        deciding=True,
        phi_within=1.4,
        current=Threshold(0.1, 0.25),
        note=None,
        window_s=HOUR,
        turns=600,
        evaluations=100,
        omega=0.0001,
        phi=1.5,
        pairs=90,
        movement=(0.13, 0.2),
        chance=(0.031, 0.042),
        proposed=Threshold(0.13, 0.25),
        pages_current=Pages(7, 1, 0.1),
        pages_proposed=Pages(2, 0, 0.04),
        blind=BlindSpots(2, 6, spots, 0.2, None),
        series=tuple((BEGIN + i * STEP, 0.01 * (i % 20)) for i in range(100)),
    )
    unjudged = DimensionResult(
        side="input",
        name="audio",
        deciding=True,
        phi_within=1.0,
        current=Threshold(0.1, 0.25),
        note="too few",
    )
    return Result(
        agent="bot",
        judged=Span(BEGIN, BEGIN + DAY),
        episodes=(Span(BEGIN + HOUR, BEGIN + 3 * HOUR),),
        known_calm=False,
        asked=1.0,
        fast_lane=0.02,
        expected_current=0.1,
        expected_proposed=0.04,
        dimensions=(unjudged, msgspec.structs.replace(usual, **changes)),
    )


def test_the_words_name_the_bin_that_shows_first_and_the_one_that_shows_last() -> None:
    blind = BlindSpots(
        2, 6, (Spot("refused", 0.03, 0.071, 0.052), Spot("answered", 0.42, 0.6, 0.55)), None, None
    )
    words = "refused 3.0 → 7.1 % in 2 h, 5.2 % in a day"
    assert words == said(blind, HOUR)
    three = msgspec.structs.replace(blind, spots=(*blind.spots, Spot("other", 0.1, 0.2, 0.16)))
    assert f"{words}; answered 42 → 60 % in 2 h, 55 % in a day" == said(three, HOUR)
    assert words == briefly(three)


@pytest.mark.parametrize(
    ("blind", "length_s", "expected"),
    [
        (BlindSpots(2, 6, (Spot("x", 0.3, 0.6, 0.51),), None, None), HOUR, "nothing under 21 points"),
        (BlindSpots(2, 6, (Spot("x", 0.9, None, None),), None, None), HOUR, "no rise of any bin"),
        (
            BlindSpots(0, 1, (Spot("x", 0.01, None, 0.1),), None, None),
            DAY,
            "24 h windows, which say nothing in 2 h: x 1.0",
        ),
        (BlindSpots(0, 0, (Spot("x", 0.01, None, None),), None, None), 7 * DAY, "nothing within a day"),
    ],
)
def test_what_is_not_seen_is_said(blind: BlindSpots, length_s: int, expected: str) -> None:
    assert expected in said(blind, length_s)


def test_turns_that_move_to_the_rarer_half_leave_the_common_bins() -> None:
    np.testing.assert_allclose([0, 0, 0.75, 0.25], rarer_half(np.array([0.5, 0.3, 0.15, 0.05])))
    np.testing.assert_allclose([0, 1], rarer_half(np.array([0.995, 0.005])))


def test_figures_are_as_short_as_they_mean_something() -> None:
    assert ["0.05", "0.5", "3.1", "42"] == [percent(share) for share in (0.0005, 0.005, 0.031, 0.42)]
    assert ["20 h", "3 days"] == [duration(hours) for hours in (20, 72)]
    assert "▁▂▄█" == sparkline([0.0, 0.03, 0.09, 0.4], 0.10).plain


def test_the_fragment_fits_any_config_and_is_never_written_over_another_file(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.yaml"
    write_fragment([_result()], path)
    settings = load(path, LEAST)
    assert 0.13 == settings.thresholds.of("output.response_category").moderate
    assert 0.10 == settings.thresholds.of("input.audio").moderate
    assert "not measured, left as they are: input.audio" in path.read_text()
    with pytest.raises(FileExistsError):
        write_fragment([_result()], path)


def test_of_agents_that_share_a_config_the_more_restless_counts() -> None:
    calmer = _result(proposed=Threshold(0.10, 0.4))
    assert '"output.response_category": {moderate: 0.13, significant: 0.40}' in fragment([_result(), calmer])


def test_a_fragment_of_dimensions_that_are_well_as_shipped_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.yaml"
    write_fragment([_result(proposed=Threshold(0.10, 0.25))], path)
    assert {} == load(path, LEAST).thresholds.dimensions


def test_the_picture_is_xml_with_a_panel_for_each_dimension() -> None:
    drawn = ET.fromstring(picture([_result()]))
    texts = [text.text or "" for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert "output response_category" in texts
    assert "too few" in texts
    assert "finds refused 3.0 → 7.1 % in 2 h, 5.2 % in a day" in texts
    assert 1 == len(list(drawn.iter("{http://www.w3.org/2000/svg}polyline")))
    assert ET.fromstring(picture([_result(), _result(series=())])) is not None


def test_the_table_tells_now_and_proposed_beside_each_other() -> None:
    out = io.StringIO()
    show([_result()], Console(file=out, width=150))
    line = next(row for row in out.getvalue().splitlines() if "response_category" in row)
    for part in ("0.130 0.200", "0.031 0.042", "0.10 0.25", "0.13 0.25", "7 → 2", "1 → 0", "0.10 → 0.04"):
        assert part in line
    assert "input.audio: too few" in out.getvalue()
    assert "a <b>" not in line
