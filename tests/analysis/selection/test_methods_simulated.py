"""First- and second-order inclusion probabilities of every method, drawn thousands of times, against theory.

Each test fails for a correct method with probability at most 1e-4 over seeds; the seed is fixed.
"""

import zlib

import numpy as np
import pytest

from analysis.selection.approximations import hajek_joint, hartley_rao_joint, overton_joint
from analysis.selection.chromy import chromy_moments, draw_chromy
from analysis.selection.cube import balanced_sample
from analysis.selection.frame_draws import draw_stratified_srs, draw_two_stage_pps, group_rows, srs_in_groups
from analysis.selection.methods import METHODS
from analysis.selection.permanent import (
    overlap_probability,
    pareto_permanent,
    permanent_numbers,
    poisson_permanent,
    sequential_srs,
)
from analysis.selection.systematic import draw_systematic, draw_systematic_equal
from tests.analysis.selection.simulate import assert_binomial, joint_counts

RUNS = 3000
# Certain, impossible and ordinary units, in no order; the sum is 4.
PI = np.array([0.2, 1.0, 0.35, 0.5, 0.0, 0.45, 0.6, 0.3, 0.6])


def seeded(name):
    return np.random.default_rng([20, zlib.crc32(name.encode())])


@pytest.mark.parametrize("name", METHODS)
def test_units_and_pairs_come_as_often_as_theory_says(name):
    method, random = METHODS[name], seeded(name)
    counts = joint_counts(lambda: method.draw(PI, random), len(PI), RUNS)
    assert_binomial(counts, RUNS, method.joint(PI))
    assert np.allclose(np.diag(method.joint(PI)), PI, atol=1e-9)


def test_chromys_hits_beyond_one_have_the_expected_moments():
    """Means within 5 standard errors for 28 distinct products: a false alarm of at most 28 × 6e-7."""
    expected, random = np.array([1.3, 0.6, 0.45, 2.2, 0.15, 0.8, 0.5]), seeded("hits")
    hits = np.array([draw_chromy(expected, random, random_start=True) for _ in range(RUNS)], dtype=float)
    assert np.all(hits.sum(axis=1) == 6)
    products = hits[:, :, None] * hits[:, None, :]
    error = np.abs(products.mean(axis=0) - chromy_moments(expected, random_start=True))
    assert np.all(error <= 5 * products.std(axis=0) / RUNS**0.5 + 1e-9)


@pytest.mark.parametrize("landing", ["programme", "drop"])
def test_the_cube_meets_the_inclusion_probabilities(landing):
    random = seeded(landing)
    pi = np.array([0.3, 0.7, 0.5, 0.25, 0.4, 0.6, 0.45, 0.8, 0.55, 0.45])
    x = np.column_stack([pi, random.normal(50, 20, 10), np.arange(10) % 2])
    counts = joint_counts(lambda: balanced_sample(pi, x, random, landing=landing).taken, len(pi), 300)
    assert_binomial(np.diag(counts), 300, pi)


def test_systematic_draws_at_equal_probability():
    random = seeded("equal")
    counts = joint_counts(lambda: draw_systematic_equal(11, 4, random), 11, RUNS)
    assert_binomial(np.diag(counts), RUNS, np.full(11, 4 / 11))


def test_floyds_draw_gives_every_pair_the_same_chance():
    random = seeded("floyd")
    counts = joint_counts(lambda: srs_in_groups(np.array([9]), 4, random)[0], 9, RUNS)
    joint = np.full((9, 9), 4 * 3 / (9 * 8))
    np.fill_diagonal(joint, 4 / 9)
    assert_binomial(counts, RUNS, joint)


