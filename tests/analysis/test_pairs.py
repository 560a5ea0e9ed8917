"""Pairwise comparisons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.errors import AnalysisError
from analysis.inference.pairs import pairwise


def test_two_independent_means_give_welch_s_t_test():
    a, b = np.array([5.1, 6.3, 4.8, 5.9, 6.6]), np.array([7.7, 8.1, 6.9, 9.4, 8.8, 7.2])
    variance = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
    result = pairwise(np.array([a.mean(), b.mean()]), variance, np.array([4.0, 5.0]))
    welch = stats.ttest_ind(a, b, equal_var=False)
    assert result.df[0, 1] == pytest.approx(welch.df)
    assert result.difference[0, 1] / result.se[0, 1] == pytest.approx(welch.statistic)
    assert result.differs[0, 1] == (welch.pvalue < 0.05)


def test_covariance_makes_a_difference_more_certain():
    values, df = np.array([80.0, 82.0]), np.array([30.0, 30.0])
    apart = pairwise(values, np.array([[1.0, 0.0], [0.0, 1.0]]), df)
    together = pairwise(values, np.array([[1.0, 0.9], [0.9, 1.0]]), df)
    assert not apart.differs[0, 1] and together.differs[0, 1]


def test_what_is_missing_differs_from_nothing():
    result = pairwise(np.array([1.0, np.nan, 9.0]), np.array([0.01, np.nan, 0.01]), np.array([9.0, 9.0, 9.0]))
    assert result.differs.tolist() == [[False, False, True], [False, False, False], [True, False, False]]


def test_infinite_degrees_of_freedom_give_the_normal():
    result = pairwise(np.array([0.0, 1.97]), np.array([0.5, 0.5]), np.array([np.inf, np.inf]))
    assert result.margin()[0, 1] == pytest.approx(stats.norm.ppf(0.975))
    assert result.differs[0, 1]


def test_wrong_shapes_are_refused():
    with pytest.raises(AnalysisError, match="covariance"):
        pairwise(np.array([1.0, 2.0]), np.ones((3, 3)), np.array([1.0, 2.0]))


@given(
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=6),
    variances=st.lists(st.floats(0.01, 50), min_size=6, max_size=6),
)
def test_comparisons_are_symmetric(values, variances):
    k = len(values)
    result = pairwise(np.array(values), np.array(variances[:k]), np.full(k, 7.0))
    assert (result.differs == result.differs.T).all()
    assert np.allclose(result.difference, -result.difference.T)
    assert not result.differs.diagonal().any()
