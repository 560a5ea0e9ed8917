"""Volunteers beside a probability sample: identities, other routes to the same numbers, simulations."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from analysis.blending import (
    TwoSamples,
    balance,
    combine,
    fit_participation,
    overlap,
    volunteer_figures,
)
from analysis.errors import AnalysisError, DesignError, NotConvergedError
from tests.analysis.blending.people import (
    CROSSED_OUTCOME,
    CROSSED_PARTICIPATION,
    MAIN_OUTCOME,
    MAIN_PARTICIPATION,
    Population,
)

REFERENCE = Path(__file__).parents[2] / "reference" / "survey"


def samples_of(volunteers, reference, weights, repetitions=8, **options):
    weights = np.asarray(weights, dtype=float)
    return TwoSamples(
        np.asarray(volunteers, dtype=float),
        np.asarray(reference, dtype=float),
        weights=weights,
        replicates=np.repeat(weights[:, None], repetitions, axis=1),
        **options,
    )


def two_groups():
    """30 and 10 volunteers of groups of 100 and 300 people; 60 and 80 on average."""
    x = np.repeat([[1.0, 0.0], [1.0, 1.0]], [30, 10], axis=0)
    y = np.r_[np.tile([50.0, 70.0], 15), np.tile([75.0, 85.0], 5)]
    reference = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]])
    return samples_of(x, reference, [60, 40, 150, 150]), y, np.array([58.0, 61.0, 79.0, 83.0])


def test_with_one_category_the_model_is_post_stratification():
    samples, y, z = two_groups()
    found = fit_participation(samples)
    assert found.probability[0] == pytest.approx([0.3, 10 / 300])
    figures = volunteer_figures(samples, found, y, z)
    wanted = (100 * 60 + 300 * 80) / 400
    assert figures.estimate[:3] == pytest.approx([y.mean(), wanted, wanted])
    assert figures.estimate[3] == pytest.approx((60 * 58 + 40 * 61 + 150 * 79 + 150 * 83) / 400)


def test_overlap_and_balance_of_two_groups_by_hand():
    samples, _y, _z = two_groups()
    found = fit_participation(samples)
    seen = overlap(samples, found)
    assert (seen.n_volunteers, seen.n_reference) == (40, 4)
    assert (seen.lowest, seen.highest) == pytest.approx((1 / 30, 0.3))
    weights = np.repeat([100 / 30, 30.0], [30, 10])
    assert seen.n_effective == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert seen.largest_share == pytest.approx(30 / 400)
    assert seen.uncovered == 0.0
    kept = balance(samples, found)
    spread = np.sqrt(0.75 * 0.25)
    assert kept.names == ("x1",)
    assert kept.before == pytest.approx([(0.25 - 0.75) / spread])
    assert kept.after == pytest.approx([0.0], abs=1e-9)


def test_schools_that_won_an_award_as_base_r_computes_them():
    """California's schools: award winners as volunteers, a stratified sample beside them, the truth known.

    The figures are those that `reference.R` prints (optim and glm of base R 4.2).
    """
    population, drawn = (pd.read_csv(REFERENCE / f"{name}.csv") for name in ("apipop", "apistrat"))
    joined = population[(population.awards == "Yes") & (population.meals < 90)]

    def matrix(rows):
        columns = [np.ones(len(rows)), rows.stype == "H", rows.stype == "M", rows.meals, rows.ell]
        return np.column_stack([np.asarray(c, dtype=float) for c in columns])

    samples = samples_of(matrix(joined), matrix(drawn), drawn.pw)
    found = fit_participation(samples)
    theta = [2.55958940780, -2.13401402269, -0.86134631699, -0.02942366500, -0.01158812089]
    assert found.coefficients == pytest.approx(theta, rel=1e-5)
    seen = overlap(samples, found)
    assert (seen.n_volunteers, seen.n_reference) == (3667, 200)
    assert (seen.lowest, seen.highest) == pytest.approx((5.331089969e-02, 9.282151040e-01), rel=1e-5)
    assert seen.n_effective == pytest.approx(2.696096220e03, rel=1e-5)
    y, z = joined.api00.to_numpy(dtype=float), drawn.api00.to_numpy(dtype=float)
    score = volunteer_figures(samples, found, y, z)
    assert score.estimate[:3] == pytest.approx([711.1338969, 673.0166472, 672.7686536], rel=1e-6)
    share = volunteer_figures(samples, found, y > 664, z > 664, model="logistic")
    assert share.estimate[:3] == pytest.approx([0.6495773112, 0.5096991091, 0.5343876034], rel=1e-6)
    truth = population.api00.mean()  # the models take most of the award winners' lead away, not all of it
    assert truth < score.estimate[2] < truth + 0.25 * (score.estimate[0] - truth)


def test_row_by_row_optimisation_and_statsmodels_give_the_same():
    population = Population(CROSSED_PARTICIPATION, CROSSED_OUTCOME, size=4000, seed=5)
    samples, y, z = population.draw(6, take=200, repetitions=4)
    x_a = samples.patterns[samples.volunteer_pattern]
    x_b, d = samples.patterns[samples.reference_pattern], samples.weights

    def loss(theta):
        a, b = x_a @ theta, x_b @ theta
        gradient = x_a.sum(axis=0) - (d / (1 + np.exp(-b))) @ x_b
        return -(a.sum() - d @ np.logaddexp(0, b)), -gradient

    start = np.array([-3.0, 0, 0, 0])
    theta = minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-7}).x
    found = fit_participation(samples)
    assert found.coefficients == pytest.approx(theta, abs=1e-5)
    inverse = 1 + np.exp(-x_a @ theta)
    linear = sm.OLS(y, x_a).fit()
    share = (y > 70).astype(float)
    logistic = sm.GLM(share, x_a, family=sm.families.Binomial()).fit(tol=1e-12)
    for model, outcome, fit in (("linear", y, linear), ("logistic", share, logistic)):
        ipw = (outcome * inverse).sum() / inverse.sum()
        residual = ((outcome - fit.predict(x_a)) * inverse).sum() / inverse.sum()
        dr = residual + d @ fit.predict(x_b) / d.sum()
        figures = volunteer_figures(samples, found, outcome, z > 70, model=model)
        assert figures.estimate[1:3] == pytest.approx([ipw, dr], rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    beta=st.lists(st.floats(-20, 20), min_size=4, max_size=4),
    shift=st.floats(-50, 50),
)
def test_what_the_covariates_explain_wholly_the_doubly_robust_figure_knows_wholly(seed, beta, shift):
    """Whatever the volunteers are like: y = xβ has m = y, so that the figure is the reference's mean."""
    population = Population(CROSSED_PARTICIPATION, MAIN_OUTCOME, size=3000, seed=seed)
    samples, _y, _z = population.draw(seed, take=150, repetitions=3)
    y = (samples.patterns @ np.array(beta))[samples.volunteer_pattern] + shift
    z = (samples.patterns @ np.array(beta))[samples.reference_pattern] + shift
    found = fit_participation(samples)
    figures = volunteer_figures(samples, found, y, z)
    assert figures.estimate[2] == pytest.approx(figures.estimate[3], abs=1e-7)
    for k in (0, 1):
        assert y.min() - 1e-9 <= figures.estimate[k] <= y.max() + 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_score_is_zero_and_the_order_of_rows_does_not_matter(seed):
    population = Population(CROSSED_PARTICIPATION, CROSSED_OUTCOME, size=3000, seed=seed)
    samples, y, z = population.draw(seed, take=150, repetitions=3)
    found = fit_participation(samples)
    x_a = samples.patterns[samples.volunteer_pattern]
    x_b = samples.patterns[samples.reference_pattern]
    pi = found.probability[0][samples.reference_pattern]
    assert x_a.sum(axis=0) == pytest.approx((samples.weights * pi) @ x_b, rel=1e-6)
    order_a = np.random.default_rng(seed).permutation(len(y))
    order_b = np.random.default_rng(seed + 1).permutation(len(z))
    other = TwoSamples(
        x_a[order_a],
        x_b[order_b],
        weights=samples.weights[order_b],
        replicates=samples.replicates[order_b],
    )
    again = volunteer_figures(other, fit_participation(other), y[order_a], z[order_b])
    assert again.estimate == pytest.approx(
        volunteer_figures(samples, found, y, z).estimate, rel=1e-7, abs=1e-7
    )


