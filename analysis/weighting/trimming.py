"""Trimming extreme weights, the cut-off sum shared out."""

from collections.abc import Callable

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.linearization import Design
from analysis.replicates import ReplicateDesign


def trim(
    design: Design, *, lower: float | None = None, upper: float | None = None, strict: bool = False
) -> Design:
    """Cut weights outside [lower, upper]; what is cut off is shared equally among the untrimmed.

    strict : repeat until no weight lies outside (sharing out may push others over the bound). Rows of
    weight 0
        stay 0. The variance keeps the residual step of earlier calibration. R: `trimWeights`.
    """
    low = 0.0 if lower is None else float(lower)
    high = np.inf if upper is None else float(upper)
    if not low < high:
        raise AnalysisError(f"trimming needs lower < upper; got {lower} and {upper}")
    if low < 0:
        raise AnalysisError("the lower bound of weights is not negative")
    if isinstance(design, ReplicateDesign):
        return design.map_weights(lambda w: _trimmed(w, low, high, strict))
    return design.with_weights(_trimmed(design.weights, low, high, strict))


def _trimmed(weights: np.ndarray, low: float, high: float, strict: bool) -> np.ndarray:
    total = weights.sum()
    used = weights > 0
    touched = np.zeros(len(weights), dtype=bool)
    while True:
        outside = used & ((weights > high) | (weights < low))
        if not outside.any():
            return weights
        cut = np.where(used, np.clip(weights, low, high), 0.0)
        touched |= outside
        free = used & ~touched
        if not free.any():
            raise NotConvergedError(
                "trimming reached every weight, nobody is left to take the excess; widen the bounds.",
                {"sum of weights": (float(total), float(cut.sum()))},
            )
        cut[free] += (total - cut.sum()) / free.sum()
        weights = cut
        if not strict:
            return weights


def trim_and_calibrate(
    design: SurveyDesign,
    recalibrate: Callable[[SurveyDesign], SurveyDesign],
    *,
    lower: float | None = None,
    upper: float | None = None,
    max_rounds: int = 100,
    tolerance: float = 1e-6,
) -> SurveyDesign:
    """Trim and calibrate in turn until the calibrated weights stay within the bounds (relative `tolerance`).

    recalibrate : takes a design, returns it calibrated (its margins hold exactly)
    The result carries the calibration's residual step once: each round starts from weights without it.

    Raises NotConvergedError when the margins need weights outside the bounds.
    """
    bare = design
    for _ in range(max_rounds):
        calibrated = recalibrate(bare)
        w = calibrated.weights[calibrated.weights > 0]
        over = 0.0 if upper is None else w.max() / upper - 1
        under = 0.0 if lower is None else 1 - w.min() / lower
        if max(over, under) <= tolerance:
            return calibrated
        trimmed = trim(calibrated, lower=lower, upper=upper, strict=True)
        bare = design.with_weights(trimmed.weights)
    raise NotConvergedError(
        f"after {max_rounds} rounds of trimming the margins still need weights outside the bounds.",
        {
            "largest weight": (float("inf") if upper is None else upper, float(w.max())),
            "smallest weight": (0.0 if lower is None else lower, float(w.min())),
        },
    )
