"""What the weights cost and what they repaired."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.design import SurveyDesign


@dataclass(frozen=True)
class WeightDiagnostics:
    """Summary of a set of weights over the rows with a weight.

    kish_deff : 1 + cv²(w) = n Σw²/(Σw)² (Kish 1965, 11.2; 1992)
    loss : kish_deff − 1, the share of variance added by unequal weights
    n_effective : (Σw)²/Σw²
    extreme : rows with a weight above `extreme_limit` (median + 6 × interquartile range)
    """

    n: int
    n_zero: int
    total: float
    minimum: float
    median: float
    mean: float
    maximum: float
    max_over_mean: float
    kish_deff: float
    loss: float
    n_effective: float
    extreme_limit: float
    extreme: np.ndarray


# Six interquartile ranges above the median: the cut-off Potter & Zheng (2015, JSM, p. 2712) use to flag
# weights.
_EXTREME_IQR = 6.0


def diagnose(weights: np.ndarray) -> WeightDiagnostics:
    """Diagnostics of an array of weights."""
    w = np.asarray(weights, dtype=float)
    used = w[w > 0]
    low, median, high = np.quantile(used, [0.25, 0.5, 0.75])
    deff = len(used) * np.sum(used**2) / used.sum() ** 2
    limit = median + _EXTREME_IQR * (high - low)
    return WeightDiagnostics(
        n=len(used),
        n_zero=int((w == 0).sum()),
        total=float(used.sum()),
        minimum=float(used.min()),
        median=float(median),
        mean=float(used.mean()),
        maximum=float(used.max()),
        max_over_mean=float(used.max() / used.mean()),
        kish_deff=float(deff),
        loss=float(deff - 1),
        n_effective=float(used.sum() ** 2 / np.sum(used**2)),
        extreme_limit=float(limit),
        extreme=np.flatnonzero(w > limit) if high > low else np.array([], dtype=np.int64),
    )


def compare_margins(
    before: SurveyDesign, after: SurveyDesign, margins: Mapping[str, Mapping[Any, float]]
) -> pd.DataFrame:
    """Weighted counts of each margin before and after, beside the target.

    Returns a frame with columns margin, level, target, before, after, before_share, after_share,
    target_share.
    """
    rows = []
    for column, totals in margins.items():
        factor = before.columns.factor(column)
        named = {str(level): k for k, level in enumerate(factor.levels)}
        grand = sum(totals.values())
        for level, target in totals.items():
            mine = factor.codes == named.get(str(level), -2)
            old, new = before.weights[mine].sum(), after.weights[mine].sum()
            rows.append(
                {
                    "margin": column,
                    "level": level,
                    "target": float(target),
                    "before": float(old),
                    "after": float(new),
                    "before_share": float(old / before.weights.sum()),
                    "after_share": float(new / after.weights.sum()),
                    "target_share": float(target / grand),
                }
            )
    return pd.DataFrame(rows)
