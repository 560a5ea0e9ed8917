"""Tillé's elimination procedure and its complement (Midzuno's method for any π): fixed size, exact π_kl.

References
----------
Tillé, Y. (1996). An elimination procedure for unequal probability sampling without replacement.
Biometrika 83, 238-241. R: sampling::UPtille, UPtillepi2.
Tillé (2006). Sampling Algorithms, sections 6.3.3 and 6.3.5 (complement: R sampling::UPmidzuno).
"""

from collections.abc import Iterator

import numpy as np

from analysis.selection.probabilities import (
    Numbers,
    checked,
    embed_joint,
    pps_probabilities,
    split,
    with_certain,
)
from analysis.selection.uniforms import Randomness, Uniforms


def draw_tille(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions taken, ascending. From all units, one leaves at a time until n are left.

    At the step from m+1 to m units, unit k leaves with probability v_k = 1 - a_k(m)/a_k(m+1), where a(m) are
    the probabilities of a sample of size m in proportion to π. One uniform number is read per step: the
    first unit still in whose cumulated v exceeds it leaves.
    """
    p = checked(pi)
    parts = split(p)
    source = Uniforms(random)
    inside = np.ones(len(parts.free), dtype=bool)
    for v in _leaving(p[parts.free], parts.n_free):
        reached = np.cumsum(np.where(inside, v, 0.0))
        place = int(np.searchsorted(reached, source.next(), side="right"))
        # The v of those still in sum to 1 but for rounding: past the end, the last that may leave does.
        inside[min(place, int(np.flatnonzero(inside & (v > 0))[-1]))] = False
    return with_certain(parts, np.flatnonzero(inside))


def tille_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl = Π_m (1 - v_k(m) - v_l(m)) of `draw_tille`, shape (n_units, n_units), diagonal π."""
    p = checked(pi)
    parts = split(p)
    joint = np.ones((len(parts.free), len(parts.free)))
    for v in _leaving(p[parts.free], parts.n_free):
        joint *= 1.0 - v[:, None] - v[None, :]
    # Two units cannot both stay when fewer than two do; rounding must not leave a negative chance.
    return embed_joint(p, parts, np.maximum(joint, 0.0) if parts.n_free > 1 else np.zeros_like(joint))


def draw_midzuno(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions taken: those that an elimination sample drawn with 1 - π leaves out. R: UPmidzuno."""
    p = checked(pi)
    return np.setdiff1d(np.arange(len(p)), draw_tille(1.0 - p, random))


def midzuno_joint(pi: Numbers) -> np.ndarray:
    """Exact π_kl = 1 - (1-π_k) - (1-π_l) + π*_kl, π* of the elimination sample of 1 - π; diagonal π."""
    p = checked(pi)
    joint = np.maximum(p[:, None] + p[None, :] - 1.0 + tille_joint(1.0 - p), 0.0)
    np.fill_diagonal(joint, p)
    return joint


def _leaving(p: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """v(m) for m = N-1 down to n."""
    larger = np.ones(len(p))
    for m in range(len(p) - 1, n - 1, -1):
        smaller = pps_probabilities(p, m).pi
        yield np.maximum(1.0 - smaller / larger, 0.0)
        larger = smaller
