"""Poisson sampling: each unit by its own number. R: sampling::UPpoisson."""

import numpy as np

from analysis.selection.probabilities import Numbers, checked
from analysis.selection.uniforms import Randomness, Uniforms


def draw_poisson(pi: Numbers, random: Randomness) -> np.ndarray:
    """Positions of the units with u_k < π_k; one number is read for each unit. The size is random.

    π_kl = π_k π_l; Hájek (1964), Ann. Math. Statist. 35, 1491-1523, section 2.
    """
    p = checked(pi)
    return np.flatnonzero(Uniforms(random).take(len(p)) < p)


def poisson_joint(pi: Numbers) -> np.ndarray:
    """π_kl = π_k π_l, diagonal π; shape (n_units, n_units)."""
    p = checked(pi)
    joint = np.outer(p, p)
    np.fill_diagonal(joint, p)
    return joint
