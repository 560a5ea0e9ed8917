"""Systematic sampling in floating point: equal or unequal probabilities, sorted lists, exact joint
probabilities of a fixed order.

References
----------
Madow, W. G. (1949). On the theory of systematic sampling, II. Ann. Math. Statist. 20, 333-354.
Tillé, Y. (2006). Sampling Algorithms, section 7.1 (joint probabilities from the order statistics of the
cumulative sums modulo 1). R: sampling::UPsystematic, UPsystematicpi2.
Williams, R. L. & Chromy, J. R. (1980). SAS sample selection macros. Proc. SAS Users Group 5, 392-396
(hierarchic serpentine sorting, SAS SURVEYSELECT's SORT=SERP).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from analysis.errors import DesignError
from analysis.selection.probabilities import EPS, Numbers, checked
from analysis.selection.uniforms import Randomness, Uniforms


def draw_systematic(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions taken, ascending: unit k when a whole number m has C_{k-1} < u + m ≤ C_k, C = cumulative π.

    The units are swept in the order given: sort them first for implicit stratification (`serpentine`), or
    shuffle them for random systematic PPS. With Σπ whole the size is exactly Σπ. No unbiased variance
    estimator exists for a fixed order, since many π_kl are 0.

    Parameters
    ----------
    pi : shape (n_units,).
    random : one uniform number is read.
    """
    return np.flatnonzero(_hits(checked(pi), Uniforms(random).next()))


def draw_systematic_equal(n_units: int, n: int, random: Randomness) -> np.ndarray:
    """n of n_units at the fractional interval n_units/n from a random start: positions, ascending.

    Raises DesignError when n is negative or above n_units.
    """
    if not 0 <= n <= n_units:
        raise DesignError(f"cannot take {n} of {n_units} units without replacement")
    # A whole start r below N and the points r + iN on a line where each unit is n long: all in integers, so
    # that each unit has n of the N starts.
    start = int(Uniforms(random).next() * n_units)
    return (start + np.arange(n) * n_units) // max(n, 1)


def _hits(p: np.ndarray, u: float) -> np.ndarray:
    """True where a unit is taken. A certain unit moves the sums by 1, which changes nothing for the others:
    leaving it out of the sums keeps it in the sample whatever the rounding.
    """
    certain = p >= 1
    below = _points_below(_cumulative(np.where(certain, 0.0, p)), u)
    before = np.empty_like(below)
    before[:1], before[1:] = u <= 0, below[:-1]
    return certain | (below > before)


def _points_below(c: np.ndarray, u: float | np.ndarray) -> np.ndarray:
    """How many of u, u + 1, u + 2, … are at most c. Fractions are compared: c - u would be rounded."""
    whole = np.floor(c)
    return whole + (c - whole >= u)


def _cumulative(p: np.ndarray) -> np.ndarray:
    """Cumulative sums; where the total is whole but for rounding they end in the whole number exactly."""
    c = np.cumsum(p)
    total = c[-1] if len(c) else 0.0
    n = round(total)
    if n > 0 and abs(total - n) <= EPS * max(1.0, len(p) ** 0.5):
        c = np.minimum(c * (n / total), n)
        c[np.flatnonzero(p)[-1] :] = n
    return c


def systematic_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl of `draw_systematic` in the order given, shape (n_units, n_units), diagonal π.

    The start u runs over the stretches between the fractional parts of the cumulative sums; on each the
    sample is constant, so π_kl is the total length of the stretches whose sample holds both.
    """
    p = checked(pi)
    bounds = np.concatenate([[0.0], _cumulative(p)])
    cuts = np.unique(np.concatenate([np.mod(bounds, 1.0), [0.0, 1.0]]))
    length, middle = np.diff(cuts), (cuts[1:] + cuts[:-1]) / 2
    rows, cols = [], []
    for start in range(0, len(middle), 4096):  # a few stretches at once keep the memory flat
        block = middle[start : start + 4096]
        taken = np.diff(_points_below(bounds[None, :], block[:, None]), axis=1) > 0
        row, col = np.nonzero(taken)
        rows.append(row + start)
        cols.append(col)
    row, col = np.concatenate(rows), np.concatenate(cols)
    members = sparse.csr_array((np.ones(len(row)), (row, col)), shape=(len(length), len(p)))
    joint = (members.T @ (members * length[:, None])).toarray()
    np.fill_diagonal(joint, p)
    return joint


def serpentine(
    *keys: Sequence[Any] | np.ndarray, ties: Sequence[Any] | np.ndarray | None = None
) -> np.ndarray:
    """Positions that sort by the first key, then within it by the second in alternating direction, and so on.

    Neighbours in the list are then alike at every break of an outer key, which plain nested sorting loses;
    a systematic draw of the sorted list is implicitly stratified by all keys.

    Parameters
    ----------
    keys : arrays of shape (n_units,), outermost first.
    ties : unit ids that order what the keys leave equal, so that the order of rows does not matter.
    """
    if not keys:
        raise DesignError("sorting needs at least one key")
    group = np.zeros(len(keys[0]), dtype=np.int64)
    for key in keys:
        values, rank = np.unique(np.asarray(key), return_inverse=True)
        turned = np.where(group % 2 == 0, rank, len(values) - 1 - rank)
        _, group = np.unique(group * len(values) + turned, return_inverse=True)
    order = (group,) if ties is None else (np.asarray(ties), group)
    return np.lexsort(order)
