"""R-indicators: limits, decompositions and a simulated error."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.api import GLM, families

from analysis.errors import AnalysisError, NotConvergedError
from analysis.representativeness import r_indicator


def sample(seed=1, n=800, slope=0.8):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.integers(0, 3, n), "sex": rng.choice(["f", "m"], n)})
    p = 1 / (1 + np.exp(-(-0.3 + slope * (frame.age - 1) + 0.2 * (frame.sex == "m"))))
    return frame.assign(response=(rng.random(n) < p) * 1.0, d=20.0, p=p)


def test_the_model_is_the_weighted_logistic_regression():
    frame = sample().assign(d=lambda f: np.random.default_rng(2).uniform(5, 30, len(f)))
    found = r_indicator(frame, response="response", x=["age", "sex"], weights="d")
    x = np.column_stack([np.ones(len(frame)), frame.age == 1, frame.age == 2, frame.sex == "m"]).astype(float)
    plain = GLM(frame.response, x, family=families.Binomial(), freq_weights=frame.d).fit(tol=1e-12)
    assert np.allclose(found.beta, plain.params)
    assert found.beta_names == ("(Intercept)", "age1", "age2", "sexm")


def test_the_partial_indicators_of_a_single_variable_share_the_variance():
    found = r_indicator(sample(), response="response", x=["age"], weights="d")
    between = found.unconditional["age"]
    population = 20.0 * 800
    assert between.overall**2 == pytest.approx(found.propensity_variance * (population - 1) / population)
    assert found.conditional["age"].overall == pytest.approx(between.overall)
    assert sum(v**2 for v in between.by_category.values()) == pytest.approx(between.overall**2)


def test_groups_that_answer_too_little_have_a_negative_sign():
    by = (
        r_indicator(sample(), response="response", x=["age", "sex"], weights="d")
        .unconditional["age"]
        .by_category
    )
    assert by[0] < 0 < by[2]


def test_even_response_is_representative():
    frame = sample(slope=0.0)
    found = r_indicator(frame, response="response", x=["age"], weights="d")
    assert found.r_adjusted > found.r_unadjusted > 0.85


def test_the_adjusted_indicator_and_its_error_are_right_on_average():
    """300 samples of 800: mean within 0.01 of the truth (about 4 standard errors), se within 15 %."""
    big = sample(seed=99, n=400_000)
    truth = 1 - 2 * float(np.std(big.p))
    found = [
        r_indicator(sample(seed), response="response", x=["age", "sex"], weights="d") for seed in range(300)
    ]
    values = np.array([r.r_adjusted for r in found])
    assert values.mean() == pytest.approx(truth, abs=0.01)
    assert np.mean([r.r_se for r in found]) == pytest.approx(values.std(), rel=0.15)
    low, high = found[0].ci()
    assert 0 <= low < found[0].r_adjusted < high <= 1


def test_a_group_that_answers_wholly_is_refused():
    frame = sample()
    frame.loc[frame.age == 2, "response"] = 1.0
    with pytest.raises(NotConvergedError):
        r_indicator(frame, response="response", x=["age"], weights="d")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [("response", 0.5, "0 or 1"), ("d", 0.0, "positive design weight"), ("sex", None, "no value in row 3")],
)
def test_wrong_columns_are_refused(column, value, words):
    frame = sample()
    frame.loc[3, column] = value
    with pytest.raises(AnalysisError, match=words):
        r_indicator(frame, response="response", x=["age", "sex"], weights="d")
