"""R-indicators: how evenly the chance to respond is spread over known groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.intervals import mean_interval
from analysis.frames import Columns, ColumnSpec, Factor, combine_codes


@dataclass(frozen=True)
class Partial:
    """Partial indicator of one variable.

    overall, overall_adjusted : its share of S (adjusted for the bias of S²)
    by_category : {level: value}; unconditional ones are negative for groups that respond too little
    """

    overall: float
    overall_adjusted: float
    by_category: Mapping[Any, float]


@dataclass(frozen=True, eq=False)
class RIndicator:
    """Representativeness of response.

    r_unadjusted, r_adjusted : 1 − 2S, and with S² corrected for its bias; 1 = everybody equally likely
    r_se : standard error of r_adjusted; NaN where S² does not exceed its bias
    propensity_mean, propensity_variance : μ and S² of the fitted response propensities
    bias_of_variance : b, what S² is too large by
    coefficient_of_variation, coefficient_of_variation_adjusted : S/μ, the bound on the bias of a mean
    unconditional, conditional : {variable: Partial}
    beta_names, beta : coefficients of the response model, shape (p,)
    propensity : fitted values of the rows, shape (n,)
    """

    r_unadjusted: float
    r_adjusted: float
    r_se: float
    propensity_mean: float
    propensity_variance: float
    bias_of_variance: float
    coefficient_of_variation: float
    coefficient_of_variation_adjusted: float
    unconditional: Mapping[str, Partial]
    conditional: Mapping[str, Partial]
    beta_names: tuple[str, ...]
    beta: np.ndarray
    propensity: np.ndarray
    n: int

    def ci(self, level: float = 0.95) -> tuple[float, float]:
        """Normal interval of r_adjusted, cut to [0, 1]."""
        low, high = mean_interval(np.array(self.r_adjusted), np.array(self.r_se), np.inf, level)
        return float(np.maximum(low, 0.0)), float(np.minimum(high, 1.0))


def r_indicator(
    data: Any,
    *,
    response: ColumnSpec,
    x: Sequence[str],
    weights: ColumnSpec | None = None,
    strata: ColumnSpec | None = None,
) -> RIndicator:
    """R-indicator of a sample with its partial indicators.

    Parameters
    ----------
    data : data frame with one row per eligible sampled unit, respondent or not
    response : 1 responded, 0 not
    x : columns known for every unit, taken as categories; the first level of each is the base
    weights : column of design weights d (None: 1)
    strata : column of strata drawn by simple random sampling (None: one)

    Returns
    -------
    RIndicator

    Raises
    ------
    AnalysisError : a value is missing; NotConvergedError : a group responds wholly or not at all

    Notes
    -----
    Logistic model with main effects, d scaled to mean 1; ρ fitted, N = Σd, μ = Σdρ/N,
    S² = Σd(ρ − μ)²/(N − 1), R = 1 − 2S. With Σ_β = (X'diag(d̃ρ(1−ρ))X)⁻¹ and z = ρ(1−ρ)x the bias of S² is
    [Σd·z'Σ_βz − VT/N]/N, VT = Σ_h N_h²(1 − n_h/N_h)·var_h(ρ)/n_h. Partial indicators: unconditional
    sign(ρ̄_k − μ)·√(N_k/N·(ρ̄_k − μ)²), conditional √(Σ_k d(ρ − ρ̄_cell)²/N) within the cells of all other
    variables. Schouten, Cobben & Bethlehem (2009), Survey Methodology 35, 101–113; Shlomo, Skinner &
    Schouten (2012), J. Statistical Planning and Inference 142, 201–211 (bias; variance of S² as
    4a'Σ_βa + 2tr(BΣ_βBΣ_β) + sampling variance, a = Σd(ρ−μ)(z−z̄)/N, B = Σd(z−z̄)(z−z̄)'/N); RISQ manual 2.1
    (2015). R: the RISQ project's `getRIndicator`.
    """
    columns = Columns(data)
    y = columns.numeric(response, "response")
    if not np.isin(y, (0.0, 1.0)).all():
        raise AnalysisError(f"response is 0 or 1; row {int(np.flatnonzero(~np.isin(y, (0, 1)))[0])} is not")
    d = np.ones(len(y)) if weights is None else columns.numeric(weights, "weights")
    if not (np.isfinite(d) & (d > 0)).all():
        raise AnalysisError("every sampled unit needs a positive design weight")
    factors = {name: _complete(columns.factor(name), name) for name in x}
    h = np.zeros(len(y), dtype=int) if strata is None else _complete(columns.factor(strata), "strata").codes
    names, design = _indicators(factors, len(y))
    beta = _fit(design, y, d * len(d) / d.sum(), names)
    rho = 1 / (1 + np.exp(-(design @ beta)))
    return _summarise(rho, d, h, design, beta, names, factors)


def _complete(factor: Factor, name: str) -> Factor:
    if (factor.codes < 0).any():
        raise AnalysisError(f"{name!r} has no value in row {int(np.flatnonzero(factor.codes < 0)[0])}")
    used = np.unique(factor.codes)
    place = np.full(factor.n_levels, -1)
    place[used] = np.arange(len(used))
    return Factor(place[factor.codes], tuple(factor.levels[k] for k in used))


def _indicators(factors: Mapping[str, Factor], n: int) -> tuple[tuple[str, ...], np.ndarray]:
    names, columns = ["(Intercept)"], [np.ones(n)]
    for name, factor in factors.items():
        for k, level in enumerate(factor.levels[1:], start=1):
            names.append(f"{name}{level}")
            columns.append((factor.codes == k).astype(float))
    return tuple(names), np.column_stack(columns)


def _fit(x: np.ndarray, y: np.ndarray, w: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Weighted logistic regression by Newton steps, halved while the likelihood falls."""
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise AnalysisError(f"the groups determine each other: {', '.join(names)}")
    beta = np.zeros(x.shape[1])

    def loglike(b: np.ndarray) -> float:
        eta = x @ b
        return float(w @ (y * eta - np.logaddexp(0, eta)))

    current = loglike(beta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-(x @ beta)))
        score = x.T @ (w * (y - p))
        information = (x * (w * p * (1 - p))[:, None]).T @ x
        if np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, score)
        while loglike(beta + step) < current - 1e-12 * abs(current):
            step = step / 2
        beta = beta + step
        current = loglike(beta)
        if np.abs(step).max() < 1e-12 * max(1.0, float(np.abs(beta).max())):
            return beta
    raise NotConvergedError("a group responded wholly or not at all, so its propensity cannot be fitted")


