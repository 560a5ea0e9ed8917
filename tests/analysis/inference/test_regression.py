import numpy as np
import pytest
import statsmodels.api as sm

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation import mean
from analysis.inference.model_terms import Categorical, Interaction, Numeric
from analysis.inference.ordinal import ordinal
from analysis.inference.regression import glm, predictive_means
from analysis.inference.term_tests import pseudo_r2, term_test
from analysis.replicates import ReplicateDesign
from tests.analysis.samples import two_stage

FAMILIES = {
    ("gaussian", "identity"): sm.families.Gaussian(),
    ("binomial", "logit"): sm.families.Binomial(),
    ("binomial", "probit"): sm.families.Binomial(sm.families.links.Probit()),
    ("poisson", "log"): sm.families.Poisson(),
}


def sample(seed=1):
    data = two_stage(seed, strata=6, psus=4, take=6)
    rng = np.random.default_rng(seed)
    n = len(data["y"])
    data["c"] = rng.poisson(np.exp(0.05 * data["x"])).astype(float)
    data["a"] = rng.integers(0, 3, n)
    data["b"] = (rng.random(n) < 1 / (1 + np.exp(-(data["x"] - 15) / 3))).astype(float)
    return data


def design_of(data):
    return SurveyDesign(data, weights="w", strata="h", clusters="psu")


@pytest.mark.parametrize(("family", "link"), FAMILIES)
def test_coefficients_and_deviance_are_those_of_statsmodels(family, link):
    data = sample()
    response = {"gaussian": "y", "binomial": "b", "poisson": "c"}[family]
    fit = glm(design_of(data), response, [Numeric("x"), Categorical("a")], family=family, link=link)
    x = np.column_stack([np.ones(len(data["y"])), data["x"], data["a"] == 1, data["a"] == 2]).astype(float)
    w = data["w"] / data["w"].mean()
    other = sm.GLM(data[response], x, family=FAMILIES[family, link], freq_weights=w).fit(tol=1e-14)
    assert fit.coefficients == pytest.approx(other.params, rel=1e-8)
    assert fit.deviance == pytest.approx(other.deviance, rel=1e-10)
    assert fit.null_deviance == pytest.approx(other.null_deviance, rel=1e-8)
    assert fit.naive == pytest.approx(other.normalized_cov_params, rel=1e-6)
    assert fit.names == ("(intercept)", "x", "a=1", "a=2")


def test_a_saturated_model_gives_the_domain_means():
    design = design_of(sample(2))
    fit = glm(design, "y", [Categorical("a")])
    means = mean(design, "y", by="a")
    assert fit.coefficients[0] == pytest.approx(means.estimate[0])
    assert fit.se[0] == pytest.approx(means.se[0])
    assert fit.coefficients[2] == pytest.approx(means.estimate[2] - means.estimate[0])


def test_chunks_do_not_change_a_digit(monkeypatch):
    design = design_of(sample(3))
    whole = glm(design, "b", ["x"], family="binomial")
    monkeypatch.setattr("analysis.inference.regression._CHUNK", 7)
    pieces = glm(design, "b", ["x"], family="binomial")
    assert pieces.vcov == pytest.approx(whole.vcov, rel=1e-10)


def test_rows_with_gaps_are_left_out_as_a_domain():
    data = sample(4)
    data["x"][::5] = np.nan
    design = design_of(data)
    fit = glm(design, "y", ["x"])
    assert fit.n == np.sum(~np.isnan(data["x"]))
    inside = glm(design, "y", [], where=~np.isnan(data["x"]))
    assert inside.coefficients[0] == pytest.approx(mean(design, "y", where=~np.isnan(data["x"])).estimate[0])


def test_the_jackknife_refits_and_comes_close_to_the_sandwich():
    design = design_of(sample(5))
    taylor = glm(design, "b", ["x"], family="binomial")
    jackknife = glm(ReplicateDesign.from_design(design, "JKn"), "b", ["x"], family="binomial")
    assert jackknife.coefficients == pytest.approx(taylor.coefficients)
    assert jackknife.se == pytest.approx(taylor.se, rel=0.15)


def test_separation_and_dependent_terms_are_said():
    data = sample(6)
    data["s"] = (data["x"] > 15).astype(float)
    with pytest.raises((NotConvergedError, AnalysisError)):
        glm(design_of(data), "s", ["x"], family="binomial")
    data["x2"] = 2 * data["x"]
    with pytest.raises(AnalysisError, match="linearly dependent"):
        glm(design_of(data), "y", ["x", "x2"])
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        glm(design_of(data), "y", ["x"], family="binomial")


def test_one_term_tested_three_ways():
    fit = glm(design_of(sample(7)), "b", ["x", Categorical("a")], family="binomial")
    results = {m: term_test(fit, ["x"], method=m) for m in ("Wald", "WorkingWald", "LRT")}
    assert results["Wald"].statistic == pytest.approx(fit.t[1] ** 2)
    assert results["Wald"].p_value == pytest.approx(fit.p_values[1])
    assert all(r.p_value < 0.01 for r in results.values())
    assert 0 < pseudo_r2(fit) < 1
    with pytest.raises(AnalysisError, match="the model has the terms"):
        term_test(fit, ["z"])


def test_an_interaction_multiplies_columns_and_predictions_follow_the_coding():
    data = sample(8)
    terms = [Categorical("a"), Numeric("x"), Interaction((Categorical("a"), Numeric("x")))]
    fit = glm(design_of(data), "y", terms)
    assert fit.names[-2:] == ("a=1:x", "a=2:x")
    predicted = fit.predict({"a": [0, 2], "x": [10.0, 20.0]})
    b = fit.coefficients
    assert predicted.estimate == pytest.approx([b[0] + 10 * b[3], b[0] + b[2] + 20 * (b[3] + b[5])])


def test_predictive_means_of_a_model_without_covariates_are_the_group_means():
    design = design_of(sample(9))
    fit = glm(design, "y", [])
    margins = predictive_means(fit, Categorical("a"))
    means = mean(design, "y", by="a")
    assert margins.estimate == pytest.approx(means.estimate)
    assert margins.se == pytest.approx(means.se)


def test_an_ordinal_model_of_two_levels_is_the_binary_one():
    design = design_of(sample(10))
    binary = glm(design, "b", ["x"], family="binomial")
    found = ordinal(design, "b", ["x"])
    assert found.coefficients[0] == pytest.approx(binary.coefficients[1], rel=1e-7)
    assert found.cutpoints[0] == pytest.approx(-binary.coefficients[0], rel=1e-7)
    assert found.se == pytest.approx(binary.se[::-1], rel=1e-6)
    assert found.cut_names == ("0|1",) or found.cut_names == ("0.0|1.0",)
