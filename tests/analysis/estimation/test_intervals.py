import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.estimation import PROPORTION_METHODS, mean, proportion_interval

INSIDE = [m for m in PROPORTION_METHODS if m != "mean"]


@pytest.mark.parametrize("method", PROPORTION_METHODS)
@pytest.mark.parametrize("p", [0.0, 1.0])
def test_unanimity_still_has_an_interval_with_width(method, p):
    low, high = proportion_interval(p, 0.0, method=method, df=20, n=100)
    assert 0 <= low <= p <= high <= 1
    assert 0.01 < high - low < 0.1


@pytest.mark.parametrize("method", INSIDE)
@settings(max_examples=60, deadline=None)
@given(p=st.floats(0.001, 0.999), n=st.integers(5, 5000), deff=st.floats(0.5, 4), df=st.integers(1, 400))
def test_intervals_hold_their_estimate_and_stay_in_the_unit_range(method, p, n, deff, df):
    low, high = proportion_interval(p, deff * p * (1 - p) / n, method=method, df=df, n=n)
    assert -1e-12 <= low <= p + 1e-9
    assert p - 1e-9 <= high <= 1 + 1e-12


def test_no_degree_of_freedom_means_no_interval():
    low, high = proportion_interval(0.5, 0.01, df=0, n=10)
    assert np.isnan(low) and np.isnan(high)


def test_an_unknown_method_is_refused():
    with pytest.raises(AnalysisError, match="wilson"):
        proportion_interval(0.5, 0.01, method="wald", df=10, n=10)


@pytest.mark.parametrize("p", [0.3, 0.9])
def test_every_method_covers_under_clustering(p):
    """400 draws of 30 clusters × 10, ICC 0.05.

    The rate itself has a binomial error of 1.1 points: a method with true coverage 95 % falls below 91.5 %
    less
    than once in 1,000 seeds. 'mean' and 'asin', known to be short near 0 and 1, are allowed 90 %.
    """
    rng = np.random.default_rng(20)
    hits = dict.fromkeys(PROPORTION_METHODS, 0)
    reps, m, b, rho = 400, 30, 10, 0.05
    for _ in range(reps):
        cluster = rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1), m)
        y = (rng.random((m, b)) < cluster[:, None]).astype(float).ravel()
        data = {"y": y, "c": np.repeat(np.arange(m), b)}
        result = mean(SurveyDesign(data, weights=np.ones(m * b), clusters="c"), "y")
        for method in PROPORTION_METHODS:
            low, high = result.ci(method=method)
            hits[method] += int(low[0] <= p <= high[0])
    for method, hit in hits.items():
        assert hit / reps >= (0.90 if method in ("mean", "asin") else 0.915), method
