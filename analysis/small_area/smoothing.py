"""Variance functions: sampling variances of tiny samples are noise, and some are 0."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.errors import AnalysisError

SMOOTHERS = ("pooled", "loglinear")


@dataclass(frozen=True, eq=False)
class SmoothedVariances:
    """Smoothed sampling variances.

    variance : shape (m,), positive wherever n is
    unit_variance : the pooled variance of a single answer ('pooled'), else NaN
    coefficients : {term: value} of the log-linear function ('loglinear'), else empty
    correction : factor that makes the smoothed variances add up to the direct ones ('loglinear'), else 1
    n_zero : areas whose direct variance was 0 and got a positive one
    """

    variance: np.ndarray
    method: str
    unit_variance: float
    coefficients: Mapping[str, float]
    correction: float
    n_zero: int


def smooth_variances(
    variance: np.ndarray,
    n: np.ndarray,
    *,
    n_effective: np.ndarray | None = None,
    predictors: Mapping[str, np.ndarray] | None = None,
    method: str = "pooled",
) -> SmoothedVariances:
    """Replace each direct variance by the value of a function fitted over all areas.

    Parameters
    ----------
    variance : direct variances v ≥ 0, shape (m,); NaN where an area has one answer or none
    n : answers behind each, shape (m,)
    n_effective : what unequal weights leave of n (Kish), shape (m,); None takes n
    predictors : 'loglinear' only: {name: values of shape (m,)}, used as given; log n_effective is always one
    method : 'pooled' or 'loglinear'

    Returns
    -------
    SmoothedVariances

    Notes
    -----
    'pooled': S² = Σ(n−1)·v·n_eff / Σ(n−1), then D = S²/n_eff: unbiased when the variance of one answer is the
    same everywhere, and areas in which all agree take part with their 0.
    'loglinear': ln v = a + b·ln n_eff + c'z + ε by least squares over v > 0, D = Δ·exp(â + b̂·ln n_eff + ĉ'z),
    Δ = Σv/Σexp(…) over all areas with a variance, so that the retransformation keeps the sum (Hidiroglou,
    Beaumont & Yung 2019, Survey Methodology 45, 101–126). Its zeros enter through Δ.
    Use a function because D enters the model as known: Rao & Molina (2015), section 6.4. R: none in `sae`;
    `emdi` asks the user for smoothed variances.
    """
    v, n = np.asarray(variance, dtype=float), np.asarray(n, dtype=float)
    size = n if n_effective is None else np.asarray(n_effective, dtype=float)
    if v.shape != n.shape or size.shape != n.shape:
        raise AnalysisError(f"shapes differ: variance {v.shape}, n {n.shape}, n_effective {size.shape}")
    if (v < 0).any():
        raise AnalysisError(f"area {int(np.flatnonzero(v < 0)[0]) + 1}: a variance is negative")
    usable = ~np.isnan(v) & (n > 1)
    if not usable.any() or not v[usable].sum() > 0:
        raise AnalysisError("no area shows any variance: a variance function cannot be fitted")
    n_zero = int((usable & (v == 0)).sum())
    sized = np.where(size > 0, size, np.nan)
    if method == "pooled":
        unit = float(np.sum((n - 1)[usable] * v[usable] * size[usable]) / np.sum((n - 1)[usable]))
        return SmoothedVariances(unit / sized, method, unit, {}, 1.0, n_zero)
    if method != "loglinear":
        raise AnalysisError(f"method is one of {', '.join(SMOOTHERS)}; got {method!r}")
    names = ["(Intercept)", "log(n)", *(predictors or {})]
    z = np.column_stack([np.ones(len(v)), np.log(sized), *(predictors or {}).values()])
    fitted_on = usable & (v > 0)
    if np.linalg.matrix_rank(z[fitted_on]) < z.shape[1] or fitted_on.sum() <= z.shape[1]:
        raise AnalysisError(
            f"{int(fitted_on.sum())} areas with a positive variance do not determine {', '.join(names)}; "
            "use method='pooled'"
        )
    beta = np.linalg.lstsq(z[fitted_on], np.log(v[fitted_on]), rcond=None)[0]
    raw = np.exp(z @ beta)
    correction = float(v[usable].sum() / raw[usable].sum())
    coefficients = dict(zip(names, (float(b) for b in beta), strict=True))
    return SmoothedVariances(correction * raw, method, float("nan"), coefficients, correction, n_zero)