def test_a_row_without_covariates_counts_in_its_own_plain_mean_only():
    samples, y, z = two_groups()
    x_a = samples.patterns[samples.volunteer_pattern]
    x_b = samples.patterns[samples.reference_pattern]
    more = samples_of(
        np.vstack([x_a, [[1.0, np.nan]]]), np.vstack([x_b, [[1.0, np.nan]]]), [*samples.weights, 50]
    )
    plain = volunteer_figures(samples, fit_participation(samples), y, z)
    wider = volunteer_figures(more, fit_participation(more), np.r_[y, 0.0], np.r_[z, 0.0])
    assert wider.estimate[1:3] == pytest.approx(plain.estimate[1:3])
    assert wider.estimate[0] == pytest.approx(y.sum() / 41)
    assert wider.estimate[3] == pytest.approx(plain.estimate[3] * 400 / 450)


def test_an_answer_that_is_missing_is_missing_in_every_sum():
    samples, y, z = two_groups()
    gone, lost = y.copy(), z.copy()
    gone[[0, 35]], lost[1] = np.nan, np.nan
    figures = volunteer_figures(samples, fit_participation(samples), gone, lost)
    assert (figures.n_volunteers, figures.n_reference) == (38, 3)
    # Among people with an opinion: 60 of the first group, all of the second.
    first, second = np.nanmean(gone[:30]), np.nanmean(gone[30:])
    weights = np.array([29 / 0.3, 9 * 30])
    residual_free = (60 * first + 300 * second) / 360
    assert figures.estimate[1] == pytest.approx((weights @ [first, second]) / weights.sum())
    assert figures.estimate[2] == pytest.approx(residual_free)


