"""Allocations: the optimum is one, sums are kept, caps hold; Bethel against its dual bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from analysis import planning
from analysis.errors import DesignError
from analysis.planning import PrecisionTarget, allocate_bethel, precision_reached

SIZES = np.array([800, 300, 40, 25.0])
SD = np.array([5, 10, 90, 150.0])
COST = np.array([1, 4, 2, 9.0])


@given(
    sizes=st.lists(st.integers(5, 5000), min_size=2, max_size=8),
    data=st.data(),
    seed=st.integers(0, 10**6),
)
def test_no_other_allocation_of_the_same_cost_is_better(sizes, data, seed):
    random = np.random.default_rng(seed)
    sd, cost = random.uniform(1, 20, len(sizes)), random.uniform(1, 5, len(sizes))
    best = planning.allocate_by_cost(sizes, sd, cost, 1000).n
    assert cost @ best == pytest.approx(1000)
    other = best * random.uniform(0.7, 1.3, len(sizes))
    other *= 1000 / (cost @ other)
    variance = [(np.square(sizes) * sd**2 / n).sum() for n in (best, other)]
    assert variance[0] <= variance[1] * (1 + 1e-12)


@given(n=st.integers(0, 1165))
def test_strata_taken_whole_are_full_and_the_rest_keeps_neymans_ratios(n):
    found = planning.allocate_neyman_take_all(SIZES, SD, n)
    assert found.total == pytest.approx(n)
    assert np.all(found.n <= SIZES + 1e-9)
    assert np.allclose(found.n[found.take_all], SIZES[found.take_all])
    ratio = np.delete(found.n / (SIZES * SD), found.take_all)
    assert np.allclose(ratio, ratio[:1])


@given(n=st.integers(0, 1165))
def test_equal_allocation_fills_small_strata_and_shares_the_rest(n):
    found = planning.allocate_equal(SIZES, n)
    assert found.total == pytest.approx(n)
    assert np.all(found.n <= SIZES + 1e-9)
    free = np.delete(found.n, found.take_all)
    assert np.allclose(free, free[:1])


def test_bankiers_ends():
    """q = 0 gives shares by cv alone; q = 1 with X = N·mean is Neyman's (Bankier 1988, p. 175)."""
    mean = np.array([20, 30, 50, 10.0])
    zero = planning.allocate_by_power(SIZES * mean, SD / mean, 100, power=0).n
    assert np.allclose(zero, 100 * (SD / mean) / (SD / mean).sum())
    one = planning.allocate_by_power(SIZES * mean, SD / mean, 100, power=1).n
    assert np.allclose(one, planning.allocate_neyman(SIZES, SD, 100).n)


def test_the_target_allocation_meets_its_target():
    n = planning.allocate_to_target(SIZES, SD, COST, mean=30, cv=0.02).n
    assert planning.standard_error_of_mean(SIZES, SD, n) == pytest.approx(0.02 * 30)
    assert np.isnan(planning.standard_error_of_mean([10, 10], [1, 1], [5, 0]))


@given(
    real=st.lists(st.floats(0, 50), min_size=1, max_size=12),
    at_least=st.integers(0, 3),
)
def test_whole_numbers_keep_the_sum_and_the_bounds(real, at_least):
    upper = np.full(len(real), 60)
    total = round(sum(real))
    if total < at_least * len(real):
        with pytest.raises(DesignError):
            planning.whole_numbers(real, at_least=at_least, at_most=upper)
        return
    whole = planning.whole_numbers(real, at_least=at_least, at_most=upper)
    assert whole.sum() == total
    assert np.all((whole >= at_least) & (whole <= 60))
    if at_least == 0:
        assert np.all(np.abs(whole - np.array(real)) < 1 + 1e-9)


def target(cv, *, name="all", strata=None, mean=30.0, sd=SD):
    inside = np.ones(4, dtype=bool) if strata is None else np.array(strata)
    return PrecisionTarget(name, inside, np.full(4, mean), np.asarray(sd, dtype=float), cv)


