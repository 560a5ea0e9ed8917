"""Relative importance against all orders, and key drivers against the jackknife."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.inference.drivers import importance_from_covariance, key_drivers, relative_importance
from analysis.replicates import ReplicateDesign


def data(seed, n=60, p=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    x[:, 1] += 0.7 * x[:, 0]
    return x @ rng.uniform(-1, 2, p) + rng.normal(size=n), x, rng.uniform(0.5, 2, n)


def r_squared(y, x, w):
    x = np.column_stack([np.ones(len(y)), x])
    root = np.sqrt(w)
    fitted = x @ np.linalg.lstsq(x * root[:, None], y * root, rcond=None)[0]
    return 1 - w @ (y - fitted) ** 2 / (w @ (y - w @ y / w.sum()) ** 2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_shapley_values_are_the_mean_gain_over_all_orders(seed):
    y, x, w = data(seed)
    gains = np.zeros(4)
    orders = list(permutations(range(4)))
    for order in orders:
        for k, driver in enumerate(order):
            gains[driver] += r_squared(y, x[:, order[: k + 1]], w) - r_squared(y, x[:, order[:k]], w)
    result = relative_importance(y, x, weights=w)
    assert np.allclose(result.shapley, gains / len(orders))
    assert result.last[2] == pytest.approx(r_squared(y, x, w) - r_squared(y, x[:, [0, 1, 3]], w))
    assert result.first[1] == pytest.approx(r_squared(y, x[:, [1]], w))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.01, 100))
def test_the_parts_add_up_and_units_do_not_matter(seed, scale):
    y, x, w = data(seed)
    one = relative_importance(y, x, weights=w)
    other = relative_importance(5 - scale * y, x * [scale, 1, -2, 3] + 4, weights=w * scale)
    for result in (one.shapley, one.johnson, one.pratt):
        assert result.sum() == pytest.approx(one.r2)
    for name in ("shapley", "johnson", "first", "last", "betasq", "pratt"):
        assert np.allclose(getattr(one, name), getattr(other, name))


def test_uncorrelated_drivers_have_their_squared_correlations():
    matrix = np.eye(4)
    matrix[0, 1:] = matrix[1:, 0] = [0.5, 0.3, -0.2]
    result = importance_from_covariance(matrix, "abc")
    for name in ("shapley", "johnson", "first", "last", "betasq", "pratt"):
        assert np.allclose(getattr(result, name), [0.25, 0.09, 0.04])


def test_many_drivers_still_get_johnson_s_weights():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 20))
    result = relative_importance(x.sum(axis=1) + rng.normal(size=200), x)
    assert np.isnan(result.shapley).all() and result.johnson.sum() == pytest.approx(result.r2)


@pytest.mark.parametrize(
    ("change", "words"),
    [("copy", "dependent"), ("flat", "does not vary"), ("gap", "missing")],
)
def test_what_cannot_be_decomposed_is_refused(change, words):
    y, x, _ = data(1)
    if change == "copy":
        x[:, 3] = x[:, 0] - x[:, 1]
    elif change == "flat":
        x[:, 3] = 1.0
    else:
        x[0, 0] = np.nan
    with pytest.raises(AnalysisError, match=words):
        relative_importance(y, x)


def survey(seed=5, clusters=60):
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(clusters), 10)
    x = rng.normal(size=(len(psu), 4)) + 0.5 * rng.normal(size=(clusters, 4))[psu]
    x[:, 1] += 0.6 * x[:, 0]
    frame = pd.DataFrame(70 + 10 * x, columns=list("abcd"))
    frame["y"] = x @ [1, 0.5, 0.2, 0] + rng.normal(size=len(psu))
    frame["d"] -= 15
    return frame.assign(psu=psu, w=rng.uniform(1, 3, len(psu)))


def test_the_error_of_importance_is_that_of_the_jackknife():
    frame = survey()
    design = SurveyDesign(frame, weights="w", clusters="psu")
    found = key_drivers(design, "y", list("abcd"))
    jackknife = ReplicateDesign.from_design(design, "JK1")

    def shares(weights):
        values = frame[list("abcd")].to_numpy()
        return relative_importance(frame.y.to_numpy(), values, weights=weights).shapley_share

    slow = np.sqrt(np.diag(jackknife.covariance(shares)))
    assert np.allclose(found.importance_se, slow, rtol=0.05)
    assert np.allclose(found.importance, shares(design.weights))
    assert np.allclose(key_drivers(jackknife, "y", list("abcd")).importance_se, slow, rtol=0.05)


def test_coordinates_put_an_important_strong_part_and_a_weak_idle_one_in_their_quadrants():
    found = key_drivers(SurveyDesign(survey(), weights="w", clusters="psu"), "y", list("abcd"))
    assert found.quadrant[0] == "keep up" and found.quadrant[3] == "low priority"
    assert found.importance.sum() == pytest.approx(1) and found.sure[3]
    low, high = found.importance_ci()
    assert (low >= 0).all() and (high <= 1).all() and (low < high).all()
    assert found.to_frame().driver.iloc[0] == "a" and "Key drivers" in repr(found)


def test_performance_uses_every_answer_to_an_item_and_importance_the_complete_rows():
    frame = survey()
    frame.loc[:99, "b"] = np.nan
    found = key_drivers(SurveyDesign(frame, weights="w", clusters="psu"), "y", list("abcd"))
    assert found.n == 500 and found.n_performance.tolist() == [600, 500, 600, 600]


def test_one_driver_is_no_comparison():
    with pytest.raises(AnalysisError, match="2 to"):
        key_drivers(SurveyDesign(survey(), weights="w", clusters="psu"), "y", ["a"])
