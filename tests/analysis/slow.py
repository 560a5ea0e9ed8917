"""A slow, obvious design-based variance: loops over strata, PSUs and stages, straight from the formula."""

import numpy as np


def variance_of_total(scores, stages, fraction_of):
    """Variance of Σ scores.

    scores : (n,) weight × linearised value
    stages : list of (stratum labels or None, unit labels), one per stage, each of shape (n,)
    fraction_of : list of (n,) sampling fractions, one per stage
    """
    return _stage(np.asarray(scores, float), np.arange(len(scores)), stages, fraction_of, 0)


def _stage(scores, rows, stages, fraction_of, s):
    strata, units = stages[s]
    total = 0.0
    for h in sorted({strata[r] if strata is not None else 0 for r in rows}):
        mine = [r for r in rows if strata is None or strata[r] == h]
        labels = sorted({units[r] for r in mine})
        n = len(labels)
        f = fraction_of[s][mine[0]]
        z = [sum(scores[r] for r in mine if units[r] == u) for u in labels]
        if f < 1 - 1e-7:
            centre = sum(z) / n
            total += (1 - f) * n / (n - 1) * sum((v - centre) ** 2 for v in z)
        if s + 1 < len(stages):
            for u in labels:
                inside = [r for r in mine if units[r] == u]
                total += f * _stage(scores, inside, stages, fraction_of, s + 1)
    return total


def domain_mean(y, w, inside):
    """(mean, scores of its linearisation)."""
    size = sum(w[i] for i in range(len(y)) if inside[i])
    value = sum(w[i] * y[i] for i in range(len(y)) if inside[i]) / size
    scores = [w[i] * (y[i] - value) / size if inside[i] else 0.0 for i in range(len(y))]
    return value, np.array(scores)
