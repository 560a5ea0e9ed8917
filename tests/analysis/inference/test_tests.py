import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean, proportion
from analysis.inference.agreement import cohen_kappa, cronbach_alpha
from analysis.inference.chisquare import STATISTICS, goodness_of_fit_test, independence_test
from analysis.inference.comparison import (
    adjust_p,
    compare_all,
    rank_test,
    t_test,
    test_against_target,
)
from analysis.inference.quadratic_forms import tail_exact, tail_saddlepoint, tail_satterthwaite
from analysis.weighting import poststratify
from tests.analysis.samples import two_stage


def simple(seed, n=2000):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 2, n)
    return {
        "g": g,
        "a": rng.integers(0, 3, n),
        "y": rng.normal(size=n) + 0.2 * g,
        "b": np.where(rng.random(n) < 0.7, g, 1 - g),
    }


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 30), st.integers(1, 6), st.one_of(st.just(np.inf), st.integers(2, 200)))
def test_equal_weights_give_chi_square_and_f(x, k, ddf):
    want = stats.chi2.sf(x, k) if np.isinf(ddf) else stats.f.sf(x / k, k, ddf)
    assert tail_exact(x, np.ones(k), ddf) == pytest.approx(want, abs=1e-9)
    assert tail_satterthwaite(x, np.ones(k), ddf) == pytest.approx(want, abs=1e-12)
    assert tail_saddlepoint(x, np.ones(k), ddf) == pytest.approx(want, abs=0.01)


def test_the_exact_law_agrees_with_simulation():
    rng = np.random.default_rng(1)
    weights = np.array([2.0, 1.0, 0.3])
    draws = (rng.chisquare(1, (400_000, 3)) @ weights) / (rng.chisquare(9, 400_000) / 9)
    # Binomial error at p = 0.1 is 0.0005; four of them.
    x = np.quantile(draws, 0.9)
    assert tail_exact(x, weights, 9) == pytest.approx(0.1, abs=0.002)


def test_in_a_simple_sample_rao_scott_is_pearson():
    data = simple(2)
    design = SurveyDesign(data, weights=np.ones(2000))
    table = np.histogram2d(data["g"], data["a"], bins=(2, 3))[0]
    pearson = stats.chi2_contingency(table, correction=False)
    found = independence_test(design, "g", "a")
    assert found.statistic == pytest.approx(pearson.statistic / 2, rel=0.01)
    assert found.p_value == pytest.approx(pearson.pvalue, abs=0.01)


def test_all_six_statistics_agree_on_a_clear_and_on_an_absent_association():
    data = simple(3)
    design = SurveyDesign(data, weights=np.ones(2000))
    for statistic in STATISTICS:
        assert independence_test(design, "g", "b", statistic=statistic).p_value < 1e-6
        assert independence_test(design, "g", "a", statistic=statistic).p_value > 0.001


def test_goodness_of_fit_keeps_its_level_under_clustering():
    """300 clustered samples, true shares: at a true 5 % more than 9 % rejections come once in 1,000 seeds."""
    rng = np.random.default_rng(4)
    rejected = 0
    for _ in range(300):
        p = rng.dirichlet([10, 6, 4], 40)
        y = (rng.random((40, 10, 1)) > p.cumsum(1)[:, None, :]).sum(2).ravel()
        design = SurveyDesign({"y": y, "c": np.repeat(np.arange(40), 10)}, weights=np.ones(400), clusters="c")
        rejected += goodness_of_fit_test(design, "y", {0: 0.5, 1: 0.3, 2: 0.2}).p_value < 0.05
    assert rejected / 300 < 0.09


def test_shares_that_calibration_fixes_leave_nothing_to_test():
    data = simple(14)
    design = SurveyDesign(data, weights=np.ones(2000))
    fixed = poststratify(design, "a", {0: 900.0, 1: 700.0, 2: 400.0})
    for shares in ({0: 0.45, 1: 0.35, 2: 0.2}, {0: 0.3, 1: 0.3, 2: 0.4}):
        with pytest.raises(AnalysisError, match="nothing to test"):
            goodness_of_fit_test(fixed, "a", shares)
    assert goodness_of_fit_test(fixed, "g", {0: 0.5, 1: 0.5}).p_value > 0.001


def test_goodness_of_fit_of_a_simple_sample_is_pearsons():
    data = simple(15)
    found = goodness_of_fit_test(SurveyDesign(data, weights=np.ones(2000)), "a", {0: 0.3, 1: 0.3, 2: 0.4})
    pearson = stats.chisquare(np.bincount(data["a"]), 2000 * np.array([0.3, 0.3, 0.4]))
    assert found.statistic == pytest.approx(pearson.statistic)


