"""What to fix first: how much each part of the service counts for the whole, and how well it does."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.inference.drivers import key_drivers as _key_drivers
from survey.stats.claims import DRIVERS
from survey.stats.weights import Weighted

QUADRANTS = {
    "fix first": "fix_first",
    "keep up": "keep_up",
    "low priority": "low_priority",
    "possible excess": "possible_excess",
}


def key_drivers(
    weighted: Weighted,
    outcome: np.ndarray,
    drivers: Mapping[str, np.ndarray],
    where: np.ndarray,
    *,
    statements: int,
) -> dict[str, Any]:
    """Importance (Shapley share of R²) and performance of each driver in one domain, as plain numbers.

    Parameters
    ----------
    outcome, drivers : scores of shape (n_cases,), NaN without; where : the domain's cases
    statements : how many drivers × domains the report judges; each gets its part of the report's error

    Returns
    -------
    {"r2", "n", "importance_line", "performance_line", "drivers": [{"name", "importance", "importance_low",
    "importance_high", "performance", "performance_low", "performance_high", "n", "quadrant", "sure"}]}, or
    {"refused": why} where the sample does not carry the model
    """
    # A driver is placed by two tests, of its importance and of its performance: sure only if both agree.
    level = 1 - DRIVERS / max(2 * statements, 1)
    try:
        found = _key_drivers(weighted.design, outcome, dict(drivers), where=where, level=level)
        shown = _key_drivers(weighted.design, outcome, dict(drivers), where=where)
    except (AnalysisError, np.linalg.LinAlgError) as error:
        return {"refused": str(error)}
    (low, high), (worst, best) = shown.importance_ci(), shown.performance_ci()
    columns = (found.importance, low, high, found.performance, worst, best)
    if not all(np.isfinite(column).all() for column in columns):
        return {"refused": "too few sampling units for an interval"}
    names = ("importance", "importance_low", "importance_high")
    names += ("performance", "performance_low", "performance_high")
    rows = []
    for k, driver in enumerate(found.names):
        row: dict[str, Any] = {"name": driver, "n": int(found.n_performance[k])}
        row |= {name: float(column[k]) for name, column in zip(names, columns, strict=True)}
        row |= {"quadrant": QUADRANTS[found.quadrant[k]], "sure": bool(found.sure[k])}
        rows.append(row)
    return {
        "r2": found.r2,
        "n": found.n,
        "importance_line": found.importance_line,
        "performance_line": found.performance_line,
        "drivers": sorted(rows, key=lambda row: -row["importance"]),
    }
