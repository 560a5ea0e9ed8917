"""Alpha item by item, and omega."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError
from analysis.inference.agreement import cronbach_alpha
from analysis.reliability import analyse_items, mcdonald_omega


def items(seed=1, n=150, k=5):
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    values = {f"q{j}": np.round(3 + trait + rng.normal(size=n)).clip(1, 5) for j in range(k)}
    return pd.DataFrame(values)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_alpha_is_the_design_based_one_for_a_plain_sample(seed):
    frame = items(seed)
    weights = np.random.default_rng(seed).uniform(1, 2, len(frame))
    design = SurveyDesign(frame, weights=weights)
    assert analyse_items(frame, weights=weights).alpha == pytest.approx(
        cronbach_alpha(design, list(frame)).estimate[0]
    )


def test_dropping_an_item_is_the_alpha_of_the_others():
    frame = items()
    found = analyse_items(frame)
    assert found.alpha_if_dropped[2] == pytest.approx(analyse_items(frame.drop(columns="q2")).alpha)
    rest = frame.drop(columns="q2").sum(axis=1)
    assert found.item_rest_correlation[2] == pytest.approx(np.corrcoef(frame.q2, rest)[0, 1])


def test_an_item_scored_the_other_way_round_is_reported():
    frame = items()
    frame["q3"] = 6 - frame.q3
    found = analyse_items(frame)
    assert found.negative == ("q3",) and found.to_frame().negative.tolist() == [False] * 3 + [True, False]


def test_a_missing_answer_costs_its_pairs_only():
    frame = items()
    frame.loc[:9, "q0"] = np.nan
    found = analyse_items(frame)
    assert found.n == len(frame) and found.alpha != analyse_items(frame.dropna()).alpha


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.2, 0.95), min_size=3, max_size=7), st.sampled_from(["ml", "minres"]))
def test_omega_finds_the_loadings_that_made_the_matrix(loadings, method):
    true = np.array(loadings)
    matrix = np.outer(true, true)
    np.fill_diagonal(matrix, 1)
    found = mcdonald_omega(matrix, method=method)
    assert np.allclose(found.loadings, true, atol=2e-4)
    shared = true.sum() ** 2
    assert found.omega == pytest.approx(shared / (shared + np.sum(1 - true**2)), abs=1e-4)


@pytest.mark.parametrize(
    "matrix", [np.eye(2), np.array([[1, 0.9, 0], [0.9, 1, 0.9], [0, 0.9, 1]]), np.full((3, 3), 2.0)]
)
def test_a_matrix_that_is_no_correlation_matrix_is_refused(matrix):
    with pytest.raises(AnalysisError):
        mcdonald_omega(matrix)


def test_an_item_without_variation_is_named():
    with pytest.raises(AnalysisError, match="q1"):
        analyse_items(items().assign(q1=3.0))
