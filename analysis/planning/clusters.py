"""Clusters and takes: how many communities, how many households in each, for a budget or a precision.

References
----------
Hansen, Hurwitz & Madow (1953). Sample Survey Methods and Theory, vol. I, chapter 6, sections 16-19.
Valliant, Dever & Kreuter (2018), section 9.3 (two stages), 9.4 (three). R: PracTools clusOpt2,
clusOpt2fixedPSU, clusOpt3 (which round; these do not).
"""

import math
from dataclasses import dataclass

from analysis.errors import DesignError


@dataclass(frozen=True)
class TwoStageDesign:
    """Clusters m, elements per cluster b, and the cv of a mean that they give at the cost."""

    clusters: float
    take: float
    cv: float
    cost: float


@dataclass(frozen=True)
class ThreeStageDesign:
    """m first-stage units, n second-stage units in each, q elements in each of these."""

    clusters: float
    subclusters: float
    take: float
    cv: float
    cost: float


def optimum_take(cost_cluster: float, cost_element: float, rho: float) -> float:
    """b = √(C1/C2 · (1-ρ)/ρ), the elements per cluster with the least variance for any budget."""
    _costs(cost_cluster, cost_element)
    if not 0 < rho < 1:
        raise DesignError(
            f"the best take needs a homogeneity strictly between 0 and 1; got {rho}. At 0 or below, clusters "
            "lose nothing: take as many per cluster as the field can; at 1, take one"
        )
    return math.sqrt(cost_cluster / cost_element * (1 - rho) / rho)


def cluster_cv(clusters: float, take: float, rho: float, unit_relvariance: float = 1.0) -> float:
    """√(V (1 + ρ(b-1))/(m b)) of an estimated mean; V = S²/mean²."""
    if clusters <= 0 or take <= 0:
        raise DesignError("a design needs clusters, and elements in each")
    return math.sqrt(max(unit_relvariance * (1 + rho * (take - 1)) / (clusters * take), 0.0))


def cluster_design(
    budget: float, cost_cluster: float, cost_element: float, rho: float, *, unit_relvariance: float = 1.0
) -> TwoStageDesign:
    """The least variance for a budget: the best take, and m = budget/(C1 + C2 b)."""
    b = optimum_take(cost_cluster, cost_element, rho)
    m = budget / (cost_cluster + cost_element * b)
    return TwoStageDesign(m, b, cluster_cv(m, b, rho, unit_relvariance), budget)


def clusters_for_target(
    cv: float, cost_cluster: float, cost_element: float, rho: float, *, unit_relvariance: float = 1.0
) -> TwoStageDesign:
    """The least cost for a cv: the best take, m = V(1 + ρ(b-1))/(b cv²), cost m(C1 + C2 b)."""
    if cv <= 0:
        raise DesignError(f"a target cv must be above 0; got {cv}")
    b = optimum_take(cost_cluster, cost_element, rho)
    m = unit_relvariance * (1 + rho * (b - 1)) / (b * cv**2)
    return TwoStageDesign(m, b, cv, m * (cost_cluster + cost_element * b))


def budget_take(budget: float, cost_cluster: float, cost_element: float, clusters: float) -> float:
    """b = (budget/m - C1)/C2 when the number of clusters is given.

    Raises DesignError when the clusters alone use up the budget.
    """
    _costs(cost_cluster, cost_element)
    take = (budget / clusters - cost_cluster) / cost_element
    if take <= 0:
        raise DesignError(
            f"{clusters} clusters at {cost_cluster} each leave nothing of {budget} to interview; fewer than "
            f"{budget / cost_cluster:.4g} clusters can be paid"
        )
    return take


def fixed_clusters(
    budget: float,
    cost_cluster: float,
    cost_element: float,
    clusters: float,
    rho: float,
    *,
    unit_relvariance: float = 1.0,
) -> TwoStageDesign:
    """The take that a budget allows in a given number of clusters, and its cv."""
    b = budget_take(budget, cost_cluster, cost_element, clusters)
    return TwoStageDesign(clusters, b, cluster_cv(clusters, b, rho, unit_relvariance), budget)


def three_stage_design(
    budget: float,
    costs: tuple[float, float, float],
    rho1: float,
    rho2: float,
    *,
    unit_relvariance: float = 1.0,
) -> ThreeStageDesign:
    """q = √((1-ρ2)/ρ2 · C2/C3), n = √((1-ρ2)/ρ1 · C1/C3)/q, m = budget/(C1 + C2 n + C3 n q).

    cv² = V(ρ1 n q + 1 + ρ2(q-1))/(m n q).
    """
    c1, c2, c3 = costs
    if min(costs) <= 0 or not (0 < rho1 < 1 and 0 < rho2 < 1):
        raise DesignError("costs must be above 0 and both homogeneities strictly between 0 and 1")
    q = math.sqrt((1 - rho2) / rho2 * c2 / c3)
    n = math.sqrt((1 - rho2) / rho1 * c1 / c3) / q
    m = budget / (c1 + c2 * n + c3 * n * q)
    cv = math.sqrt(unit_relvariance * (rho1 * n * q + 1 + rho2 * (q - 1)) / (m * n * q))
    return ThreeStageDesign(m, n, q, cv, budget)


def _costs(cost_cluster: float, cost_element: float) -> None:
    if cost_cluster <= 0 or cost_element <= 0:
        raise DesignError("the costs of a cluster and of an element must be above 0")
