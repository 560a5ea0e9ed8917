import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import mean, quantile
from analysis.estimation.quantiles import INTERVALS, weighted_quantile
from analysis.replicates import ReplicateDesign
from tests.analysis.samples import two_stage

NUMPY = {
    "hf1": "inverted_cdf",
    "hf2": "averaged_inverted_cdf",
    "hf5": "hazen",
    "hf6": "weibull",
    "hf7": "linear",
    "hf8": "median_unbiased",
    "hf9": "normal_unbiased",
}


@pytest.mark.parametrize("rule", NUMPY)
@settings(max_examples=50, deadline=None)
@given(st.integers(3, 40), st.integers(0, 10**6))
def test_with_equal_weights_the_rules_are_hyndman_and_fans(rule, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    p = rng.uniform(1.5 / n, 1 - 1.5 / n) if n > 3 else 0.5
    assert weighted_quantile(x, np.ones(n), p, rule) == pytest.approx(np.quantile(x, p, method=NUMPY[rule]))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=30), st.floats(0.01, 0.99)
)
def test_whole_weights_are_repetitions(pairs, p):
    x = np.array([a for a, _ in pairs], dtype=float)
    w = np.array([b for _, b in pairs])
    if w.sum() == 0:
        return
    repeated = np.sort(np.repeat(x, w))
    # Both compare p·ΣW with whole numbers; away from them rounding cannot decide.
    if abs(p * w.sum() - round(p * w.sum())) < 1e-9:
        return
    want = repeated[int(np.ceil(p * len(repeated))) - 1]
    assert weighted_quantile(x, w.astype(float), p, "math") == want


def test_domains_have_their_own_degrees_of_freedom_and_intervals_hold_the_estimate():
    design = SurveyDesign(two_stage(1), weights="w", strata="h", clusters="psu")
    result = quantile(design, "y", [0.25, 0.5], by="d")
    assert len(result.estimate) == 6
    known = ~np.isnan(result.ci_low + result.ci_high)
    assert (result.ci_low[known] <= result.estimate[known]).all()
    assert (result.estimate[known] <= result.ci_high[known]).all()
    means = mean(design, "y", by="d")
    assert list(result.df[::2]) == list(means.df)


def test_an_empty_item_has_no_quantile():
    data = two_stage(2)
    data["y"][:] = np.nan
    result = quantile(SurveyDesign(data, weights="w"), "y", [0.5])
    assert np.isnan(result.estimate[0]) and result.n[0] == 0


def test_unknown_rules_are_refused():
    design = SurveyDesign(two_stage(), weights="w")
    with pytest.raises(AnalysisError, match="hf7"):
        quantile(design, "y", rule="type7")
    with pytest.raises(AnalysisError, match="replicate"):
        quantile(design, "y", interval="quantile")


def test_intervals_of_quantiles_and_of_the_mean_cover_under_clustering():
    """200 draws of 40 clusters × 8, ICC 1/6: at a true 95 %, fewer than 90 % cover once in 1,000 seeds."""
    rng = np.random.default_rng(3)
    intervals = [i for i in INTERVALS if i != "quantile"]  # that one needs replicate weights
    truth = stats.norm.ppf(0.7) * np.sqrt(1.2)
    hits = dict.fromkeys([*intervals, "t"], 0)
    for _ in range(200):
        y = (rng.normal(size=(40, 1)) * np.sqrt(0.2) + rng.normal(size=(40, 8))).ravel()
        design = SurveyDesign({"y": y, "c": np.repeat(np.arange(40), 8)}, weights=np.ones(320), clusters="c")
        for name in intervals:
            found = quantile(design, "y", [0.7], interval=name)
            hits[name] += int(found.ci_low[0] <= truth <= found.ci_high[0])
        low, high = mean(design, "y").ci()
        hits["t"] += int(low[0] <= 0 <= high[0])
    assert {k: v for k, v in hits.items() if v < 180} == {}


def test_replicate_intervals_of_a_quantile_cover():
    """100 draws, 100 bootstrap replicates each: at a true 95 %, fewer than 88 % cover once in 1,000 seeds."""
    rng = np.random.default_rng(4)
    hits = 0
    for r in range(100):
        y = (rng.normal(size=(40, 1)) * np.sqrt(0.2) + rng.normal(size=(40, 8))).ravel()
        design = SurveyDesign({"y": y, "c": np.repeat(np.arange(40), 8)}, weights=np.ones(320), clusters="c")
        replicated = ReplicateDesign.from_design(design, "bootstrap", replicates=100, seed=r)
        found = quantile(replicated, "y", [0.5], interval="quantile")
        hits += int(found.ci_low[0] <= 0 <= found.ci_high[0])
    assert hits >= 88