def test_the_spread_of_the_plain_mean_is_the_textbook_s():
    rng = np.random.default_rng(3)
    y = rng.normal(70, 12, 400)
    x = np.column_stack([np.ones(400), np.arange(400) % 2])
    samples = samples_of(x, x[:2], [5000, 5000], repetitions=600, seed=4)
    figures = volunteer_figures(samples, fit_participation(samples), y, np.array([70.0, 70.0]))
    assert figures.se[0] == pytest.approx(y.std(ddof=1) / 20, rel=0.1)
    assert figures.se[3] == pytest.approx(0.0, abs=1e-9)


def test_volunteers_of_one_place_are_resampled_together():
    """Twenty places of twenty who all think alike: the error is that of twenty answers, not of 400."""
    rng = np.random.default_rng(8)
    place = np.repeat(np.arange(20), 20)
    y = rng.normal(70, 12, 20)[place]
    x = np.column_stack([np.ones(400), np.arange(400) % 2])
    options = {"repetitions": 400, "seed": 9}
    alone = samples_of(x, x[:2], [5000, 5000], **options)
    together = samples_of(x, x[:2], [5000, 5000], units=place, **options)
    z = np.array([70.0, 70.0])
    small = volunteer_figures(alone, fit_participation(alone), y, z).se
    large = volunteer_figures(together, fit_participation(together), y, z).se
    assert large[:3] / small[:3] == pytest.approx(np.sqrt(20) * np.ones(3), rel=0.2)


@pytest.mark.parametrize(
    ("participation", "outcome"),
    [(MAIN_PARTICIPATION, CROSSED_OUTCOME), (CROSSED_PARTICIPATION, MAIN_OUTCOME)],
    ids=["the outcome's model is wrong", "the participation model is wrong"],
)
def test_one_right_model_suffices_and_volunteers_alone_mislead(participation, outcome):
    population = Population(participation, outcome, seed=21)
    draws = 200
    found, covered = np.empty((draws, 4)), 0
    for seed in range(draws):
        samples, y, z = population.draw(1000 + seed)
        figures = volunteer_figures(samples, fit_participation(samples), y, z)
        found[seed] = figures.estimate
        covered += abs(figures.estimate[2] - population.mean) <= 1.96 * figures.se[2]
    bias = found.mean(axis=0) - population.mean
    noise = 3 * found.std(axis=0) / np.sqrt(draws)
    assert bias[0] > 2.0 and bias[0] > 10 * noise[0]
    assert abs(bias[2]) < noise[2]
    assert covered >= 0.93 * draws


def test_the_blend_has_the_smallest_mean_squared_error():
    covariance = np.array([[4.0, 0.5], [0.5, 1.0]])
    for difference in (0.0, 1.0, 5.0):
        found = combine(70.0, 70.0 + difference, covariance, 60)
        bias = max(difference**2, 4.0)
        assert found.share == pytest.approx(3.5 / (4.0 + bias))
        for share in np.linspace(0, 1, 21):
            mix = np.array([1 - share, share])
            assert found.se**2 <= mix @ covariance @ mix + share**2 * bias + 1e-12
        assert found.estimate == pytest.approx(70 + found.share * difference)
        assert found.difference_se == pytest.approx(2.0)
        assert found.differs == (difference == 5.0)


