"""Sample sizes for a difference between two rounds or two districts, which may share respondents.

References
----------
Valliant, Dever & Kreuter (2018). Practical Tools for Designing and Weighting Survey Samples, 2nd ed.,
section 4.2 and eq. 4.24 (overlapping samples). R: PracTools nProp2sam, nDep2sam.
Woodward, M. (1992). Formulas for sample size, power and minimum detectable relative risk in medical
studies. The Statistician 41, 185-196.
"""

import math
from dataclasses import dataclass

from scipy import stats

from analysis.errors import DesignError

ALTERNATIVES = ("one.sided", "two.sided")


@dataclass(frozen=True)
class PairSize:
    """Respondents of both samples, rounded up; `unrounded` is n1 before rounding."""

    n1: int
    n2: int
    unrounded: float


def size_for_two_means(
    variances: tuple[float, float],
    difference: float,
    *,
    correlation: float = 0.0,
    overlap: float = 0.0,
    ratio: float = 1.0,
    alternative: str = "two.sided",
    alpha: float = 0.05,
    power: float = 0.8,
    deff: float = 1.0,
) -> PairSize:
    """n1 = ⌈deff (z_α + z_power)² (s1² + r s2² - 2 g r s12)/d²⌉, n2 = ⌈n1 before rounding / r⌉.

    Parameters
    ----------
    overlap : g, the share of sample 1 that is asked in both; `correlation` of their two answers, giving
        s12 = correlation·√(s1² s2²).
    ratio : r = n1/n2.
    """
    s12 = correlation * math.sqrt(variances[0] * variances[1])
    return _pair(variances, s12, difference, overlap, ratio, alternative, alpha, power, deff)


def size_for_two_shares(
    p1: float,
    p2: float,
    *,
    p_both: float | None = None,
    overlap: float = 0.0,
    ratio: float = 1.0,
    alternative: str = "two.sided",
    alpha: float = 0.05,
    power: float = 0.8,
    deff: float = 1.0,
) -> PairSize:
    """As `size_for_two_means` with s² = p(1-p), s12 = p_both - p1p2, d = p1 - p2.

    Parameters
    ----------
    p_both : share with the property in both samples, needed when they overlap.
    """
    if overlap and p_both is None:
        raise DesignError("overlapping samples need the share with the property in both")
    if not (0 < p1 < 1 and 0 < p2 < 1):
        raise DesignError(f"expected shares lie strictly between 0 and 1; got {p1} and {p2}")
    s12 = 0.0 if p_both is None else p_both - p1 * p2
    variances = (p1 * (1 - p1), p2 * (1 - p2))
    return _pair(variances, s12, p1 - p2, overlap, ratio, alternative, alpha, power, deff)


def power_quantiles(alternative: str, alpha: float, power: float) -> float:
    """z_α + z_power; z_α = z(1-α) one-sided, z(1-α/2) two-sided."""
    if alternative not in ALTERNATIVES:
        raise DesignError(f"an alternative is one of {', '.join(ALTERNATIVES)}; got {alternative!r}")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise DesignError("alpha and power lie between 0 and 1")
    tail = alpha if alternative == "one.sided" else alpha / 2
    return float(stats.norm.isf(tail) + stats.norm.ppf(power))


def _pair(
    variances: tuple[float, float],
    s12: float,
    difference: float,
    overlap: float,
    ratio: float,
    alternative: str,
    alpha: float,
    power: float,
    deff: float,
) -> PairSize:
    if difference == 0:
        raise DesignError("no sample size shows a difference of 0")
    if not 0 <= overlap <= 1 or ratio <= 0 or min(variances) < 0 or deff <= 0:
        raise DesignError("overlap lies in 0 … 1, ratio and design effect above 0, variances not below 0")
    spread = variances[0] + ratio * variances[1] - 2 * overlap * ratio * s12
    n1 = deff * power_quantiles(alternative, alpha, power) ** 2 * spread / difference**2
    return PairSize(math.ceil(n1 - 1e-9), math.ceil(n1 / ratio - 1e-9), n1)
