"""Confidence intervals for means and, above all, for proportions near 0 and 100 %."""

from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from analysis.errors import AnalysisError

PROPORTION_METHODS = ("logit", "likelihood", "asin", "beta", "mean", "xlogit", "wilson")


def t_quantile(probability: float, df: np.ndarray | float) -> np.ndarray:
    """Quantile of Student's t; normal for df = inf, NaN for df <= 0."""
    df = np.asarray(df, dtype=float)
    finite = np.where(np.isfinite(df) & (df > 0), df, 1.0)
    value = np.where(np.isinf(df), special.ndtri(probability), special.stdtrit(finite, probability))
    return np.where(df > 0, value, np.nan)


def mean_interval(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray | float, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Estimate ± t(df)·se."""
    half = t_quantile(0.5 + level / 2, df) * se
    return estimate - half, estimate + half


def effective_size(
    p: np.ndarray,
    variance: np.ndarray,
    n: np.ndarray,
    df: np.ndarray,
    n_at_bounds: np.ndarray | None = None,
    level: float = 0.95,
    df_adjusted: bool = True,
) -> np.ndarray:
    """Korn & Graubard's degrees-of-freedom-adjusted effective sample size, P(1−P)/V·(t_{n−1}/t_df)².

    Where V is 0 (0 %, 100 %, or all PSUs alike) P(1−P)/V says nothing; then `n_at_bounds` (Kish's n, or n
    when
    None) stands in, the rule of the NCHS Data Presentation Standards (Parker et al. 2017, p. 13) made careful
    about unequal weights.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2), 193–201.
    """
    p, variance, n, df = np.broadcast_arrays(*(np.asarray(a, dtype=float) for a in (p, variance, n, df)))
    with np.errstate(divide="ignore", invalid="ignore"):
        size = p * (1 - p) / variance
    # A mean of 0/1 that is 1 up to rounding has a variance that is 0 up to rounding.
    flat = (variance <= 1e-24) | (p <= 1e-12) | (p >= 1 - 1e-12)
    size = np.where(flat, n if n_at_bounds is None else n_at_bounds, size)
    if df_adjusted:
        size = size * (t_quantile(0.5 + level / 2, n - 1) / t_quantile(0.5 + level / 2, df)) ** 2
    return size


def proportion_interval(
    p: np.ndarray | float,
    variance: np.ndarray | float,
    *,
    method: str = "beta",
    level: float = 0.95,
    df: np.ndarray | float,
    n: np.ndarray | float,
    n_at_bounds: np.ndarray | float | None = None,
    logit_variance: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval for a proportion from its estimate and design-based variance.

    Parameters
    ----------
    p, variance : estimate (0–1) and its variance; any shape
    method : 'logit' and 'xlogit' (t interval on the log odds), 'likelihood' (scaled binomial likelihood),
        'asin' (t interval on asin √p), 'beta' (Korn–Graubard, Clopper–Pearson with an effective size), 'mean'
        (p ± t·se, may leave 0–1), 'wilson' (Wilson with the effective size)
    df : degrees of freedom of the domain; inf gives the normal
    n : rows behind the estimate
    n_at_bounds : effective size used where the variance is 0 (Kish's n, or a size that also carries a
        pooled clustering effect); default n. There every method but 'mean' and 'wilson' gives the
        Korn–Graubard interval, because its own formula is undefined; 'mean' gives it too.
    logit_variance : variance of log odds for 'logit' (replicate designs have their own); default by the delta
        method, as 'xlogit' always does

    Returns
    -------
    (low, high), NaN where there is no estimate or no degree of freedom

    References
    ----------
    R survey::svyciprop; Korn & Graubard (1998); Wilson (1927); Dean & Pagano (2015).
    """
    if method not in PROPORTION_METHODS:
        raise AnalysisError(f"the interval method is one of {', '.join(PROPORTION_METHODS)}; got {method!r}")
    p, variance, df, n = (np.asarray(a, dtype=float) for a in (p, variance, df, n))
    p, variance, df, n = np.broadcast_arrays(p, variance, df, n)
    t = t_quantile(0.5 + level / 2, df)
    flat = (variance <= 1e-24) | (p <= 1e-12) | (p >= 1 - 1e-12)
    with np.errstate(all="ignore"):
        se = np.sqrt(variance)
        if method == "mean":
            low, high = p - t * se, p + t * se
        elif method in ("logit", "xlogit"):
            centre, half = special.logit(p), t * se / (p * (1 - p))
            if method == "logit" and logit_variance is not None:
                half = t * np.sqrt(logit_variance)
            low, high = special.expit(centre - half), special.expit(centre + half)
        elif method == "asin":
            centre, half = np.arcsin(np.sqrt(np.clip(p, 0, 1))), t * se / (2 * np.sqrt(p * (1 - p)))
            low, high = _sin_squared(centre - half, p, 0.0), _sin_squared(centre + half, p, 1.0)
        elif method == "likelihood":
            low, high = _likelihood(p, variance, t, n)
        elif method == "wilson":
            size = effective_size(p, variance, n, df, n_at_bounds, level, df_adjusted=False)
            return _wilson(p, size, t)
        exact = effective_size(p, variance, n, df, n_at_bounds, level)
        beta_low, beta_high = clopper_pearson(p, exact, 1 - level)
        if method == "beta":
            low, high = beta_low, beta_high
    low = np.where(flat, beta_low, low)
    high = np.where(flat, beta_high, high)
    known = ~np.isnan(p) & ~np.isnan(t)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def _sin_squared(angle: np.ndarray, p: np.ndarray, bound: float) -> np.ndarray:
    """sin² as R computes it, also a little beyond 0 or π/2; the bound itself where it would pass p."""
    value = np.sin(angle) ** 2
    wrong = value > p if bound == 0.0 else value < p
    return np.where(wrong | (np.abs(angle - np.pi / 4) > np.pi / 2), bound, value)


