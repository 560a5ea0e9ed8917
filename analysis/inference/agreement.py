"""Agreement and reliability: Cohen's kappa and Cronbach's alpha with design-based errors."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.contrasts import smooth_contrast
from analysis.estimation.linear import Items, item_arrays, mean
from analysis.estimation.linearization import Design
from analysis.estimation.moments import covariance_matrix
from analysis.estimation.result import Estimate
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec


def cohen_kappa(
    design: Design, first: ColumnSpec, second: ColumnSpec, *, where: np.ndarray | None = None
) -> Estimate:
    """Cohen's kappa of two ratings on the same categories, delta method. R: `svykappa`.

    first, second : columns with the same levels; where : domain, as in `mean`. Rows need both ratings.
    """
    a, b = design.columns.factor(first), design.columns.factor(second)
    if tuple(map(str, a.levels)) != tuple(map(str, b.levels)):
        raise AnalysisError(f"the two ratings have different categories: {a.levels} and {b.levels}")
    used = check_mask(design, where) & (a.codes >= 0) & (b.codes >= 0)
    k = a.n_levels
    cells = {
        f"{i},{j}": np.where(used, (a.codes == i) & (b.codes == j), np.nan)
        for i in range(k)
        for j in range(k)
    }
    shares = mean(design, cells, missing="listwise", covariance=True)

    def kappa(p: Mapping[str, Any]) -> Any:
        rows = [sum(p[f"{i},{j}"] for j in range(k)) for i in range(k)]
        columns = [sum(p[f"{i},{j}"] for i in range(k)) for j in range(k)]
        agreed = sum(p[f"{i},{i}"] for i in range(k))
        chance = sum(r * c for r, c in zip(rows, columns, strict=True))
        return (agreed - chance) / (1 - chance)

    return smooth_contrast(shares, {"kappa": kappa})


def cronbach_alpha(design: Design, items: Items, *, where: np.ndarray | None = None) -> Estimate:
    """Cronbach's alpha K/(K−1)·(1 − ΣS²_item/S²_sum) over rows with every item; delta method. R:
    `svycralpha`.

    items : two or more numeric columns, all scored in the same direction; where : domain, as in `mean`
    """
    names, _, _ = item_arrays(design, items)
    k = len(names)
    if k < 2:
        raise AnalysisError("alpha needs at least two items")
    matrix = covariance_matrix(design, items, where=where)

    def alpha(v: Mapping[str, Any]) -> Any:
        own = sum(v[f"{a},{a}"] for a in names)
        everything = sum(v[f"{a},{b}"] for a in names for b in names)
        return k / (k - 1) * (1 - own / everything)

    return smooth_contrast(matrix, {"alpha": alpha})
