"""Small seeded samples that several tests share."""

import numpy as np


def two_stage(seed=0, strata=4, psus=3, take=5):
    """Stratified two-stage sample as a mapping of columns, with unequal weights and fractions at both
    stages.
    """
    rng = np.random.default_rng(seed)
    h = np.repeat(np.arange(strata), psus * take)
    p = np.repeat(np.arange(strata * psus), take)
    n = len(h)
    effect = rng.normal(size=strata * psus)[p]
    return {
        "h": h,
        "psu": p,
        "hh": np.arange(n),
        "w": rng.uniform(1, 3, n),
        "N1": np.full(n, psus * 4),
        "N2": np.full(n, take * 2),
        "d": rng.integers(0, 3, n),
        "y": 70 + 5 * effect + rng.normal(size=n) * 10,
        "x": rng.uniform(10, 20, n),
        "z": (rng.random(n) < 0.6).astype(float),
        "g": np.where(rng.random(n) < 0.5, "女", "男"),
    }