def test_a_two_sample_t_in_a_simple_sample_is_welchs_up_to_n():
    data = simple(5)
    found = t_test(SurveyDesign(data, weights=np.ones(2000)), "y", "g")
    welch = stats.ttest_ind(data["y"][data["g"] == 1], data["y"][data["g"] == 0], equal_var=False)
    assert found.statistic == pytest.approx(welch.statistic, rel=0.002)
    assert found.estimate == pytest.approx(
        data["y"][data["g"] == 1].mean() - data["y"][data["g"] == 0].mean()
    )
    with pytest.raises(AnalysisError, match="two groups"):
        t_test(SurveyDesign(data, weights=np.ones(2000)), "y", "a")


@pytest.mark.parametrize("test", ["wilcoxon", "vanderWaerden", "median"])
def test_rank_tests_see_a_shift_and_ignore_monotone_transformations(test):
    design = SurveyDesign(simple(6), weights=np.ones(2000))
    y = design.columns.array("y")
    found = rank_test(design, "y", "g", test=test)
    assert found.p_value < 0.02
    assert rank_test(design, np.exp(y), "g", test=test).statistic == pytest.approx(found.statistic)


def test_a_target_is_tested_also_when_everybody_agrees():
    data = two_stage(7)
    data["one"] = np.ones(60)
    design = SurveyDesign(data, weights="w", strata="h", clusters="psu")
    reached = test_against_target(proportion(design, "one", levels=[1]), 0.8)
    assert 0 < reached.p_value < 0.01
    assert test_against_target(proportion(design, "z", levels=[1]), 0.95).p_value > 0.9


def test_a_mean_is_tested_against_a_target_by_t_and_both_sides_add_up():
    design = SurveyDesign(two_stage(17), weights="w", strata="h", clusters="psu")
    result = mean(design, "y")
    above = test_against_target(result, 68.0)
    below = test_against_target(result, 68.0, alternative="less")
    t = (result.estimate[0] - 68) / result.se[0]
    assert above.statistic == pytest.approx(t)
    assert above.p_value == pytest.approx(stats.t.sf(t, 8))
    assert above.p_value + below.p_value == pytest.approx(1)
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        test_against_target(proportion(design, "z", levels=[1]), 80)


def test_a_target_that_is_just_met_is_rejected_as_often_as_said():
    """400 clustered samples with a true share of 80 %: at a true 5 %, more than 8.6 % rejections of “not
    above the target” come less than once in 1,000 seeds."""
    rng = np.random.default_rng(18)
    rejected = 0
    for _ in range(400):
        y = (rng.random((40, 10)) < rng.beta(0.8 * 19, 0.2 * 19, 40)[:, None]).ravel()
        design = SurveyDesign({"y": y, "c": np.repeat(np.arange(40), 10)}, weights=np.ones(400), clusters="c")
        rejected += test_against_target(mean(design, "y"), 0.8).p_value < 0.05
    assert rejected / 400 < 0.086


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_corrections_agree_with_statsmodels(p):
    assert adjust_p(p, "holm") == pytest.approx(multipletests(p, method="holm")[1], abs=1e-12)
    assert adjust_p(p, "bh") == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-12)


def test_all_pairs_are_compared_once():
    design = SurveyDesign(two_stage(8), weights="w", strata="h", clusters="psu")
    found = compare_all(mean(design, "y", by="d"))
    assert found.pairs == (("d=0", "d=1"), ("d=0", "d=2"), ("d=1", "d=2"))
    assert (found.adjusted >= found.p_value).all()


def test_kappa_and_alpha_by_hand():
    data = simple(9)
    design = SurveyDesign(data, weights=np.ones(2000))
    agreed = (data["g"] == data["b"]).mean()
    p, q = data["g"].mean(), data["b"].mean()
    chance = p * q + (1 - p) * (1 - q)
    assert cohen_kappa(design, "g", "b").estimate[0] == pytest.approx((agreed - chance) / (1 - chance))
    rng = np.random.default_rng(1)
    x = rng.normal(size=2000)[:, None] + rng.normal(size=(2000, 3))
    found = cronbach_alpha(design, {f"x{k}": x[:, k] for k in range(3)})
    own = x.var(axis=0, ddof=1).sum()
    assert found.estimate[0] == pytest.approx(1.5 * (1 - own / x.sum(axis=1).var(ddof=1)))
    assert 0 < found.se[0] < 0.05
