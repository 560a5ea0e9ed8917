"""Tail probabilities of Σ λ_j χ²(h_j), also over an independent χ²: the null law of Rao–Scott statistics."""

import numpy as np
from scipy import optimize, special, stats

from analysis.errors import NotConvergedError


def tail_exact(x: float, weights: np.ndarray, ddf: float = np.inf, *, whole_df: bool = False) -> float:
    """P(Σ λ_j χ²_1 > x·χ²_ddf/ddf), the λ_j positive, to about 1e-9.

    whole_df : count only the whole degrees of freedom of the denominator, as R's pFsum does when ddf is not
        an integer; a little conservative

    Notes
    -----
    A ratio is a form with one negative term: Imhof's integral (1961, Biometrika 48, 419–426), smooth on the
    scale of log u. Without a denominator the Laplace transform Π(1+2λp)^-½ is inverted on Talbot's contour
    (Abate & Valkó 2004, Int. J. Numer. Meth. Engng 60, 979–993).
    """
    lam, h, x0 = _terms(x, weights, ddf, whole_df)
    if np.isinf(ddf):
        return _talbot(x0, lam[lam > 0])
    lam = lam / np.abs(lam).max()
    u = np.exp(np.linspace(-30.0, 60.0, 20001))[:, None]
    theta = 0.5 * np.sum(h * np.arctan(lam * u), axis=1)
    log_rho = 0.25 * np.sum(h * np.log1p((lam * u) ** 2), axis=1)
    area = np.sum(np.sin(theta) * np.exp(-log_rho)) * (90.0 / 20000)
    return float(np.clip(0.5 + area / np.pi, 0.0, 1.0))


def _talbot(x: float, lam: np.ndarray, points: int = 24) -> float:
    """Survival function of Σ λ χ²_1 at x > 0: inverse Laplace transform of (1 − φ(p))/p."""
    if x <= 0:
        return 1.0
    r = 2 * points / (5 * x)
    angle = np.arange(1, points) * np.pi / points
    cot = 1 / np.tan(angle)
    p = np.append(r, r * angle * (cot + 1j)).astype(complex)
    factor = np.append(0.5, 1 + 1j * (angle + (angle * cot - 1) * cot))
    transform = (1 - np.exp(-0.5 * np.sum(np.log(1 + 2 * lam * p[:, None]), axis=1))) / p
    return float(np.clip(r / points * np.sum(np.real(np.exp(p * x) * transform * factor)), 0.0, 1.0))


def tail_saddlepoint(x: float, weights: np.ndarray, ddf: float = np.inf, *, whole_df: bool = False) -> float:
    """The same by the Lugannani–Rice saddlepoint formula (Kuonen 1999), good to a relative error far out.

    Parameters as in `tail_exact`.
    """
    lam, h, x0 = _terms(x, weights, ddf, whole_df)
    scale = lam.max()
    if not scale > 0:
        return 0.0
    lam, x0 = lam / scale, x0 / scale

    def cumulant(z: float) -> float:
        return -0.5 * float(np.sum(h * np.log(1 - 2 * z * lam)))

    def slope(z: float) -> float:
        return float(np.sum(h * lam / (1 - 2 * z * lam))) - x0

    high = np.min(1 / (2 * lam[lam > 0])) * (1 - 1e-12)
    if (lam < 0).any():
        low = np.max(1 / (2 * lam[lam < 0])) * (1 - 1e-12)
    else:
        low = -1.0
        while slope(low) > 0 and low > -1e12:
            low *= 4
    if slope(low) > 0 or slope(high) < 0:
        return tail_satterthwaite(x, weights, ddf)
    z = optimize.brentq(slope, low, high, xtol=1e-14, rtol=1e-14)
    curvature = 2 * float(np.sum(h * lam**2 / (1 - 2 * z * lam) ** 2))
    w = np.sign(z) * np.sqrt(max(2 * (z * x0 - cumulant(z)), 0.0))
    v = z * np.sqrt(curvature)
    if abs(z) < 1e-4:  # at the mean the formula is 0/0; the two-moment law is exact enough there
        return tail_satterthwaite(x, weights, ddf)
    return float(special.ndtr(-(w + np.log(v / w) / w)))


def tail_satterthwaite(x: float, weights: np.ndarray, ddf: float = np.inf) -> float:
    """Two moments: x/Σλ against F with (Σλ)²/Σλ² and ddf degrees of freedom."""
    total, square = np.sum(weights), np.sum(np.square(weights))
    df = total**2 / square
    if np.isinf(ddf):
        return float(stats.chi2.sf(x * total / square, df))
    return float(stats.f.sf(x / total, df, ddf))


def _terms(x: float, weights: np.ndarray, ddf: float, whole_df: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """λ, their degrees of freedom, and the right-hand side; a ratio becomes one form compared with 0."""
    lam = np.asarray(weights, dtype=float)
    if not np.isfinite(lam).all() or not np.isfinite(x):
        raise NotConvergedError(
            "the design effects or the statistic are not numbers; some cell has no variance."
        )
    if np.isinf(ddf):
        return lam, np.ones(len(lam)), float(x)
    count = np.floor(ddf + 1e-9) if whole_df else ddf
    return np.append(lam, -x / ddf), np.append(np.ones(len(lam)), count), 0.0
