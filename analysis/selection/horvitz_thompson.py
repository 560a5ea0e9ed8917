"""Variance of the Horvitz-Thompson total from joint inclusion probabilities, and its estimators.

References
----------
Horvitz, D. G. & Thompson, D. J. (1952). J. Amer. Statist. Assoc. 47, 663-685.
Sen, A. R. (1953). J. Indian Soc. Agric. Statist. 5, 119-127; Yates, F. & Grundy, P. M. (1953).
J. R. Statist. Soc. B 15, 253-261. R: sampling::varHT (methods 1 and 2).
Deville, J.-C. (1993). Estimation de la variance pour les enquêtes en deux phases. R: sampling::varest.
"""

from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError
from analysis.selection.probabilities import Numbers


@dataclass(frozen=True)
class VarianceEstimates:
    """Estimates from one sample; NaN where a formula is undefined (a joint probability of 0, one unit)."""

    ht_total: float
    horvitz_thompson: float
    sen_yates_grundy: float
    deville_fixed_size: float
    hajek_mean: float


def design_variance(pi: Numbers, joint: np.ndarray, y: Numbers) -> float:
    """Σ_k Σ_l (π_kl - π_kπ_l) y_k y_l/(π_kπ_l) over the population, π_kk = π_k.

    Units that cannot be taken (π = 0) are left out of the total that is estimated.
    """
    p, values, j = _inputs(pi, joint, y)
    live = p > 0
    z = values[live] / p[live]
    return float(z @ (j[np.ix_(live, live)] - np.outer(p[live], p[live])) @ z)


def variance_estimates(y: Numbers, pi: Numbers, joint: np.ndarray) -> VarianceEstimates:
    """The estimators of the variance of Σ y/π, from the sampled units alone.

    Parameters
    ----------
    y, pi : shape (n,), π > 0.
    joint : shape (n, n), diagonal π.
    """
    p, values, j = _inputs(pi, joint, y)
    if np.any(p <= 0):
        raise DesignError("a sampled unit has inclusion probability 0")
    z = values / p
    off = ~np.eye(len(p), dtype=bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(off, 1.0 - np.outer(p, p) / j, 0.0)
        ht = float(((1 - p) * z**2).sum() + z @ ratio @ z)
        syg = float(-(ratio * (z[:, None] - z[None, :]) ** 2).sum() / 2)
    undefined = bool((j[off] <= 0).any())
    return VarianceEstimates(
        float(z.sum()),
        np.nan if undefined else ht,
        np.nan if undefined else syg,
        _deville(z, p),
        float(z.sum() / (1 / p).sum()) if len(p) else np.nan,
    )


def _deville(z: np.ndarray, p: np.ndarray) -> float:
    """Σ (1-π)(z - A)²/(1 - Σa²), a ∝ 1-π, A = Σ a z: needs no joint probabilities."""
    rest = 1 - p
    if not rest.any():
        return 0.0
    a = rest / rest.sum()
    lack = 1 - (a**2).sum()
    return float((rest * (z - a @ z) ** 2).sum() / lack) if lack > 1e-12 else np.nan


def _inputs(pi: Numbers, joint: np.ndarray, y: Numbers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    p, values, j = np.asarray(pi, float), np.asarray(y, float), np.asarray(joint, float)
    if values.shape != p.shape or j.shape != (len(p), len(p)):
        raise DesignError(f"{len(p)} probabilities need as many values and a square table of joint ones")
    return p, values, j
