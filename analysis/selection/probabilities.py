"""First-order inclusion probabilities in floating point, and the checks all floating-point methods share.

References
----------
Särndal, Swensson & Wretman (1992). Model Assisted Survey Sampling, section 3.6.2 (units that reach the
interval are taken with certainty, the rest is treated again). R: sampling::inclusionprobabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError

# A probability this near to 0 or 1, or a sum this near to a whole number, is taken to be it: far above the
# rounding of a cumulative sum over millions of units, far below any chance that matters.
EPS = 1e-9
_ROUNDING = 1e-12

Numbers = Sequence[float] | np.ndarray


@dataclass(frozen=True, eq=False)
class Probabilities:
    """`pi` of shape (n_units,); `certain`: positions of the units with probability 1 by their size."""

    pi: np.ndarray
    certain: np.ndarray


def pps_probabilities(size: Numbers, n: float) -> Probabilities:
    """π_k = n x_k / Σx; units that reach 1 get 1 and leave, the rest share what is left, repeatedly.

    The exact twin for certificates is `analysis.selection.pps.inclusion_probabilities`.

    Parameters
    ----------
    size : shape (n_units,), ≥ 0; a unit of size 0 has probability 0.
    n : number of units to take (need not be whole), at most the number of units that have a size.

    Raises
    ------
    DesignError : a size is negative or not a number; n is out of range.
    """
    x = np.asarray(size, dtype=float)
    if x.ndim != 1 or not _within(x, np.finfo(float).max):
        raise DesignError("sizes must be finite numbers, none of them negative")
    free = x > 0
    n_sized = np.count_nonzero(free)
    if not 0 <= n <= n_sized:
        raise DesignError(f"cannot take {n} of {n_sized} units that have a size")
    pi = np.zeros(len(x))
    left = float(n)
    while left > 0 and free.any():
        sizes = x[free]
        share = left * sizes / sizes.sum()
        reaching = share >= 1 - _ROUNDING
        if not reaching.any():
            pi[free] = share
            break
        places = np.flatnonzero(free)[reaching]
        pi[places] = 1.0
        free[places] = False
        left = n - float((pi == 1).sum())
    return Probabilities(pi, np.flatnonzero(pi == 1))


def checked(pi: Numbers) -> np.ndarray:
    """The probabilities as an array. Raises DesignError unless all lie in [0, 1]."""
    p = np.asarray(pi, dtype=float)
    if p.ndim != 1 or not _within(p, 1):
        raise DesignError("inclusion probabilities must be a list of numbers between 0 and 1")
    return p


def _within(values: np.ndarray, most: float) -> bool:
    """Whether all lie in [0, most]; not so for one that is no number, which no comparison lets pass."""
    return not len(values) or bool(values.min() >= 0 and values.max() <= most)


def whole_size(pi: np.ndarray) -> int:
    """Σπ as the fixed sample size. Raises DesignError when it is not a whole number."""
    total = float(pi.sum())
    n = round(total)
    if abs(total - n) > EPS * max(1.0, len(pi) ** 0.5):
        raise DesignError(
            f"the inclusion probabilities sum to {total:.9g}; a fixed sample size needs a whole sum"
        )
    return n


@dataclass(frozen=True, eq=False)
class Split:
    """Certain units, those left to chance, and how many of the latter are taken."""

    certain: np.ndarray
    free: np.ndarray
    n_free: int


def split(pi: np.ndarray) -> Split:
    """Units with 0 < π < 1 apart from those with π = 1; Σπ must be whole (see `whole_size`)."""
    n = whole_size(pi)
    certain = np.flatnonzero(pi >= 1 - EPS)
    free = np.flatnonzero((pi > EPS) & (pi < 1 - EPS))
    return Split(certain, free, n - len(certain))


def embed_joint(pi: np.ndarray, parts: Split, free_joint: np.ndarray) -> np.ndarray:
    """Joint probabilities of all units from those of the units left to chance.

    A certain unit k has π_kl = π_l; a unit of probability 0 has π_kl = 0.
    """
    joint = np.zeros((len(pi), len(pi)))
    joint[np.ix_(parts.free, parts.free)] = free_joint
    rounded = np.where(pi <= EPS, 0.0, pi)
    rounded[parts.certain] = 1.0
    joint[parts.certain, :] = rounded
    joint[:, parts.certain] = rounded[:, None]
    np.fill_diagonal(joint, pi)
    return joint


def with_certain(parts: Split, chosen: np.ndarray) -> np.ndarray:
    """Positions of the sample, ascending: the certain units and the `chosen` ones among the free."""
    return np.sort(np.concatenate([parts.certain, parts.free[chosen]])).astype(np.intp)
