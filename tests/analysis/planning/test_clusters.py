"""Takes, homogeneity and the curve of cost: optima against a search, components against simulation."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import planning
from analysis.errors import DesignError
from analysis.planning.clusters import cluster_cv


@given(c1=st.floats(1, 1000), c2=st.floats(1, 100), rho=st.floats(0.001, 0.9))
def test_no_take_is_better_than_the_optimum(c1, c2, rho):
    best = planning.cluster_design(10_000, c1, c2, rho)
    for b in np.geomspace(best.take / 10, best.take * 10, 21):
        m = 10_000 / (c1 + c2 * b)
        assert cluster_cv(m, b, rho) >= best.cv * (1 - 1e-9)
    least = planning.clusters_for_target(best.cv, c1, c2, rho)
    assert least.cost == pytest.approx(10_000)


def test_three_stages_are_better_than_their_neighbours():
    best = planning.three_stage_design(100_000, (500, 100, 120), 0.01, 0.1)
    for a in (0.7, 1.0, 1.4):
        for b in (0.7, 1.0, 1.4):
            n, q = best.subclusters * a, best.take * b
            m = 100_000 / (500 + 100 * n + 120 * n * q)
            assert (0.01 * n * q + 1 + 0.1 * (q - 1)) / (m * n * q) >= best.cv**2 * (1 - 1e-12)


def test_given_clusters_leave_what_the_budget_leaves():
    assert planning.budget_take(1000, 10, 2, 20) == 20
    assert planning.fixed_clusters(1000, 10, 2, 20, 0.0).cv == pytest.approx(0.05)
    with pytest.raises(DesignError, match="fewer than 100 clusters"):
        planning.budget_take(1000, 10, 2, 100)


def test_equal_weights_and_single_elements_have_no_effect():
    assert planning.weight_design_effect([3, 3, 3]).deff == pytest.approx(1)
    assert planning.cluster_design_effect(1, 0.3).total == 1
    assert planning.cluster_design_effect(10, 0.05, deff_weights=1.2).size(100) == pytest.approx(174)


def test_the_icc_of_a_simulated_population_is_found_by_all_its_intervals():
    random = np.random.default_rng(12)
    groups = np.repeat(np.arange(400), 10)
    y = random.normal(0, np.sqrt(0.2), 400)[groups] + random.normal(0, np.sqrt(0.8), 4000)
    found = planning.icc_anova(groups, y)
    assert found.icc == pytest.approx(0.2, abs=0.04)
    for low, high in (found.searle, found.smith):
        assert low < 0.2 < high
    shuffled = random.permutation(4000)
    again = planning.icc_anova(groups[shuffled], y[shuffled])
    assert again.icc == pytest.approx(found.icc)


def test_missing_values_are_left_out_of_the_icc():
    groups, y = np.array([1, 1, 2, 2, 2]), np.array([1, 2, 3, np.nan, 5])
    assert planning.icc_anova(groups, y).icc == planning.icc_anova(groups[[0, 1, 2, 4]], y[[0, 1, 2, 4]]).icc


def test_components_of_clusters_that_are_all_alike():
    found = planning.two_stage_components([1, 1, 2, 2], [1, 3, 1, 3])
    assert (found.between, found.homogeneity) == (0, 0)
    # W² = M ΣN²S²/(Σt)² with S² = 2 in two clusters of two: 2 · 16 / 64.
    assert found.within == pytest.approx(0.5)


def curve(budgets, **options):
    plan = {"cost_cluster": 300, "cost_element": 40, "sd": 20, "rho": 0.05, "response_rate": 0.5}
    return planning.cost_precision_curve(budgets, **(plan | options))


def test_each_point_of_the_curve_is_the_best_whole_design_of_its_budget():
    (point,) = curve([5000])
    best = min(
        400 * (1 + 0.05 * max(b * 0.5 - 1, 0)) / (m * b * 0.5)
        for b in range(1, 118)
        for m in range(1, 17)
        if m * (300 + 40 * b) <= 5000
    )
    assert point.se**2 == pytest.approx(best)
    assert point.cost <= 5000
    assert point.issued == point.clusters * point.take


def test_more_money_never_buys_less():
    widths = [p.half_width for p in curve(np.linspace(400, 200_000, 60))]
    assert all(a >= b - 1e-12 for a, b in pairwise(widths))


def test_the_table_prices_each_step_of_the_curve():
    points = curve([20_000, 5_000, 10_000])
    table = planning.cost_precision_table(points)
    assert list(table["budget"]) == [5_000, 10_000, 20_000]
    first, second = table.iloc[0], table.iloc[1]
    step = (second["cost"] - first["cost"]) / (first["half_width"] - second["half_width"])
    assert np.isnan(first["yuan_per_narrowing"]) and second["yuan_per_narrowing"] == pytest.approx(step)
    assert table["yuan_per_narrowing"].iloc[2] > step
    idle = planning.cost_precision_table(curve([50_000, 60_000], max_clusters=10, max_take=22))
    assert np.isinf(idle["yuan_per_narrowing"].iloc[1])


def test_the_field_bounds_the_curve():
    (point,) = curve([50_000], max_clusters=10, max_take=22)
    assert (point.clusters, point.take) == (10, 22)
    with pytest.raises(DesignError, match="least budget"):
        curve([339])


@pytest.mark.parametrize(
    "ask",
    [
        lambda: planning.optimum_take(1, 1, 0),
        lambda: planning.optimum_take(0, 1, 0.1),
        lambda: planning.clusters_for_target(0, 1, 1, 0.1),
        lambda: planning.three_stage_design(1, (1, 1, 0), 0.1, 0.1),
        lambda: cluster_cv(0, 1, 0.1),
        lambda: planning.weight_design_effect([]),
        lambda: planning.weight_design_effect([-1, 2]),
        lambda: planning.cluster_design_effect(0, 0.1),
        lambda: planning.icc_anova([1, 1, 1], [1, 2, 3]),
        lambda: planning.icc_anova([1, 2, 3], [1, 2, 3]),
        lambda: planning.two_stage_components([1, 1], [1, 2]),
        lambda: curve([5000], rho=2),
    ],
)
def test_bad_requests_are_refused(ask):
    with pytest.raises(DesignError):
        ask()