@pytest.mark.parametrize("method", ["systematic", "sampford", "tille"])
def test_a_two_stage_draw_takes_each_household_with_the_product_of_its_stages(method):
    random = seeded("two stage " + method)
    psu = np.repeat(np.arange(7), [5, 9, 4, 6, 8, 3, 7])
    groups, strata = group_rows(psu, 7), np.array([0, 0, 0, 0, 1, 1, 1])
    expected = np.where(psu < 4, 2 * 3 / 24, 2 * 3 / 18)
    counts = np.zeros(len(psu))
    for _ in range(1000):
        drawn = draw_two_stage_pps(groups, strata, [2, 2], 3, random, method=method)
        counts[drawn.rows] += 1
        assert np.allclose(drawn.pi, expected[drawn.rows])
    assert_binomial(counts, 1000, expected)


def test_a_stratified_draw_is_simple_random_in_each_stratum():
    random = seeded("stratified")
    codes = np.array([1, 0, 1, 1, 0, 2, 0, 1, 2, 0])
    groups = group_rows(codes, 3)
    counts = joint_counts(lambda: draw_stratified_srs(groups, [2, 3, 1], random), 10, RUNS)
    rate = np.array([2 / 4, 3 / 4, 1 / 2])[codes]
    joint = np.outer(rate, rate)
    for h, (n, size) in enumerate([(2, 4), (3, 4), (1, 2)]):
        members = np.flatnonzero(codes == h)
        joint[np.ix_(members, members)] = n * (n - 1) / (size * (size - 1))
    np.fill_diagonal(joint, rate)
    assert_binomial(counts, RUNS, joint)


def test_samples_read_off_permanent_numbers_are_what_they_claim():
    """Over keys: SRS has π_kl = n(n-1)/(N(N-1)); two Poisson rounds overlap as the arcs do."""
    ids = [f"u{i}" for i in range(8)]
    p1, p2 = np.linspace(0.1, 0.9, 8), np.linspace(0.8, 0.2, 8)
    srs, both, first = np.zeros((8, 8)), np.zeros(8), np.zeros(8)
    for run in range(RUNS):
        u = permanent_numbers(ids, run.to_bytes(16, "big"))
        inside = np.isin(np.arange(8), sequential_srs(u, 3, start=0.7))
        srs += np.outer(inside, inside)
        a = np.isin(np.arange(8), poisson_permanent(p1, u))
        first += a
        both += a & np.isin(np.arange(8), poisson_permanent(p2, u, start=0.35))
    joint = np.full((8, 8), 3 * 2 / (8 * 7))
    np.fill_diagonal(joint, 3 / 8)
    assert_binomial(srs, RUNS, joint)
    assert_binomial(first, RUNS, p1)
    assert_binomial(both, RUNS, overlap_probability(p1, p2, 0.35))


def test_pareto_comes_near_its_probabilities():
    """An approximation: within 3 points of π here, by far more than the error of 3,000 draws (0.9 points)."""
    random = seeded("pareto")
    counts = joint_counts(lambda: pareto_permanent(PI, random.random(len(PI))), len(PI), RUNS)
    assert np.all(np.abs(np.diag(counts) / RUNS - PI) < 0.03)
    assert np.all(np.diag(counts)[PI == 1] == RUNS)


def test_the_named_approximations_come_near_systematic_pps_in_random_order():
    """20 units: relative error of the approximations a few per cent; the simulation's 3,000 draws give each
    joint probability (about 0.06) a standard error of 7 %, so their mean over the 190 pairs is compared.
    """
    random = seeded("approximate")
    size = np.linspace(1, 3, 20)
    pi = 5 * size / size.sum()

    def draw():
        order = random.permutation(20)
        return order[draw_systematic(pi[order], random)]

    counts = joint_counts(draw, 20, RUNS)
    off = ~np.eye(20, dtype=bool)
    for approximate in (hartley_rao_joint, overton_joint, hajek_joint):
        z = (counts - RUNS * approximate(pi))[off] / np.sqrt(RUNS * approximate(pi)[off])
        # The mean of z² over pairs is near 1 when the approximation's own error is small.
        assert 0.7 < (z**2).mean() < 1.3, approximate.__name__
