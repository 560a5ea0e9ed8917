"""Brewer's draw-by-draw method for any fixed size; joint probabilities by going through the states.

References
----------
Brewer, K. R. W. (1975). A simple procedure for sampling πpswor. Australian J. Statist. 17, 166-172.
Tillé (2006). Sampling Algorithms, section 6.4.2. R: sampling::UPbrewer.
"""

import math

import numpy as np

from analysis.errors import DesignError
from analysis.selection.probabilities import Numbers, checked, embed_joint, split, with_certain
from analysis.selection.uniforms import Randomness, Uniforms

# Sets times units followed at once: about a quarter of a gigabyte.
MAX_CELLS = 32_000_000


def draw_brewer(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions taken, ascending. At draw i = 1 … n unit k, not yet taken, comes with probability
    ∝ π_k (n - a - π_k)/(n - a - π_k (n - i + 1)), a = Σπ over those taken. One uniform number is read per
    draw: the first unit whose cumulated chance exceeds it is taken.
    """
    p = checked(pi)
    parts = split(p)
    source, q, n = Uniforms(random), p[parts.free], parts.n_free
    out = np.ones(len(q), dtype=bool)
    for i in range(1, n + 1):
        weight = np.where(out, _weights(q, n, q[~out].sum(), i), 0.0)
        reached = np.cumsum(weight)
        place = int(np.searchsorted(reached, source.next() * reached[-1], side="right"))
        out[min(place, int(np.flatnonzero(weight)[-1]))] = False
    return with_certain(parts, np.flatnonzero(~out))


def brewer_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl of `draw_brewer`, shape (n_units, n_units), diagonal π.

    No closed form is known: every set that can be reached is followed, so the work grows as C(N, n).

    Raises
    ------
    DesignError : more than MAX_CELLS sets times units: use an approximation that is named as such.
    """
    p = checked(pi)
    parts = split(p)
    q, n = p[parts.free], parts.n_free
    if len(q) > 62 or sum(math.comb(len(q), i) for i in range(n + 1)) * len(q) > MAX_CELLS:
        raise DesignError(
            f"Brewer's joint probabilities of {n} of {len(q)} units need too many sets to be followed; "
            "use Sampford's method, or an approximation that is named as such"
        )
    sets, chance = np.zeros(1, dtype=np.uint64), np.ones(1)
    for i in range(1, n + 1):
        inside = _members(sets, len(q))
        weight = np.where(inside, 0.0, _weights(q[None, :], n, (inside @ q)[:, None], i))
        step = chance[:, None] * weight / weight.sum(axis=1, keepdims=True)
        grown = sets[:, None] | (np.uint64(1) << np.arange(len(q), dtype=np.uint64))[None, :]
        sets, where = np.unique(grown[~inside], return_inverse=True)
        chance = np.bincount(where, weights=step[~inside], minlength=len(sets))
    inside = _members(sets, len(q)).astype(float)
    return embed_joint(p, parts, inside.T @ (inside * chance[:, None]))


def _weights(q: np.ndarray, n: int, a: np.ndarray | float, i: int) -> np.ndarray:
    left = n - a
    with np.errstate(divide="ignore", invalid="ignore"):
        # The last draw has the limit π_k: numerator and denominator are the same number.
        return q.copy() if i == n else q * (left - q) / (left - q * (n - i + 1))


def _members(sets: np.ndarray, size: int) -> np.ndarray:
    return ((sets[:, None] >> np.arange(size, dtype=np.uint64)[None, :]) & np.uint64(1)).astype(bool)
