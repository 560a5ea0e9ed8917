"""Design-based estimators: `mean`, `total`, `ratio`, `proportion` and their one result, `Estimate`."""

from analysis.estimation.intervals import PROPORTION_METHODS, mean_interval, proportion_interval
from analysis.estimation.linear import mean, proportion, ratio, total
from analysis.estimation.result import Estimate

__all__ = [
    "PROPORTION_METHODS",
    "Estimate",
    "mean",
    "mean_interval",
    "proportion",
    "proportion_interval",
    "ratio",
    "total",
]