def clopper_pearson(p: np.ndarray, size: np.ndarray, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Exact binomial interval at level 1 − alpha for a share p of `size`, which need not be whole."""
    p = np.clip(p, 0, 1)
    hits, misses = size * p, size * (1 - p)
    low = np.where(hits <= 1e-9, 0.0, special.betaincinv(np.maximum(hits, 1e-300), misses + 1, alpha / 2))
    high = np.where(
        misses <= 1e-9, 1.0, special.betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - alpha / 2)
    )
    unknown = np.isnan(size)
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def _wilson(p: np.ndarray, size: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = p + t**2 / (2 * size)
    half = t * np.sqrt(p * (1 - p) / size + t**2 / (4 * size**2))
    low, high = (centre - half) / (1 + t**2 / size), (centre + half) / (1 + t**2 / size)
    # At 0 and 1 the formula gives the bound itself, up to rounding.
    return np.where(p <= 1e-12, 0.0, low), np.where(p >= 1 - 1e-12, 1.0, high)


def _likelihood(
    p: np.ndarray, variance: np.ndarray, t: np.ndarray, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ends where the scaled binomial deviance reaches t² (R's svyciprop, method 'likelihood')."""
    low, high = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    flat_low, flat_high = low.reshape(-1), high.reshape(-1)
    for i, (pi, vi, ti, ni) in enumerate(zip(p.flat, variance.flat, t.flat, n.flat, strict=True)):
        if not (0 < pi < 1 and vi > 0 and np.isfinite(ti) and ni > 1):
            continue
        target = ti * np.sqrt(ni * vi / (pi * (1 - pi)))

        def gap(q: float, pi: float = pi, ni: float = ni, target: float = target) -> float:
            loss = pi * np.log(pi / q) + (1 - pi) * np.log((1 - pi) / (1 - q))
            return np.sqrt(max(2 * (ni - 1) * loss, 0.0)) - target

        flat_low[i] = _end(gap, pi, 0.0)
        flat_high[i] = _end(gap, pi, 1.0)
    return low, high


def _end(gap: Callable[[float], float], p: float, bound: float) -> float:
    far = bound + (p - bound) * 1e-15
    if gap(far) <= 0:
        return bound
    return float(optimize.brentq(gap, min(far, p), max(far, p), xtol=1e-14, rtol=1e-14))
