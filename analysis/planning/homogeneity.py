"""Design effects and homogeneity: of weights, of clusters, and the variance components behind them.

References
----------
Kish, L. (1992). Weighting for unequal P_i. J. Official Statist. 8, 183-200 (1 + cv²). R: PracTools::deffK.
Kish (1965). Survey Sampling, eq. 5.4.1 (1 + (b-1)ρ); Eldridge, S. et al. (2006), Int. J. Epidemiology 35,
1292-1300 (unequal cluster sizes).
Searle, S. R. (1971). Linear Models, p. 414; Smith, C. A. B. (1956). Ann. Hum. Genet. 21, 363-373 (intervals
of the ICC). R: ICC::ICCest(CI.type = "THD", "Smith").
Valliant, Dever & Kreuter (2018), section 9.2.1. R: PracTools::BW2stageSRS.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.errors import DesignError
from analysis.planning.sample_size import z_quantile
from analysis.selection.probabilities import Numbers


@dataclass(frozen=True)
class WeightEffect:
    """Kish's design effect of weights; `cv` of the weights has divisor n."""

    deff: float
    effective_n: float
    cv: float


def weight_design_effect(weights: Numbers) -> WeightEffect:
    """n Σw²/(Σw)² = 1 + cv²; effective n = (Σw)²/Σw²."""
    w = np.asarray(weights, dtype=float)
    if not len(w) or np.any(w < 0) or not w.sum() > 0:
        raise DesignError("weights must not be negative, and one at least positive")
    effective = w.sum() ** 2 / (w**2).sum()
    return WeightEffect(float(len(w) / effective), float(effective), float(w.std() / w.mean()))


@dataclass(frozen=True)
class DesignEffect:
    """Design effects of clusters of equal and unequal size, and times that of weights (`total`)."""

    equal: float
    unequal: float
    total: float

    def size(self, n_srs: float, population: float = np.inf) -> float:
        """n_srs × total, then 1/(1/n + 1/N)."""
        return 1 / (1 / (n_srs * self.total) + 1 / population)


def cluster_design_effect(
    take: float, rho: float, *, cv_take: float = 0.0, deff_weights: float = 1.0
) -> DesignEffect:
    """Equal 1 + (b-1)ρ; unequal 1 + ((1 + cv²)b - 1)ρ; total = equal × that of the weights.

    Parameters
    ----------
    take : b, mean number of respondents per cluster; `cv_take` their coefficient of variation.
    """
    if take <= 0:
        raise DesignError(f"a mean cluster size must be above 0; got {take}")
    equal = 1 + (take - 1) * rho
    return DesignEffect(equal, 1 + ((1 + cv_take**2) * take - 1) * rho, equal * deff_weights)


@dataclass(frozen=True)
class ICC:
    """One-way analysis of variance estimate of the intraclass correlation, with two intervals."""

    icc: float
    n0: float
    var_within: float
    var_between: float
    searle: tuple[float, float]
    smith: tuple[float, float]


def icc_anova(groups: np.ndarray, y: Numbers, *, confidence: float = 0.95) -> ICC:
    """icc = s_b²/(s_b² + MSW), s_b² = (MSB - MSW)/n0, n0 = (N - Σn_i²/N)/(a-1).

    Searle's ends from F = MSB/MSW: (F/F_U - 1)/(F/F_U + n0 - 1), (F F_L - 1)/(F F_L + n0 - 1); Smith's
    icc ∓ z√V. A negative icc is reported as it comes. Rows with a missing value are left out.

    Raises
    ------
    DesignError : fewer than two groups, or no group with two values.
    """
    codes, values = _coded(groups, y)
    n = np.bincount(codes).astype(float)
    a, total = len(n), float(n.sum())
    if a < 2 or total <= a:
        raise DesignError("an intraclass correlation needs two groups, and two values in one of them")
    means = np.bincount(codes, weights=values) / n
    within = float(((values - means[codes]) ** 2).sum() / (total - a))
    between = float((n * (means - values.mean()) ** 2).sum() / (a - 1))
    n0 = float((total - (n**2).sum() / total) / (a - 1))
    s_b = (between - within) / n0
    icc = s_b / (s_b + within)
    tail = (1 - confidence) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        f = np.float64(between) / within
        upper, lower = f / stats.f.isf(tail, a - 1, total - a), f * stats.f.isf(tail, total - a, a - 1)
        searle = (float((upper - 1) / (upper + n0 - 1)), float((lower - 1) / (lower + n0 - 1)))
    half = z_quantile(confidence) * float(np.sqrt(_smith_variance(icc, n, n0)))
    return ICC(icc, n0, within, s_b, searle, (icc - half, icc + half))


def _smith_variance(r: float, n: np.ndarray, n0: float) -> float:
    a, total = len(n), n.sum()
    two, three = (n**2).sum(), (n**3).sum()
    first = (1 + r * (n0 - 1)) ** 2 / (total - a)
    second = (a - 1) * (1 - r) * (1 + r * (2 * n0 - 1)) + r**2 * (two - 2 * three / total + two**2 / total**2)
    return float(max(2 * (1 - r) ** 2 / n0**2 * (first + second / (a - 1) ** 2), 0.0))


@dataclass(frozen=True)
class Components:
    """Relative variance components of a two-stage SRS design; `homogeneity` = B²/(B² + W²)."""

    between: float
    within: float
    unit_relvariance: float
    k: float
    homogeneity: float


def two_stage_components(clusters: np.ndarray, y: Numbers) -> Components:
    """B² = var(t)/mean(t)², W² = M ΣN_i²S_i²/(Σt)² from a whole population by cluster; t cluster totals.

    unit_relvariance = S²/ȳ², k = (B² + W²)/unit_relvariance. Variances have divisor -1; a cluster of one
    unit has S² = 0.
    """
    codes, values = _coded(clusters, y)
    n = np.bincount(codes).astype(float)
    if len(n) < 2:
        raise DesignError("variance components need at least two clusters")
    totals = np.bincount(codes, weights=values)
    squares = np.bincount(codes, weights=(values - (totals / n)[codes]) ** 2)
    s2 = np.divide(squares, n - 1, out=np.zeros(len(n)), where=n > 1)
    between = float(totals.var(ddof=1) / totals.mean() ** 2)
    within = float(len(n) * (n**2 * s2).sum() / totals.sum() ** 2)
    unit = float(values.var(ddof=1) / values.mean() ** 2)
    return Components(between, within, unit, (between + within) / unit, between / (between + within))


def _coded(groups: np.ndarray, y: Numbers) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(y, dtype=float)
    keep = np.isfinite(values)
    _, codes = np.unique(np.asarray(groups)[keep], return_inverse=True)
    return codes, values[keep]
