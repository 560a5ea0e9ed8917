"""Design-based estimators and their one result, `Estimate`."""

from analysis.estimation.contrasts import contrast, row_labels, smooth_contrast
from analysis.estimation.custom import statistic
from analysis.estimation.intervals import PROPORTION_METHODS, mean_interval, proportion_interval
from analysis.estimation.linear import mean, proportion, ratio, total
from analysis.estimation.moments import covariance_matrix
from analysis.estimation.pooling import PooledEstimate, pool_variances
from analysis.estimation.quantiles import QuantileEstimate, quantile
from analysis.estimation.result import Estimate

__all__ = [
    "PROPORTION_METHODS",
    "Estimate",
    "PooledEstimate",
    "QuantileEstimate",
    "contrast",
    "covariance_matrix",
    "mean",
    "mean_interval",
    "pool_variances",
    "proportion",
    "proportion_interval",
    "quantile",
    "ratio",
    "row_labels",
    "smooth_contrast",
    "statistic",
    "total",
]
