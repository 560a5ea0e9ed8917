"""Model-based figures of areas whose own samples are too thin, always labelled as such."""

from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.intervals import mean_interval
from analysis.small_area.one_way import fay_herriot_one_way

LEAST_AREAS = 8  # with fewer, the variance between areas is a guess
TOO_FEW_AREAS = "too few areas"


@dataclass(frozen=True, eq=False)
class AreaTable:
    """Fay–Herriot figures of m areas; arrays of shape (m,), NaN where there is none.

    own : weight of the area's own sample in its figure, 0–1; refused : why there are no figures at all
    """

    estimate: np.ndarray
    se: np.ndarray
    low: np.ndarray
    high: np.ndarray
    own: np.ndarray
    between: float
    refused: str = ""


def area_figures(
    direct: np.ndarray, variance: np.ndarray, group: np.ndarray, *, bounds: tuple[float, float]
) -> AreaTable:
    """EBLUPs that borrow from the areas of the same group (a street's district, a community's street).

    Parameters
    ----------
    direct, variance : direct estimates and their sampling variances, NaN for an area without
    group : name of the group that an area borrows from, shape (m,)
    bounds : the figure's possible range, e.g. (0, 100): intervals end there

    Notes
    -----
    Fay & Herriot (1979) with REML; a group enters as a category where at least three of its areas have a
    direct figure, the others share one mean. Variances of 0 (everybody alike) are no error that a model can
    use: they take the smallest positive one.
    """
    nothing = np.full(len(direct), np.nan)
    usable = np.isfinite(direct) & np.isfinite(variance)
    positive = variance[usable & (variance > 0)]
    if usable.sum() < LEAST_AREAS or not len(positive):
        return AreaTable(nothing, nothing, nothing, nothing, nothing, float("nan"), TOO_FEW_AREAS)
    sampling = np.where(usable, np.maximum(np.nan_to_num(variance), positive.min()), np.nan)
    names, counts = np.unique(group[usable].astype(str), return_counts=True)
    large = set(names[counts >= 3])
    label = np.array([g if g in large else "" for g in group.astype(str)], dtype=object)
    codes = np.unique(label.astype(str), return_inverse=True)[1]
    try:
        model = fay_herriot_one_way(np.where(usable, direct, np.nan), sampling, codes)
    except AnalysisError as error:
        return AreaTable(nothing, nothing, nothing, nothing, nothing, float("nan"), str(error))
    se = np.sqrt(model.mse)
    low, high = mean_interval(model.estimate, se, np.inf)
    return AreaTable(
        np.clip(model.estimate, *bounds),
        se,
        np.clip(low, *bounds),
        np.clip(high, *bounds),
        model.shrinkage,
        model.refvar,
    )