def test_one_target_has_the_known_optimum():
    found = allocate_bethel(SIZES, [target(0.05)], unit_cost=COST, minimum=0)
    known = planning.allocate_to_target(SIZES, SD, COST, mean=30, cv=0.05).n
    assert np.all(known < SIZES)
    assert np.allclose(found.n, known, rtol=1e-6)
    assert found.reached["all"] == pytest.approx(0.05, rel=1e-8)


def test_a_target_that_needs_a_census_gets_one():
    found = allocate_bethel(SIZES, [target(1e-6)])
    assert np.array_equal(found.whole, SIZES)


def test_a_stratum_without_spread_gets_the_minimum_and_a_tiny_one_what_it_has():
    found = allocate_bethel([800, 300, 40, 1.0], [target(0.05, sd=[5, 0, 9, 3])], minimum=2)
    assert found.whole[1] == 2
    assert found.n[3] == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n_strata=st.integers(2, 12), n_variables=st.integers(1, 4))
def test_every_target_is_met_at_a_cost_no_allocation_can_undercut(seed, n_strata, n_variables):
    """The Lagrange dual bounds the least cost from below for any multipliers ≥ 0: weak duality."""
    random = np.random.default_rng(seed)
    sizes, cost = random.integers(5, 5000, n_strata).astype(float), random.uniform(1, 5, n_strata)
    domain = random.integers(0, 2, n_strata)
    targets = [
        PrecisionTarget(
            f"{d} {j}", domain == d, random.uniform(1, 5, n_strata), random.uniform(0.5, 6, n_strata), cv
        )
        for d in np.unique(domain)
        for j, cv in enumerate(random.uniform(0.005, 0.1, n_variables))
    ]
    found = allocate_bethel(sizes, targets, unit_cost=cost, minimum=0)
    for t in targets:
        assert precision_reached(sizes, t, found.n) <= t.cv * (1 + 1e-9)
    assert np.all(found.n <= sizes * (1 + 1e-12))
    rows = []
    for t in targets:
        spread = np.where(t.strata, sizes * t.sd**2, 0)
        rows.append(sizes * spread / ((t.cv * (sizes * t.mean)[t.strata].sum()) ** 2 + spread.sum()))
    a, free = np.array(rows), found.n < sizes * (1 - 1e-6)
    if not free.any():
        return
    # The multipliers that make each free stratum's cost equal its worth.
    multipliers = nnls((a / cost / found.n**2).T[free], np.ones(free.sum()))[0]
    alpha = multipliers @ a
    least = np.minimum(sizes, np.sqrt(alpha / cost))
    with np.errstate(divide="ignore", invalid="ignore"):
        dual = (cost * least + np.where(alpha > 0, alpha / least, 0.0)).sum() - multipliers.sum()
    assert found.cost == pytest.approx(dual, rel=1e-5)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: planning.allocate_proportionally([0, 0], 5),
        lambda: planning.allocate_proportionally([1, 2], -1),
        lambda: planning.allocate_neyman([1, -2], [1, 1], 5),
        lambda: planning.allocate_neyman_take_all(SIZES, SD, 1166),
        lambda: planning.allocate_by_cost(SIZES, np.zeros(4), COST, 5),
        lambda: planning.allocate_by_cost(SIZES, SD, [0, 1, 1, 1], 5),
        lambda: planning.allocate_to_target(SIZES, np.zeros(4), COST, mean=1, cv=0),
        lambda: allocate_bethel(SIZES, []),
        lambda: allocate_bethel([0, 1, 1, 1], [target(0.1)]),
        lambda: allocate_bethel(SIZES, [target(0)]),
        lambda: allocate_bethel(SIZES, [target(0.1, mean=0)]),
        lambda: allocate_bethel(SIZES, [target(0.1, strata=[False] * 4)]),
        lambda: allocate_bethel(SIZES, [target(0.1, sd=[1, 2])]),
    ],
)
def test_bad_requests_are_refused(ask):
    with pytest.raises(DesignError):
        ask()
