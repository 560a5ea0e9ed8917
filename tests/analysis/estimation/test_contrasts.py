import numpy as np
import pytest

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import contrast, covariance_matrix, mean, ratio, row_labels, smooth_contrast, total
from tests.analysis.samples import two_stage


@pytest.fixture
def design():
    return SurveyDesign(two_stage(1), weights="w", strata="h", clusters="psu")


def test_a_difference_of_means_is_the_mean_of_the_difference(design):
    means = mean(design, ["y", "x"])
    made = contrast(means, {"d": {"y": 1, "x": -1}})
    direct = mean(design, {"d": design.columns.array("y") - design.columns.array("x")})
    assert made.estimate == pytest.approx(direct.estimate)
    assert made.se == pytest.approx(direct.se)


def test_a_ratio_of_totals_by_the_delta_method_is_the_ratio(design):
    made = smooth_contrast(total(design, ["y", "x"]), {"r": lambda t: t["y"] / t["x"]})
    direct = ratio(design, "y", "x")
    assert made.estimate == pytest.approx(direct.estimate)
    assert made.se == pytest.approx(direct.se, rel=1e-10)


def test_a_contrast_of_domains_carries_the_smaller_df_and_an_unknown_row_is_named(design):
    means = mean(design, "y", by="d")
    assert row_labels(means) == ["d=0", "d=1", "d=2"]
    made = contrast(means, {"a": {"d=0": 1, "d=2": -1}})
    assert made.df[0] == min(means.df[0], means.df[2])
    with pytest.raises(AnalysisError, match="no row 'd=9'"):
        contrast(means, {"a": {"d=9": 1}})


def test_without_covariances_a_contrast_is_refused(design):
    with pytest.raises(AnalysisError, match="covariance=True"):
        contrast(mean(design, "y", by="d", covariance=False), {"a": {"d=0": 1, "d=1": -1}})


def test_a_variance_is_that_of_the_squared_deviations(design):
    y, w = design.columns.array("y"), design.weights
    found = covariance_matrix(design, "y")
    centred = y - np.average(y, weights=w)
    direct = mean(design, {"v": centred**2 * 60 / 59})
    assert found.estimate == pytest.approx(direct.estimate)
    assert found.se == pytest.approx(direct.se)
