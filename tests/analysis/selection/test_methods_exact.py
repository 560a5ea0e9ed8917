"""Joint probabilities against the definitions, by going through every sample; identities; variances."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.errors import DesignError
from analysis.selection.approximations import hajek_joint, hartley_rao_joint, overton_joint
from analysis.selection.brewer import brewer_joint
from analysis.selection.chromy import chromy_moments, draw_chromy, expected_hits
from analysis.selection.composition import compose, srs_joint, two_stage_joint
from analysis.selection.conditional import max_entropy_joint, max_entropy_weights, sampford_joint
from analysis.selection.horvitz_thompson import design_variance, variance_estimates
from analysis.selection.methods import METHODS
from analysis.selection.pivotal import draw_pivotal
from analysis.selection.probabilities import pps_probabilities
from analysis.selection.systematic import systematic_joint

PI = np.array([0.2, 0.35, 0.5, 0.45, 0.6, 0.3, 0.6])


def enumerated(weight_of, n_units, n):
    joint, total = np.zeros((n_units, n_units)), 0.0
    for sample in combinations(range(n_units), n):
        weight = weight_of(list(sample))
        total += weight
        joint[np.ix_(sample, sample)] += weight
    return joint / total


def test_sampfords_joint_probabilities_are_those_of_his_definition():
    odds = PI / (1 - PI)
    expected = enumerated(lambda s: (3 - PI[s].sum()) * odds[s].prod(), 7, 3)
    assert np.allclose(np.diag(expected), PI, atol=1e-14)
    assert np.allclose(sampford_joint(PI), expected, rtol=1e-12)


def test_sampfords_published_formula_for_two_units_drawn():
    """n = 2 (Brewer 1963, Rao 1965): π_kl = 2 p_k p_l (1/(1-2p_k) + 1/(1-2p_l)) / (2 (1 + Σ p/(1-2p))) · 2…

    in the form of Cochran (1977), eq. 9A.31: 2 z_i z_j/D · (1-z_i-z_j)/((1-2z_i)(1-2z_j)),
    D = ½(1 + Σ z/(1-2z)), z = π/2.
    """
    pi = np.array([0.1, 0.3, 0.7, 0.4, 0.5])
    z = pi / 2
    d = (1 + (z / (1 - 2 * z)).sum()) / 2
    a, b = z[:, None], z[None, :]
    expected = 2 * a * b / d * (1 - a - b) / ((1 - 2 * a) * (1 - 2 * b))
    np.fill_diagonal(expected, pi)
    assert np.allclose(sampford_joint(pi), expected, rtol=1e-12)
    assert np.allclose(brewer_joint(pi), expected, rtol=1e-12)  # the same design when n = 2


def test_maximum_entropy_meets_the_probabilities_with_product_weights():
    q = max_entropy_weights(PI)
    w = q / (1 - q)
    expected = enumerated(lambda s: w[s].prod(), 7, 3)
    assert np.allclose(np.diag(expected), PI, rtol=1e-11)
    assert np.allclose(max_entropy_joint(PI), expected, rtol=1e-10)


def test_equal_probabilities_give_the_joint_ones_of_simple_random_sampling():
    pi = np.full(8, 3 / 8)
    for name in ("sampford", "max_entropy", "tille", "midzuno", "brewer"):
        joint = METHODS[name].joint(pi)
        assert np.allclose(joint[~np.eye(8, dtype=bool)], srs_joint(8, 3), rtol=1e-10), name


def test_certain_units_join_all_others_and_impossible_ones_none():
    pi = np.array([1.0, 0.4, 0.0, 0.6, 0.5, 0.5])
    for name, method in METHODS.items():
        joint = method.joint(pi)
        assert np.allclose(joint[0], pi, atol=1e-9), name
        assert np.all(np.abs(joint[2]) < 1e-12), name


@pytest.mark.parametrize("n_units", [120])
def test_many_units_keep_their_accuracy(n_units):
    """Σ_l π_kl = n π_k, which any loss of digits in the subset sums would break."""
    size = np.random.default_rng(5).lognormal(0, 1.0, n_units)
    pi = pps_probabilities(size, 40).pi
    for name in ("sampford", "max_entropy", "tille", "midzuno", "systematic", "pivotal"):
        joint = METHODS[name].joint(pi)
        assert np.allclose(joint.sum(axis=1), 40 * pi, rtol=1e-9), name
        assert np.all(joint >= 0), name


def test_systematic_joint_probabilities_of_a_list_worked_by_hand():
    # C = .5, 1, 1.5, 2: a start below or above one half takes the 1st and 3rd, or the 2nd and 4th.
    expected = np.kron(np.ones((2, 2)), np.diag([0.5, 0.5]))
    assert np.allclose(systematic_joint(np.full(4, 0.5)), expected)


def test_without_a_random_start_chromys_first_moments_are_the_expectations():
    e = np.array([0.4, 2.1, 0.0, 0.5, 1.0, 0.7, 0.3])
    moments = chromy_moments(e)
    assert np.allclose(moments.sum(axis=1), e.sum() * e)  # E(hits · Σhits), Σhits fixed
    whole = np.floor(e)
    assert np.allclose(np.diag(moments), whole**2 + (e - whole) * (2 * whole + 1))


def test_a_random_start_gives_every_pair_a_chance():
    e = expected_hits([3, 1, 2, 2, 1, 3], 2)
    assert (chromy_moments(e) == 0).any()
    assert np.all(chromy_moments(e, random_start=True) > 0)


def test_chromys_hits_are_the_whole_part_or_one_more():
    rng = np.random.default_rng(1)
    e = expected_hits(rng.lognormal(0, 1.5, 60), 25)
    for _ in range(50):
        hits = draw_chromy(e, rng, random_start=True)
        assert hits.sum() == 25
        assert np.all((hits == np.floor(e)) | (hits == np.floor(e) + 1))


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 60), min_size=4, max_size=9), data=st.data())
def test_rows_of_joint_probabilities_sum_to_n_times_the_first(sizes, data):
    n = data.draw(st.integers(2, len(sizes) - 1))
    pi = pps_probabilities(sizes, n).pi
    for name, method in METHODS.items():
        joint = method.joint(pi)
        assert np.allclose(joint, joint.T), name
        assert np.all(joint <= np.minimum(pi[:, None], pi[None, :]) + 1e-9), name
        if method.fixed_size:
            assert np.allclose(joint.sum(axis=1), n * pi, atol=1e-7), name


def test_the_design_variance_is_that_of_all_samples():
    y = np.array([12, 25, 31, 40, 52, 18, 47.0])
    odds, total, mean, square = PI / (1 - PI), 0.0, 0.0, 0.0
    for sample in combinations(range(7), 3):
        s = list(sample)
        weight, figure = (3 - PI[s].sum()) * odds[s].prod(), (y[s] / PI[s]).sum()
        total, mean, square = total + weight, mean + weight * figure, square + weight * figure**2
    variance = square / total - (mean / total) ** 2
    assert mean / total == pytest.approx(y.sum())
    assert design_variance(PI, sampford_joint(PI), y) == pytest.approx(variance, rel=1e-10)


def test_the_variance_estimators_are_unbiased_over_all_samples():
    y, joint, odds = np.array([12, 25, 31, 40, 52, 18, 47.0]), sampford_joint(PI), PI / (1 - PI)
    weights, ht, syg = [], [], []
    for sample in combinations(range(7), 3):
        s = list(sample)
        found = variance_estimates(y[s], PI[s], joint[np.ix_(s, s)])
        weights.append((3 - PI[s].sum()) * odds[s].prod())
        ht.append(found.horvitz_thompson)
        syg.append(found.sen_yates_grundy)
    expected = design_variance(PI, joint, y)
    assert np.average(ht, weights=weights) == pytest.approx(expected, rel=1e-10)
    assert np.average(syg, weights=weights) == pytest.approx(expected, rel=1e-10)


def test_estimators_without_a_formula_give_no_number():
    lonely = variance_estimates([5.0], [0.5], [[0.5]])
    assert np.isnan(lonely.deville_fixed_size)
    apart = variance_estimates([5.0, 3.0], [0.5, 0.5], [[0.5, 0.0], [0.0, 0.5]])
    assert np.isnan(apart.horvitz_thompson)
    assert np.isnan(apart.sen_yates_grundy)
    census = variance_estimates([5.0, 3.0], [1.0, 1.0], np.ones((2, 2)))
    assert (census.horvitz_thompson, census.deville_fixed_size, census.ht_total) == (0, 0, 8)


def test_approximations_nearly_sum_and_are_near_sampfords():
    size = np.linspace(1, 3, 60)
    pi, off = pps_probabilities(size, 12).pi, ~np.eye(60, dtype=bool)
    exact = sampford_joint(pi)
    for approximate, limit in ((hartley_rao_joint, 2e-3), (overton_joint, 2e-2), (hajek_joint, 2e-2)):
        joint = approximate(pi)
        assert np.max(np.abs(joint / exact - 1)[off]) < limit, approximate.__name__


def test_stages_multiply_and_pairs_of_one_community_share_its_probability():
    joint = two_stage_joint(np.array([[0.5, 0.2], [0.2, 0.4]]), [10, 20], [2, 5])
    assert np.allclose(joint, [[0.5 * 2 / 90, 0.2 * 0.2 * 0.25], [0.2 * 0.2 * 0.25, 0.4 * 20 / 380]])
    assert np.allclose(compose([np.array([0.5, 0.4]), np.array([0.2, 0.25])]), [0.1, 0.1])
    with pytest.raises(DesignError, match="stage 2"):
        compose([np.array([0.5]), np.array([0.0])])


def test_brewers_pairs_are_refused_when_there_are_too_many_sets():
    with pytest.raises(DesignError, match="too many sets"):
        brewer_joint(np.full(60, 0.5))


def test_a_pivotal_draw_of_a_sum_that_is_not_whole_is_off_by_less_than_one():
    rng = np.random.default_rng(3)
    sizes = {len(draw_pivotal([0.3, 0.6, 0.5, 0.9], rng)) for _ in range(200)}
    assert sizes == {2, 3}
