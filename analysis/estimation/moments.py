"""Variance and covariance of survey variables, with design-based errors."""

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.linear import Items, item_arrays
from analysis.estimation.linearization import Design, covariance_of_statistic
from analysis.estimation.result import Estimate
from analysis.estimation.rows import check_mask


def covariance_matrix(design: Design, items: Items, *, where: np.ndarray | None = None) -> Estimate:
    """Population variances and covariances; terms are 'a,b' for every ordered pair.

    Rows with a missing value in any of the items are left out: a covariance matrix needs the same rows.

    Notes
    -----
    Σw(x−x̄)(y−ȳ)/Σw · n/(n−1); its error is that of the mean of the products with x̄ held fixed. R: `svyvar`.
    """
    names, values, _ = item_arrays(design, items)
    x = np.column_stack(values)
    kept = check_mask(design, where) & ~np.isnan(x).any(axis=1) & (design.weights != 0)
    n = int(kept.sum())
    if n < 2:
        raise AnalysisError(f"a variance needs two rows with every item; there are {n}")
    x = np.where(kept[:, None], x, 0.0)
    pairs = [(a, b) for a in range(len(names)) for b in range(len(names))]

    def products(weights: np.ndarray) -> np.ndarray:
        centred = x - (weights * kept) @ x / np.sum(weights * kept)
        return np.column_stack([centred[:, a] * centred[:, b] for a, b in pairs]) * (n / (n - 1))

    def statistic(weights: np.ndarray) -> np.ndarray:
        return (weights * kept) @ products(weights) / np.sum(weights * kept)

    w = design.weights * kept
    value = statistic(design.weights)
    scores = w[:, None] * (products(design.weights) - value) / w.sum()
    vcov = covariance_of_statistic(design, scores, statistic)
    count = len(pairs)
    return Estimate(
        statistic="covariance",
        terms=tuple(f"{names[b]},{names[a]}" for a, b in pairs),
        estimate=value,
        se=np.sqrt(np.diag(vcov)),
        df=np.full(count, float(design.degrees_of_freedom(kept))),
        design_df=design.df,
        n=np.full(count, float(n)),
        vcov=vcov,
    )