@settings(max_examples=100, deadline=None)
@given(a=st.floats(0.1, 30), b=st.floats(0.1, 30), rho=st.floats(-0.9, 0.9), difference=st.floats(-20, 20))
def test_a_blend_lies_between_both_and_is_never_less_sure(a, b, rho, difference):
    c = rho * a * b
    covariance = np.array([[a * a, c], [c, b * b]])
    found = combine(50.0, 50.0 + difference, covariance, 30)
    assert min(50.0, 50 + difference) - 1e-9 <= found.estimate <= max(50.0, 50 + difference) + 1e-9
    assert found.se <= a * (1 + 1e-9)
    assert 0 <= found.share <= 1
    assert found.differs == (found.p_value < 0.05)
    assert found.unseen > found.difference_se
    assert combine(50.0, 50.0 + 2 * difference, covariance, 30).share <= found.share


def test_volunteers_that_add_nothing_get_no_share():
    covariance = np.array([[1.0, 1.0], [1.0, 4.0]])  # the other is the first plus noise of its own
    found = combine(70.0, 72.0, covariance, 40)
    assert found.share == 0.0 and found.estimate == 70.0 and found.se == pytest.approx(1.0)


@pytest.mark.parametrize(("variance", "worst"), [(0.25, 0.86), (1.0, 0.905), (4.0, 0.93)])
def test_a_blend_covers_without_bias_and_loses_little_with_the_worst(variance, worst):
    rng = np.random.default_rng(12)
    covariance = np.diag([1.0, variance])
    for bias in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0):
        draws = rng.normal(size=(4000, 2)) * [1.0, np.sqrt(variance)] + [0.0, bias]
        found = [combine(a, b, covariance, np.inf) for a, b in draws]
        inside = np.mean([abs(f.estimate) <= 1.96 * f.se for f in found])
        assert inside >= (0.945 if bias == 0 else worst), bias


def refuse(volunteers, reference, weights, kind, **options):
    with pytest.raises(kind):
        fit_participation(samples_of(volunteers, reference, weights, **options))


def test_a_category_without_volunteers_is_refused():
    refuse([[1, 0]] * 20, [[1, 0], [1, 1]], [500, 500], NotConvergedError)


def test_a_category_of_volunteers_only_is_refused():
    refuse([[1, 0]] * 20 + [[1, 1]] * 5, [[1, 0], [1, 0]], [500, 500], NotConvergedError)


def test_more_volunteers_than_people_are_refused():
    refuse([[1, 0], [1, 1]] * 20, [[1, 0], [1, 1]], [10, 10], AnalysisError)


def test_a_category_that_most_repetitions_lose_is_refused():
    volunteers = [[1, 0]] * 60 + [[1, 1]]
    refuse(volunteers, [[1, 0], [1, 1]], [5000, 500], AnalysisError, repetitions=50)


def test_samples_that_do_not_fit_together_are_refused():
    with pytest.raises(DesignError):
        samples_of([[1.0, 0.0]] * 3, [[1.0]], [5.0])
    with pytest.raises(DesignError):
        samples_of([[1.0]] * 3, [[1.0], [1.0]], [5.0])
    with pytest.raises(DesignError):
        samples_of([[1.0]] * 3, [[1.0]], [5.0], repetitions=1)
    with pytest.raises(AnalysisError):
        samples_of([[1.0]] * 3, [[1.0]], [5.0], units=np.zeros(3))
    with pytest.raises(AnalysisError):
        samples_of([[np.nan]] * 3, [[1.0]], [5.0])


def test_an_outcome_without_a_valid_answer_or_outside_its_model_is_refused():
    samples, y, z = two_groups()
    found = fit_participation(samples)
    with pytest.raises(AnalysisError, match="no valid answer"):
        volunteer_figures(samples, found, np.full(40, np.nan), z)
    with pytest.raises(AnalysisError, match="between 0 and 1"):
        volunteer_figures(samples, found, y, z, model="logistic")
    with pytest.raises(AnalysisError, match="'linear' or 'logistic'"):
        volunteer_figures(samples, found, y, z, model="probit")
    with pytest.raises(AnalysisError):
        combine(1.0, 1.0, np.zeros((2, 2)), 10)
    with pytest.raises(AnalysisError):
        combine(1.0, 1.0, np.eye(2), 10, level=1.0)


def test_a_category_in_which_all_volunteers_agree_has_a_prediction_all_the_same():
    """Separated answers have no finite coefficient, but fitted shares of 0 and 1."""
    samples, _y, z = two_groups()
    share = np.r_[np.tile([0.0, 1.0], 15), np.ones(10)]
    figures = volunteer_figures(samples, fit_participation(samples), share, z > 70, model="logistic")
    assert figures.estimate[2] == pytest.approx((100 * 0.5 + 300 * 1) / 400, abs=1e-9)
