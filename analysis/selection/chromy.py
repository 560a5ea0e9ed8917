"""Chromy's sequential method: fixed size, hits spread along a sorted list, all π_kl computable.

A unit's expected number of hits may exceed 1: it then gets the whole part for certain (minimum replacement).
With every expectation at most 1 it is sampling without replacement with π = expected hits.

References
----------
Chromy, J. R. (1979). Sequential sample selection methods. Proc. ASA Survey Research Methods, 401-406
(algorithm; random start on the closed list).
Williams, R. L. & Chromy, J. R. (1980). SAS sample selection macros. Proc. SAS Users Group 5, 392-396.
SAS SURVEYSELECT METHOD=PPS_SEQ.
"""

import numpy as np

from analysis.errors import DesignError
from analysis.selection.probabilities import EPS, Numbers
from analysis.selection.uniforms import Randomness, Uniforms


def expected_hits(size: Numbers, n: int) -> np.ndarray:
    """n x_k / Σx, shape (n_units,). Raises DesignError when no unit has a size or one is negative."""
    x = np.asarray(size, dtype=float)
    if not np.all(np.isfinite(x)) or np.any(x < 0) or x.sum() <= 0:
        raise DesignError("sizes must be finite numbers, none negative and one at least positive")
    return n * x / x.sum()


def draw_chromy(expected: Numbers, random: Randomness, *, random_start: bool = False) -> np.ndarray:
    """Hits of each unit, integers of shape (n_units,); unit k gets ⌊e_k⌋ or ⌊e_k⌋ + 1, together exactly Σe.

    The list is swept once: the hits up to unit k are I_k or I_k + 1, the whole part of the cumulative sum or
    one more; unit k's uniform number decides, given where the hits stood before it.

    Parameters
    ----------
    expected : shape (n_units,), ≥ 0; its sum is the sample size when whole.
    random : one uniform number per unit, in the order of the list; with `random_start` one more, before.
    random_start : begin at a unit drawn with probability proportional to `expected` and go round the list
        (Chromy 1979); then every pair of units has a positive joint probability.
    """
    e = _checked(expected)
    source = Uniforms(random)
    start = _start(e, source.next()) if random_start else 0
    order = np.roll(np.arange(len(e)), -start)
    hits = np.empty(len(e), dtype=np.int64)
    hits[order] = _sweep(e[order], source.take(len(e)))
    return hits


def _checked(expected: Numbers) -> np.ndarray:
    e = np.asarray(expected, dtype=float)
    if e.ndim != 1 or not np.all(np.isfinite(e)) or np.any(e < 0):
        raise DesignError("expected hits must be finite numbers, none of them negative")
    return e


def _start(e: np.ndarray, u: float) -> int:
    reached = np.cumsum(e)
    return int(min(np.searchsorted(reached, u * reached[-1], side="right"), np.flatnonzero(e)[-1]))


def _parts(e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole part and fraction of the cumulative sums; a sum within EPS of a whole number is whole."""
    total = np.cumsum(e)
    near = np.rint(total)
    total = np.where(np.abs(total - near) <= EPS * np.maximum(1.0, len(e) ** 0.5), near, total)
    whole = np.floor(total)
    return whole, total - whole


def _chances(e: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(whole part, q given low before, q given high before): the chance that the hits up to k are I_k + 1."""
    whole, f = _parts(e)
    before = np.concatenate([[0.0], f[:-1]])
    rises = f > before
    with np.errstate(divide="ignore", invalid="ignore"):
        low = np.where(rises, (f - before) / (1 - before), 0.0)
        high = np.where(rises, 1.0, np.where(f > 0, f / before, 0.0))
    return whole, np.where(f == 0, 0.0, low), np.where(f == 0, 0.0, high)


def _sweep(e: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Each unit leads to high, to low, or leaves the state: the last one that decides gives it."""
    whole, low, high = _chances(e)
    to_high, to_low = (u < low) & (u < high), (u >= low) & (u >= high)
    decides = np.where(to_high | to_low, np.arange(len(e)), -1)
    last = np.maximum.accumulate(decides) if len(e) else decides
    state = np.where(last >= 0, to_high[last], False)
    return np.diff(whole + state, prepend=0.0).astype(np.int64)


def chromy_moments(expected: Numbers, *, random_start: bool = False) -> np.ndarray:
    """E(hits_k hits_l) of `draw_chromy`, shape (n_units, n_units); the diagonal is E(hits²).

    With all expectations at most 1 these are the joint inclusion probabilities π_kl. The state (low, high)
    is a Markov chain along the list. With a random start, the mean over the starts: O(N³).
    """
    e = _checked(expected)
    if not random_start:
        return _moments(e)
    total, result = e.sum(), np.zeros((len(e), len(e)))
    for start in np.flatnonzero(e):
        order = np.roll(np.arange(len(e)), -start)
        result[np.ix_(order, order)] += e[start] / total * _moments(e[order])
    return result


def _moments(e: np.ndarray) -> np.ndarray:
    whole, low, high = _chances(e)
    base = np.diff(whole, prepend=0.0)
    size = len(e)
    result = np.zeros((size, size))
    state = np.array([1.0, 0.0])  # chance of low, high before unit k
    given = np.zeros((size, 2))  # [k, state]: E(hits_k; state now) for the units gone by
    for k in range(size):
        # step[a, b]: from state a to b; hits of unit k are base + b - a
        step = np.array([[1 - low[k], low[k]], [1 - high[k], high[k]]])
        hits = base[k] + np.array([[0.0, 1.0], [-1.0, 0.0]])
        result[:k, k] = given[:k] @ (step * hits).sum(axis=1)
        result[k, k] = state @ (step * hits**2).sum(axis=1)
        given[:k] = given[:k] @ step
        given[k] = state @ (step * hits)
        state = state @ step
    return result + np.triu(result, 1).T
