"""Cost against precision: what each budget buys with the best take per cluster."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from analysis.errors import DesignError
from analysis.planning.clusters import budget_take, optimum_take
from analysis.planning.sample_size import z_quantile


@dataclass(frozen=True)
class CurvePoint:
    """One budget: whole clusters and interviews that it pays, design effect, se, half-width, cost spent."""

    budget: float
    clusters: int
    take: int
    issued: int
    respondents: float
    deff: float
    se: float
    half_width: float
    cost: float


def cost_precision_curve(
    budgets: Sequence[float],
    *,
    cost_cluster: float,
    cost_element: float,
    sd: float,
    rho: float,
    response_rate: float = 1.0,
    max_clusters: float = np.inf,
    max_take: float = np.inf,
    confidence: float = 0.95,
) -> list[CurvePoint]:
    """For each budget the whole-number design with the least variance of a mean.

    Variance S²(1 + ρ(b·r - 1))/(m b r), b households issued in each of m clusters, r their response rate;
    cost m(C1 + C2 b), where C2 is paid for every issued household. No finite population correction.

    Parameters
    ----------
    sd : S of a person's answer; `rho` the homogeneity of clusters, in 0 … 1.
    max_clusters, max_take : what the frame and the field can bear.

    Raises
    ------
    DesignError : a budget does not pay for one cluster with one household.
    """
    return [
        _best(budget, cost_cluster, cost_element, sd, rho, response_rate, max_clusters, max_take, confidence)
        for budget in budgets
    ]


def cost_precision_table(points: Sequence[CurvePoint]) -> pd.DataFrame:
    """The curve as a table, a row per budget in rising order.

    `yuan_per_narrowing` is what the step from the row before costs for each unit of half-width that it
    takes off: the price of precision. NaN in the first row, infinite where a step buys nothing.
    """
    table = pd.DataFrame([asdict(point) for point in sorted(points, key=lambda point: point.budget)])
    spent, gained = table["cost"].diff(), -table["half_width"].diff()
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.where(gained > 0, spent / gained, np.inf)
    return table.assign(yuan_per_narrowing=np.where(spent.isna(), np.nan, price))


def _best(
    budget: float,
    cost_cluster: float,
    cost_element: float,
    sd: float,
    rho: float,
    response_rate: float,
    max_clusters: float,
    max_take: float,
    confidence: float,
) -> CurvePoint:
    if not 0 <= rho <= 1 or not 0 < response_rate <= 1 or sd < 0:
        raise DesignError("homogeneity lies in 0 … 1, a response rate above 0 and at most at 1, sd ≥ 0")
    most = budget_take(budget, cost_cluster, cost_element, 1)
    if most < 1:
        raise DesignError(
            f"{budget:g} does not pay for one cluster with one household "
            f"({cost_cluster + cost_element:g}); that is the least budget"
        )
    takes = np.arange(1, int(min(most, max_take, _far_beyond(cost_cluster, cost_element, rho, most))) + 1)
    clusters = np.minimum(np.floor(budget / (cost_cluster + cost_element * takes) + 1e-9), max_clusters)
    answering = takes * response_rate
    deff = 1 + rho * np.maximum(answering - 1, 0)
    variance = sd**2 * deff / (clusters * answering)
    # Equal variances: the cheaper design.
    i = int(np.lexsort((clusters * (cost_cluster + cost_element * takes), variance))[0])
    m, b, se = int(clusters[i]), int(takes[i]), float(np.sqrt(variance[i]))
    return CurvePoint(
        budget,
        m,
        b,
        m * b,
        m * b * response_rate,
        float(deff[i]),
        se,
        z_quantile(confidence) * se,
        m * (cost_cluster + cost_element * b),
    )


def _far_beyond(cost_cluster: float, cost_element: float, rho: float, most: float) -> float:
    """A take well above the best one, so that the search stays short for large budgets."""
    if not 0 < rho < 1:
        return most
    return max(50.0, 20 * optimum_take(cost_cluster, cost_element, rho))
