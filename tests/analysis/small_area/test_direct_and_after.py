"""Direct figures of communities, smoothed variances, benchmarking."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean
from analysis.small_area import area_estimates, benchmark, direct_domain_mean, smooth_variances


def answers(seed=3, n=60, areas=5):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"area": np.arange(n) % areas, "home": np.arange(n) // 2, "w": rng.uniform(1, 3, n)})
    return frame.assign(y=rng.integers(0, 2, n) * 100.0)


def test_a_community_s_figure_is_the_mean_of_a_design_with_households_as_units():
    frame = answers()
    found = area_estimates(frame, y="y", area="area", weights="w", households="home")
    for k, area in enumerate(found.areas):
        part = frame[frame.area == area]
        plain = mean(SurveyDesign(part, weights="w", clusters="home"), "y")
        assert found.mean[k] == pytest.approx(plain.estimate[0])
        assert found.variance[k] == pytest.approx(plain.se[0] ** 2)


def test_the_finite_population_correction_shrinks_the_variance():
    frame = answers()
    free = area_estimates(frame, y="y", area="area")
    bounded = area_estimates(frame, y="y", area="area", population=[24.0] * 5)
    assert np.allclose(bounded.variance, free.variance * 0.5)


def test_a_unanimous_community_has_variance_zero_and_an_empty_one_no_figure():
    frame = answers()
    frame.loc[frame.area == 2, "y"] = 100.0
    found = area_estimates(frame, y="y", area="area", areas=[2, 7])
    assert found.variance[0] == 0 and found.n[0] == 12
    assert np.isnan(found.mean[1]) and found.reason[1] == "no answer"


def test_srs_domain_means_follow_the_textbook():
    frame = answers()
    found = direct_domain_mean(frame, y="y", domain="area", design="srs with replacement")
    part = frame[frame.area == 1].y
    assert found.mean[1] == pytest.approx(part.mean())
    assert found.sd[1] == pytest.approx(part.std() / np.sqrt(len(part)))


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"design": "guesswork"}, "design is one of"),
        ({}, "needs weights"),
        ({"weights": "w"}, "needs the sizes"),
    ],
)
def test_a_direct_mean_says_what_it_lacks(extra, words):
    with pytest.raises(AnalysisError, match=words):
        direct_domain_mean(answers(), y="y", domain="area", **extra)


def test_pooling_gives_a_unanimous_community_a_variance():
    variance, n = np.array([0.0, 40.0, 20.0, np.nan]), np.array([10, 10, 20, 1])
    smooth = smooth_variances(variance, n)
    unit = (9 * 0 * 10 + 9 * 40 * 10 + 19 * 20 * 20) / (9 + 9 + 19)
    assert smooth.unit_variance == pytest.approx(unit)
    assert np.allclose(smooth.variance, unit / n) and smooth.n_zero == 1


def test_pooling_is_unbiased_where_one_answer_varies_alike():
    rng = np.random.default_rng(1)
    n = rng.integers(3, 9, 4000)
    variance = np.array([np.var(rng.normal(0, 5, k), ddof=1) / k for k in n])
    assert smooth_variances(variance, n).unit_variance == pytest.approx(25, rel=0.05)


@given(st.integers(0, 1000))
def test_the_log_linear_function_keeps_the_sum_of_the_variances(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(5, 60, 30)
    variance = 400 / n * rng.chisquare(n - 1) / (n - 1)
    variance[3] = 0.0
    smooth = smooth_variances(variance, n, predictors={"z": rng.normal(size=30)}, method="loglinear")
    assert smooth.variance.sum() == pytest.approx(variance.sum())
    assert (smooth.variance > 0).all()


def test_variances_that_determine_no_function_are_refused():
    with pytest.raises(AnalysisError, match="pooled"):
        smooth_variances(np.array([1.0, 2.0, 3.0]), np.array([5, 5, 5]), method="loglinear")
    with pytest.raises(AnalysisError, match="no area shows any variance"):
        smooth_variances(np.zeros(3), np.array([5, 5, 5]))


@given(
    theta=st.lists(st.floats(1, 100), min_size=2, max_size=12),
    target=st.floats(1, 100),
    method=st.sampled_from(["ratio", "difference", "optimal"]),
    seed=st.integers(0, 99),
)
def test_benchmarked_figures_add_up_to_the_city(theta, target, method, seed):
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.1, 1, len(theta))
    share /= share.sum()
    moved = benchmark(np.array(theta), share, target, method=method, mse=rng.uniform(0.1, 4, len(theta)))
    assert share @ moved == pytest.approx(target)


def test_optimal_benchmarking_moves_the_surest_figure_least():
    moved = benchmark(
        np.array([50.0, 50.0]), np.array([0.5, 0.5]), 52, method="optimal", mse=np.array([1.0, 9.0])
    )
    assert np.allclose(moved, [50.4, 53.6])


def test_shares_that_do_not_add_up_are_refused():
    with pytest.raises(AnalysisError, match="add up"):
        benchmark(np.array([1.0, 2.0]), np.array([0.5, 0.4]), 1.5)
