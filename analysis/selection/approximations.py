"""Approximate joint inclusion probabilities, each under the name of its authors.

For designs of fixed size near maximum entropy (systematic PPS of a list in random order, Sampford, Brewer,
Tillé, a random pivotal draw). None of them holds for a systematic draw of a sorted list.

References
----------
Hartley, H. O. & Rao, J. N. K. (1962). Sampling with unequal probabilities and without replacement.
Ann. Math. Statist. 33, 350-374, eq. 5.15: systematic PPS from a random order, to order N⁻⁴.
Overton, W. S. (1985), in Stehman, S. V. & Overton, W. S. (1994), Comparison of variance estimators of the
Horvitz-Thompson estimator for randomized variable probability systematic sampling, J. Amer. Statist. Assoc.
89, 30-43. R: survey::ppscov, svydesign(pps = "overton").
Hájek, J. (1964). Asymptotic theory of rejective sampling. Ann. Math. Statist. 35, 1491-1523, theorem 5.2.
R: survey::svydesign(pps = HR()) is Hartley & Rao's variance, not this matrix.
"""

import numpy as np

from analysis.selection.probabilities import Numbers, checked, embed_joint, split


def hartley_rao_joint(pi: Numbers) -> np.ndarray:
    """Hartley & Rao's approximation, shape (n_units, n_units), diagonal π; Σπ must be whole.

    Certain units are set apart first. Bad for few units: rows may miss (n-1)π_k, and small cells the sign.
    """
    p = checked(pi)
    parts = split(p)
    q, n = p[parts.free], parts.n_free
    if n < 2:
        return embed_joint(p, parts, np.zeros((len(q), len(q))))
    a, b = q[:, None], q[None, :]
    two, three = (q**2).sum(), (q**3).sum()
    joint = (n - 1) / n * a * b + (n - 1) / n**2 * (a**2 * b + a * b**2) - (n - 1) / n**3 * a * b * two
    joint += 2 * (n - 1) / n**3 * (a**3 * b + a * b**3 + a**2 * b**2)
    joint += -3 * (n - 1) / n**4 * (a**2 * b + a * b**2) * two + 3 * (n - 1) / n**5 * a * b * two**2
    joint += -2 * (n - 1) / n**4 * a * b * three
    return embed_joint(p, parts, joint)


def overton_joint(pi: Numbers) -> np.ndarray:
    """Overton's approximation 2(n-1)π_kπ_l/(2n - π_k - π_l), shape (n_units, n_units), diagonal π."""
    p = checked(pi)
    parts = split(p)
    q, n = p[parts.free], parts.n_free
    return embed_joint(p, parts, 2 * (n - 1) * np.outer(q, q) / (2 * n - q[:, None] - q[None, :]))


def hajek_joint(pi: Numbers) -> np.ndarray:
    """Hájek's approximation π_kπ_l {1 - (1-π_k)(1-π_l)/d}, d = Σπ(1-π); diagonal π."""
    p = checked(pi)
    parts = split(p)
    q = p[parts.free]
    d = (q * (1 - q)).sum()
    lack = np.outer(1 - q, 1 - q) / d if len(q) else np.zeros((0, 0))
    return embed_joint(p, parts, np.outer(q, q) * (1 - lack))
