"""Suppression, rounding, charts and words: no database."""

import json
import math
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.reports import charts
from survey.reports.charts import Pen
from survey.reports.document import significant
from survey.reports.words import make_figure

SCORE = {"code": "score", "kind": "mean_score"}
SHARE = {"code": "share", "kind": "share"}
CELL = {
    "estimate": 0.5, "se": 0.02, "low": 0.46, "high": 0.55, "df": 20.0, "n": 300,
    "n_effective": 210.0, "deff": 1.43, "variance": "taylor",
}  # fmt: skip


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_twelve_digits_survive_a_round_trip(value):
    rounded = significant(value)
    assert json.loads(json.dumps(rounded)) == rounded
    assert significant(rounded) == rounded
    assert math.isclose(rounded, value, rel_tol=1e-11, abs_tol=0) or value == 0
    assert math.copysign(1, rounded) > 0 or rounded != 0  # no −0.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        significant({"a": [1, {"b": value}]})


@given(
    low=st.floats(0, 100), high=st.floats(0, 100), share=st.floats(0, 1), mean=st.none() | st.floats(0, 100)
)
def test_any_row_is_well_formed_and_inside_its_axis(low, high, share, mean):
    low, high = min(low, high), max(low, high)
    estimate = low + share * (high - low)
    axis = charts.make_axis([low], [high])
    assert axis.low <= low and high <= axis.high and axis.low < axis.high
    assert axis.ticks[0] == axis.low and axis.ticks[-1] == axis.high
    for pen in (Pen(), Pen(300.0)):
        drawn = charts.whisker(
            axis, estimate=estimate, low=low, high=high, mean=mean, emphasis="own", pen=pen
        )
        ElementTree.fromstring(drawn)
        assert "nan" not in drawn and "inf" not in drawn
        strip = charts.strip(
            axis,
            estimate=estimate,
            low=low,
            high=high,
            interval_text="<&>",
            mean=mean,
            mean_text="“",
            pen=pen,
        )
        ElementTree.fromstring(strip)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=11))
def test_diverging_bars_keep_within_the_chart(raw):
    shares = [v / sum(raw) for v in raw]
    extent = charts.diverging_extent([shares])
    drawn = ElementTree.fromstring(charts.diverging(shares, extent=extent, pen=Pen(100.0, 0.0)))
    rects = drawn.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(rects) == len(set(charts.colours(len(shares))))
    assert float(rects[0].get("x")) >= -0.02
    last = rects[-1]
    assert float(last.get("x")) + float(last.get("width")) <= 100.06


def test_the_middle_answer_sits_on_the_middle():
    drawn = ElementTree.fromstring(
        charts.diverging([0.1, 0.2, 0.4, 0.2, 0.1], extent=0.5, pen=Pen(100.0, 0.0))
    )
    middle = drawn.findall(".//{http://www.w3.org/2000/svg}rect")[2]
    assert float(middle.get("x")) + float(middle.get("width")) / 2 == pytest.approx(50)


def test_plus_minus_is_the_wider_side_of_the_interval():
    figure = make_figure(SHARE, "all", CELL, 0.56, 30)
    assert (figure.value_text, figure.half_text, figure.interval_text) == ("50.0", "5.0", "46.0–55.0")
    assert figure.truth_text == "56.0" and not figure.covers


def test_a_suppressed_figure_has_words_and_no_number():
    figure = make_figure(SCORE, "s", {"suppressed": "small"}, 71.0, 30)
    assert not figure.shown and figure.reason == "样本不足（少于 30 份），不公布"
    assert figure.truth is None
