"""What the weights cost, as plain numbers for a page."""

from typing import Any

import numpy as np

from analysis.weighting import diagnose
from survey.stats.weights import Weighted

BINS = 20


def diagnostics_of(weighted: Weighted) -> dict[str, Any]:
    """Summary of the final weights and their histogram.

    {"n", "mean", "median", "minimum", "maximum", "max_over_mean", "kish_effect", "n_effective",
    "extreme_limit", "n_extreme", "histogram": {"edges", "counts"}}; extreme: above the median plus six
    interquartile ranges (Potter & Zheng 2015).
    """
    weights = weighted.weights[weighted.weights > 0]
    found = diagnose(weights)
    counts, edges = np.histogram(weights, bins=BINS)
    return {
        "n": int(found.n),
        "mean": float(found.mean),
        "median": float(found.median),
        "minimum": float(found.minimum),
        "maximum": float(found.maximum),
        "max_over_mean": float(found.max_over_mean),
        "kish_effect": float(found.kish_deff),
        "n_effective": float(found.n_effective),
        "extreme_limit": float(found.extreme_limit),
        "n_extreme": int(np.sum(found.extreme)) if found.extreme.dtype == bool else len(found.extreme),
        "histogram": {"edges": [float(e) for e in edges], "counts": [int(c) for c in counts]},
    }
