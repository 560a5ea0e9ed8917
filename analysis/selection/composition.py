"""Several stages put together: probabilities at every stage, and joint ones of final units.

References
----------
Särndal, Swensson & Wretman (1992). Model Assisted Survey Sampling, section 4.3.1, results (4.3.4)-(4.3.6).
"""

from collections.abc import Sequence

import numpy as np

from analysis.errors import DesignError


def compose(stages: Sequence[np.ndarray]) -> np.ndarray:
    """π of a final unit: the product of its conditional probabilities stage by stage, shape (n_units,).

    Parameters
    ----------
    stages : one array of shape (n_units,) per stage, outermost first, each in (0, 1].
    """
    result = np.ones(len(stages[0])) if len(stages) else np.empty(0)
    for number, stage in enumerate(stages, start=1):
        p = np.asarray(stage, dtype=float)
        if p.shape != result.shape or not np.all((p > 0) & (p <= 1)):
            raise DesignError(f"stage {number}: one probability per unit, above 0 and at most 1")
        result = result * p
    return result


def srs_joint(n_units: int, n: int) -> float:
    """n(n-1)/(N(N-1)), the joint probability of two units of a simple random sample; 0 when n < 2."""
    if not 0 <= n <= n_units:
        raise DesignError(f"cannot take {n} of {n_units} units without replacement")
    return n * (n - 1) / (n_units * (n_units - 1)) if n_units > 1 else 0.0


def two_stage_joint(psu_joint: np.ndarray, n_units: Sequence[int], takes: Sequence[int]) -> np.ndarray:
    """π_kl of two final units by their PSUs, when each PSU's second stage is a simple random sample.

    Entry (i, j), i ≠ j: both PSUs taken, and each unit in its own: π_ij f_i f_j, f = take/size. Entry (i, i):
    two different units of PSU i: π_i n_i(n_i-1)/(N_i(N_i-1)). A unit with itself has π_i f_i.

    Parameters
    ----------
    psu_joint : shape (n_psus, n_psus), diagonal π_i.
    n_units, takes : sizes N_i and takes n_i of the PSUs, shape (n_psus,).
    """
    f = np.array([take / size for take, size in zip(takes, n_units, strict=True)])
    joint = np.asarray(psu_joint, dtype=float) * np.outer(f, f)
    within = [srs_joint(size, take) for size, take in zip(n_units, takes, strict=True)]
    np.fill_diagonal(joint, np.diag(psu_joint) * within)
    return joint
