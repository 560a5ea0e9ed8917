"""Chunks and an engine that groups give the figures of `estimation` on rows in memory."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, LonelyPSUError
from analysis.estimation import mean, proportion, ratio, total
from analysis.streaming import from_chunks, from_ibis
from analysis.weighting import calibrate, poststratify, rake
from tests.analysis.streaming.surveys import in_chunks, same, survey

ONE_STAGE = {"weights": "w", "strata": "h", "clusters": "psu"}
DESIGNS = {
    "one stage, with replacement": ONE_STAGE,
    "one stage, without replacement": ONE_STAGE | {"fpc": "N1"},
    "no strata": {"weights": "w", "clusters": "psu"},
    "two stages": {"weights": "w", "strata": "h", "clusters": ["psu", "ssu"], "fpc": ["N1", "N2"]},
    "unequal probabilities": ONE_STAGE | {"fpc": "pi", "unequal": "brewer"},
    "Hartley and Rao": ONE_STAGE | {"fpc": "pi", "unequal": "hartley_rao"},
}
MARGINS = [("sex", {"f": 700.0, "m": 600.0}), ("age", {0: 300.0, 1: 350.0, 2: 250.0, 3: 400.0})]
CELLS = {(s, a): 100.0 + 30 * a + 20 * (s == "f") for s in "fm" for a in range(4)}
CALIBRATIONS = {
    "none": lambda d: d,
    "cells": lambda d: poststratify(d, ["sex", "age"], CELLS),
    "raked": lambda d: rake(d, MARGINS),
    "linear": lambda d: calibrate(d, {"one": "one", "size": "size", "z": "z"}, TOTALS),
    "raking distance, model variance": lambda d: calibrate(
        d, {"one": "one", "size": "size"}, FEWER, distance="raking", heteroskedastic="size"
    ),
    "logit distance": lambda d: calibrate(
        d, {"one": "one", "size": "size"}, FEWER, distance="logit", bounds=(0.4, 2.5)
    ),
    "truncated": lambda d: calibrate(d, {"one": "one", "size": "size"}, FEWER, bounds=(0.5, 2.0)),
    "cells, raked, linear": lambda d: calibrate(
        rake(poststratify(d, "g", {"女": 640.0, "男": 660.0}), MARGINS), {"one": "one", "size": "size"}, FEWER
    ),
}
STREAMED = {
    "none": lambda d: d,
    "cells": lambda d: d.poststratify(["sex", "age"], CELLS),
    "raked": lambda d: d.rake(MARGINS),
    "linear": lambda d: d.calibrate(["one", "size", "z"], TOTALS),
    "raking distance, model variance": lambda d: d.calibrate(
        ["one", "size"], FEWER, distance="raking", heteroskedastic="size"
    ),
    "logit distance": lambda d: d.calibrate(["one", "size"], FEWER, distance="logit", bounds=(0.4, 2.5)),
    "truncated": lambda d: d.calibrate(["one", "size"], FEWER, bounds=(0.5, 2.0)),
    "cells, raked, linear": lambda d: (
        d.poststratify("g", {"女": 640.0, "男": 660.0}).rake(MARGINS).calibrate(["one", "size"], FEWER)
    ),
}
TOTALS = {"one": 1300.0, "size": 4400.0, "z": 1500.0}
FEWER = {"one": 1300.0, "size": 4400.0}


def data_of(seed=1, **options):
    data = survey(seed, **options)
    data["one"] = 1.0
    data["z"] = data["d"].astype(float)
    data["pi"] = 0.2 + 0.6 * (data["psu"] % 7) / 7
    return data


def compare(streamed, design, by):
    """Every estimator on one collection."""
    sums = streamed.collect(["y", "x"], ratios=[("y", "size"), ("x", "size")], categories=["q"], by=by)
    by = by or None
    same(sums.mean(), mean(design, ["y", "x"], by=by))
    same(sums.total(), total(design, ["y", "x"], by=by))
    same(sums.ratio(), ratio(design, ["y", "x"], "size", by=by))
    same(sums.proportion("q"), proportion(design, "q", by=by))
    top = {"levels": ["很满意", "满意"], "exclude": ["不了解"]}
    same(sums.proportion("q", **top), proportion(design, "q", by=by, **top))


def sources(data, kind, **design):
    if kind == "chunks":
        return from_chunks(in_chunks(data), **design)
    ibis = pytest.importorskip("ibis")
    return from_ibis(ibis.duckdb.connect().create_table("answers", data), **design)


ROUTES = pytest.mark.parametrize("route", ["chunks", "engine"])


@ROUTES
@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("by", [[], ["d"], ["d", "g"]])
def test_every_design_gives_the_figures_of_the_whole(route, name, by):
    data = data_of()
    compare(sources(data, route, **DESIGNS[name]), SurveyDesign(data, **DESIGNS[name]), by)


@ROUTES
@pytest.mark.parametrize("name", [n for n in CALIBRATIONS if n != "none"])
@pytest.mark.parametrize("by", [[], ["d", "g"], ["age"]])
def test_calibrated_designs_keep_the_variance_of_their_residuals(route, name, by):
    data = data_of(2)
    options = DESIGNS["two stages"]
    compare(
        STREAMED[name](sources(data, route, **options)), CALIBRATIONS[name](SurveyDesign(data, **options)), by
    )


@ROUTES
@pytest.mark.parametrize("lonely", ["remove", "certainty", "adjust", "average"])
@pytest.mark.parametrize("domain_lonely", [False, True])
def test_single_psus_are_treated_as_in_memory(route, lonely, domain_lonely):
    data = data_of(3)
    data = data[(data["h"] != 2) | (data["psu"] == data["psu"][data["h"] == 2].min())]
    data = data[(data["d"] != 1) | (data["h"] != 4) | (data["psu"] % 4 == 0)].reset_index(drop=True)
    options = ONE_STAGE | {"lonely_psu": lonely, "domain_lonely": domain_lonely}
    compare(sources(data, route, **options), SurveyDesign(data, **options), ["d"])


@ROUTES
def test_a_lonely_psu_fails_with_its_stratum_by_default(route):
    data = data_of(3)
    data = data[(data["h"] != 2) | (data["psu"] == 8)].reset_index(drop=True)
    with pytest.raises(LonelyPSUError, match="2"):
        sources(data, route, **ONE_STAGE).collect("x").mean()


@ROUTES
def test_rows_without_a_domain_keep_their_psu_in_the_design(route):
    data = data_of(4)
    data["d"] = data["d"].where(data["d"] != 1)
    data["g"] = data["g"].astype(object).where(data["age"] != 2, None)
    design = rake(SurveyDesign(data, **ONE_STAGE), MARGINS)
    compare(sources(data, route, **ONE_STAGE).rake(MARGINS), design, ["d", "g"])


@ROUTES
def test_truth_values_give_shares(route):
    data = data_of(5)
    same(
        sources(data, route, **ONE_STAGE).collect(["yes"], by=["d"]).mean(),
        mean(SurveyDesign(data, **ONE_STAGE), ["yes"], by="d"),
    )


def test_categories_keep_their_own_order_over_all_chunks():
    data = data_of(6)
    order = ["不满意", "满意", "很满意", "不了解", "拒答"]
    data["q"] = pd.Categorical(data["q"], categories=order)
    data["g"] = pd.Categorical(data["g"], categories=["女", "其他", "男"])
    compare(from_chunks(in_chunks(data), **ONE_STAGE), SurveyDesign(data, **ONE_STAGE), ["g"])


@ROUTES
def test_columns_may_have_the_names_of_common_sums(route):
    data = data_of(9).rename(columns={"h": "n", "psu": "u0", "d": "rows", "g": "w2", "sex": "none"})
    options = {"weights": "w", "strata": "n", "clusters": "u0"}
    margins = [("none", MARGINS[0][1]), MARGINS[1]]
    design = rake(SurveyDesign(data, **options), margins)
    compare(sources(data, route, **options).rake(margins), design, ["rows", "w2"])


@pytest.mark.parametrize("kind", ["polars", "arrow", "record batches"])
def test_chunks_are_frames_of_any_kind(kind):
    data = data_of(8)
    design = SurveyDesign(data, **ONE_STAGE)
    if kind == "polars":
        polars = pytest.importorskip("polars")
        chunks = [polars.from_pandas(c) for c in in_chunks(data)]
    else:
        arrow = pytest.importorskip("pyarrow")
        table = arrow.Table.from_pandas(data)
        chunks = [table] if kind == "arrow" else table.to_batches(max_chunksize=70)
    compare(from_chunks(chunks, **ONE_STAGE), design, ["d", "g"])


def test_covariance_between_domains_comes_on_request():
    data = data_of(7)
    sums = from_chunks(in_chunks(data), **ONE_STAGE).rake(MARGINS).collect(["y"], by=["psu", "g"])
    design = rake(SurveyDesign(data, **ONE_STAGE), MARGINS)
    same(sums.mean(covariance=True), mean(design, ["y"], by=["psu", "g"], covariance=True))
    assert sums.mean(covariance=False).vcov is None


@st.composite
def situations(draw):
    data = data_of(
        draw(st.integers(0, 10_000)),
        strata=draw(st.integers(1, 4)),
        psus=draw(st.integers(2, 4)),
        ssus=draw(st.integers(2, 3)),
        take=draw(st.integers(4, 8)),
    )
    by = draw(st.sampled_from([[], ["d"], ["g", "d"], ["psu"]]))
    return data, draw(st.sampled_from(list(DESIGNS))), draw(st.sampled_from(list(CALIBRATIONS))), by


@settings(max_examples=60, deadline=None)
@given(situations(), st.integers(1, 400), st.randoms(use_true_random=False))
def test_neither_the_size_nor_the_order_of_chunks_matters(situation, size, random):
    data, name, calibration, by = situation
    design = SurveyDesign(data, **DESIGNS[name])
    chunks = in_chunks(data, size)
    random.shuffle(chunks)
    try:
        calibrated = CALIBRATIONS[calibration](design)
    except AnalysisError as error:
        with pytest.raises(type(error)):
            STREAMED[calibration](from_chunks(chunks, **DESIGNS[name]))
        return
    compare(STREAMED[calibration](from_chunks(chunks, **DESIGNS[name])), calibrated, by)
