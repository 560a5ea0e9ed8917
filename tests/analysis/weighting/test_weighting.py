import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation import total
from analysis.replicates import ReplicateDesign
from analysis.weighting import (
    adjust_by_class,
    adjust_by_propensity,
    calibrate,
    compare_margins,
    diagnose,
    poststratify,
    rake,
    trim,
    trim_and_calibrate,
)
from tests.analysis.samples import two_stage

SEX = {"女": 70.0, "男": 60.0}
AGE = {0: 50.0, 1: 40.0, 2: 40.0}


def design_of(seed=0):
    return SurveyDesign(two_stage(seed), weights="w", strata="h", clusters="psu")


def sums(design, column):
    factor = design.columns.factor(column)
    return dict(zip(factor.levels, np.bincount(factor.codes, weights=design.weights), strict=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_raking_meets_both_margins(seed):
    raked = rake(design_of(seed), {"g": SEX, "d": AGE})
    assert sums(raked, "g") == pytest.approx(SEX)
    assert sums(raked, "d") == pytest.approx(AGE)


def test_poststratification_is_linear_calibration_on_the_cells():
    design = design_of(1)
    a = poststratify(design, "d", AGE)
    ones = {f"d{k}": (design.columns.array("d") == k).astype(float) for k in AGE}
    b = calibrate(design, ones, {f"d{k}": v for k, v in AGE.items()})
    assert b.weights == pytest.approx(a.weights)
    assert total(b, "y").se == pytest.approx(total(a, "y").se, rel=1e-9)


def test_raking_is_calibration_with_the_exponential_distance():
    design = design_of(2)
    raked = rake(design, {"g": SEX, "d": AGE})
    columns = {"woman": design.columns.array("g") == "女"}
    columns |= {f"d{k}": design.columns.array("d") == k for k in AGE}
    totals = {"woman": 70.0} | {f"d{k}": v for k, v in AGE.items()}
    columns = {k: v.astype(float) for k, v in columns.items()}
    assert calibrate(design, columns, totals, distance="raking").weights == pytest.approx(raked.weights)


@pytest.mark.parametrize(
    ("distance", "bounds"), [("linear", None), ("linear", (0.3, 4)), ("logit", (0.3, 4))]
)
def test_calibrated_totals_hold_and_have_no_error(distance, bounds):
    design = design_of(3)
    columns = {"one": np.ones(60), "x": design.columns.array("x")}
    goal = {"one": 130.0, "x": 2000.0}
    made = calibrate(design, columns, goal, distance=distance, bounds=bounds)
    result = total(made, columns)
    assert result.estimate == pytest.approx(list(goal.values()))
    assert result.se == pytest.approx([0, 0], abs=1e-7)
    if bounds:
        g = made.weights / design.weights
        assert g.min() >= bounds[0] - 1e-9 and g.max() <= bounds[1] + 1e-9


def test_impossible_calibration_says_which_total_and_by_how_much():
    design = design_of(4)
    with pytest.raises(NotConvergedError, match="x: wanted 9,000") as caught:
        calibrate(
            design,
            {"one": np.ones(60), "x": "x"},
            {"one": 130.0, "x": 9000.0},
            distance="logit",
            bounds=(0.5, 2),
        )
    assert "x" in caught.value.gaps


def test_contradicting_margins_are_named():
    data = two_stage(5)
    data["g2"] = data["g"]
    design = SurveyDesign(data, weights="w")
    with pytest.raises(NotConvergedError, match="g=女: wanted"):
        rake(design, {"g": SEX, "g2": {"女": 60.0, "男": 70.0}}, max_iterations=20)
    with pytest.raises(AnalysisError, match="different grand totals"):
        rake(design, {"g": SEX, "d": {0: 1.0, 1: 1.0, 2: 1.0}})


def test_a_population_without_sample_is_named():
    with pytest.raises(AnalysisError, match="不详"):
        poststratify(design_of(), "g", SEX | {"不详": 5.0})
    with pytest.raises(AnalysisError, match="no population count"):
        poststratify(design_of(), "g", {"女": 70.0})


def test_every_replicate_is_calibrated():
    replicated = ReplicateDesign.from_design(design_of(6), "JKn")
    made = rake(replicated, {"g": SEX, "d": AGE})
    for w in made.replicate_weights():
        assert np.bincount(made.columns.factor("g").codes, weights=w) == pytest.approx([70, 60])
    assert total(made, {"w": made.columns.array("g") == "女"}).se[0] == pytest.approx(0, abs=1e-8)


def test_trimming_keeps_the_sum():
    design = design_of(7)
    cut = trim(design, lower=1.2, upper=2.5, strict=True)
    assert cut.weights.sum() == pytest.approx(design.weights.sum())
    assert cut.weights.min() >= 1.2 - 1e-12 and cut.weights.max() <= 2.5 + 1e-12
    with pytest.raises(NotConvergedError, match="widen the bounds"):
        trim(design, upper=1.01, strict=True)


def test_trimming_and_calibration_hold_together():
    design = design_of(8)
    upper = 4.0
    made = trim_and_calibrate(design, lambda d: rake(d, {"g": SEX, "d": AGE}), upper=upper)
    assert made.weights.max() <= upper * (1 + 1e-6)
    assert sums(made, "g") == pytest.approx(SEX)
    assert len(made.residual_steps) == 1


def test_respondents_take_over_their_class():
    data = two_stage(9)
    data["ok"] = (np.random.default_rng(1).random(60) < 0.7).astype(float)
    design = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    made = adjust_by_class(design, "ok", ["g"])
    for level in ("女", "男"):
        mine = data["g"] == level
        assert made.design.weights[mine].sum() == pytest.approx(data["w"][mine].sum())
    assert (made.design.weights[data["ok"] == 0] == 0).all()
    assert made.design.n_psus == design.n_psus
    with pytest.raises(AnalysisError, match="too few respondents"):
        adjust_by_class(design, "ok", ["g", "d", "h"], min_respondents=5)


@pytest.mark.parametrize("classes", [5, None])
def test_propensity_removes_bias_that_a_covariate_explains(classes):
    rng = np.random.default_rng(11)
    n = 4000
    x = rng.normal(size=n)
    y = 50 + 10 * x + rng.normal(size=n)
    ok = (rng.random(n) < 1 / (1 + np.exp(-(0.3 + x)))).astype(float)
    design = SurveyDesign({"x": x, "y": y, "ok": ok}, weights=np.ones(n))
    made = adjust_by_propensity(design, "ok", {"x": "x"}, n_classes=classes)
    raw = y[ok == 1].mean() - y.mean()
    left = np.average(y, weights=made.design.weights) - y.mean()
    assert raw > 3
    assert abs(left) < raw / 5
    assert made.design.weights.sum() == pytest.approx(n)


def test_diagnostics_are_kishs():
    w = np.array([1.0, 1, 2, 4, 0])
    found = diagnose(w)
    assert found.kish_deff == pytest.approx(4 * 22 / 64)
    assert found.n_effective == pytest.approx(64 / 22)
    assert (found.n, found.n_zero) == (4, 1)


def test_margins_before_and_after():
    design = design_of(12)
    table = compare_margins(design, poststratify(design, "g", SEX), {"g": SEX})
    assert list(table["after"]) == pytest.approx(list(table["target"]))


def test_of_two_calibrations_in_a_row_the_later_one_has_no_error_left():
    """R takes the earlier residual first and leaves an error in the later margin. A jackknife that repeats
    both steps has none there, and decides between the two orders elsewhere."""
    design = SurveyDesign(two_stage(13, strata=10, psus=6), weights="w", strata="h", clusters="psu")
    x = {"one": np.ones(design.n_rows), "x": design.columns.array("x")}
    goal = {"one": 700.0, "x": 10600.0}

    def twice(d):
        return calibrate(poststratify(d, "g", {"女": 300.0, "男": 400.0}), x, goal)

    made, replicated = twice(design), twice(ReplicateDesign.from_design(design, "JKn"))
    for result in (total(made, x), total(replicated, x)):
        assert result.se == pytest.approx([0, 0], abs=1e-6)
    columns = {"y": design.columns.array("y"), "women": (design.columns.array("g") == "女").astype(float)}
    assert total(made, columns).se == pytest.approx(total(replicated, columns).se, rel=0.05)