def _summarise(
    rho: np.ndarray,
    d: np.ndarray,
    h: np.ndarray,
    design: np.ndarray,
    beta: np.ndarray,
    names: tuple[str, ...],
    factors: Mapping[str, Factor],
) -> RIndicator:
    total = d.sum()
    mu = float(d @ rho / total)
    s2 = float(d @ (rho - mu) ** 2 / (total - 1))
    scaled = d * len(d) / total
    spread = np.linalg.inv((design * (scaled * rho * (1 - rho))[:, None]).T @ design)
    z = design * (rho * (1 - rho))[:, None]
    fitted = float(d @ np.einsum("ij,jk,ik->i", z, spread, z))
    bias = (fitted - _total_variance(rho, d, h) / total) / total
    left = max(s2 - bias, 0.0)
    shrink = float(np.sqrt(max(1 - bias / s2, 0.0))) if s2 > 0 else 0.0
    partial = {
        "unconditional": {n: _unconditional(rho, d, mu, f, shrink) for n, f in factors.items()},
        "conditional": {n: _conditional(rho, d, n, factors, shrink) for n in factors},
    }
    return RIndicator(
        r_unadjusted=1 - 2 * float(np.sqrt(s2)),
        r_adjusted=1 - 2 * float(np.sqrt(left)),
        r_se=_standard_error(rho, d, h, mu, z, spread, left),
        propensity_mean=mu,
        propensity_variance=s2,
        bias_of_variance=bias,
        coefficient_of_variation=float(np.sqrt(s2)) / mu,
        coefficient_of_variation_adjusted=float(np.sqrt(left)) / mu,
        beta_names=names,
        beta=beta,
        propensity=rho,
        n=len(rho),
        **partial,
    )


def _total_variance(values: np.ndarray, d: np.ndarray, h: np.ndarray) -> float:
    """Variance of an estimated total under stratified simple random sampling, Σ N_h²(1−n_h/N_h)s_h²/n_h."""
    result = 0.0
    for k in np.unique(h):
        rows = h == k
        n, size = int(rows.sum()), float(d[rows].sum())
        if n < 2:
            raise AnalysisError("a stratum has a single sampled unit: join it with another")
        result += size**2 * (1 - n / size) * float(np.var(values[rows], ddof=1)) / n
    return result


def _standard_error(
    rho: np.ndarray, d: np.ndarray, h: np.ndarray, mu: float, z: np.ndarray, spread: np.ndarray, left: float
) -> float:
    if left <= 0:
        return float("nan")
    total = d.sum()
    centred = z - d @ z / total
    a = (d * (rho - mu)) @ centred / total
    b = (centred * d[:, None]).T @ centred / total
    within = b @ spread
    variance = 4 * float(a @ spread @ a) + 2 * float(np.trace(within @ within))
    variance += max(_total_variance((rho - mu) ** 2, d, h), 0.0) / total**2
    return float(np.sqrt(variance / left))


def _unconditional(rho: np.ndarray, d: np.ndarray, mu: float, factor: Factor, shrink: float) -> Partial:
    sizes = np.bincount(factor.codes, d, factor.n_levels)
    gap = np.bincount(factor.codes, d * rho, factor.n_levels) / sizes - mu
    values = np.sign(gap) * np.sqrt(sizes / d.sum() * gap**2)
    return _partial(values, factor, shrink)


def _conditional(
    rho: np.ndarray, d: np.ndarray, name: str, factors: Mapping[str, Factor], shrink: float
) -> Partial:
    others = [(f.codes, f.n_levels) for other, f in factors.items() if other != name]
    cell = combine_codes(others)[0] if others else np.zeros(len(rho), dtype=int)
    sizes = np.bincount(cell, d)
    mean = np.bincount(cell, d * rho) / sizes
    squares = d * (rho - mean[cell]) ** 2 / d.sum()
    factor = factors[name]
    return _partial(np.sqrt(np.bincount(factor.codes, squares, factor.n_levels)), factor, shrink)


def _partial(values: np.ndarray, factor: Factor, shrink: float) -> Partial:
    overall = float(np.sqrt(np.sum(values**2)))
    by = {level: float(v) for level, v in zip(factor.levels, values, strict=True)}
    return Partial(overall, overall * shrink, by)
