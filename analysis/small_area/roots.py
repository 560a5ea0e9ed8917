"""Variance components as roots of a score: every local maximum is found, the boundary 0 included."""

from collections.abc import Callable

import numpy as np
from scipy import optimize

_GRID = 96
_DECADES = 12


def downward_roots(score: Callable[[float], float], upper: float) -> list[float]:
    """Points in (0, upper] where the score passes from positive to negative: the local maxima.

    Parameters
    ----------
    score : function of the variance, defined from 0 on and negative at `upper`
    upper : a bound above which the score stays negative, > 0

    Returns
    -------
    The roots in increasing order, to the last bits; empty when the maximum lies at 0.

    Notes
    -----
    A restricted likelihood can have several local maxima, so the score is read on a grid of eight points per
    decade over twelve decades below `upper`, and each change of sign is refined by Brent's method.
    """
    grid = np.r_[0.0, upper * np.logspace(-_DECADES, 0, _GRID)]
    values = [score(float(a)) for a in grid]
    roots = []
    for k in range(len(grid) - 1):
        if values[k] > 0 >= values[k + 1]:
            roots.append(
                float(optimize.brentq(score, grid[k], grid[k + 1], xtol=1e-300, rtol=1e-15, maxiter=300))
            )
    return roots
