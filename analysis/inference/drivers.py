"""Key drivers: how much each part of the service counts for the whole, and how well it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from analysis.errors import AnalysisError
from analysis.estimation.intervals import t_quantile
from analysis.estimation.linear import Items, item_arrays, mean
from analysis.estimation.linearization import Design
from analysis.estimation.moments import covariance_matrix
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec

MAX_SHAPLEY = 16  # 2^16 regressions; with more drivers take Johnson's weights
MAX_DRIVERS = 12  # an error needs the decomposition once for each entry of the covariance matrix
METRICS = ("shapley", "johnson", "first", "last", "betasq", "pratt")
_BATCH = 2**22  # numbers in a stack of regressions solved at once


@dataclass(frozen=True, eq=False)
class RelativeImportance:
    """Relative importance of p regressors; arrays of shape (p,).

    r2 : share of the variance of y explained by all of them
    shapley : average gain in R² over all orders of entry (LMG); adds up to r2. NaN beyond `MAX_SHAPLEY`
    johnson : Johnson's relative weights; adds up to r2
    first : squared correlation; last : loss of R² when it is left out
    betasq : squared standardised coefficient; pratt : standardised coefficient × correlation (adds up to r2)
    """

    names: tuple[str, ...]
    r2: float
    shapley: np.ndarray
    johnson: np.ndarray
    first: np.ndarray
    last: np.ndarray
    betasq: np.ndarray
    pratt: np.ndarray

    @property
    def shapley_share(self) -> np.ndarray:
        """Shapley values as shares of R²."""
        return self.shapley / self.r2

    def to_frame(self) -> pd.DataFrame:
        """One row per regressor."""
        return pd.DataFrame({"driver": list(self.names)} | {m: getattr(self, m) for m in METRICS})


def relative_importance(
    y: np.ndarray,
    x: np.ndarray | Mapping[str, np.ndarray],
    *,
    weights: np.ndarray | None = None,
) -> RelativeImportance:
    """Decompose the R² of a (weighted) least squares regression with intercept.

    Parameters
    ----------
    y : shape (n,); x : shape (n, p), or {name: values}; no missing values
    weights : shape (n,), or None

    Returns
    -------
    RelativeImportance

    Notes
    -----
    Shapley: Σ_S |S|!(p−|S|−1)!/p!·(R²(S ∪ k) − R²(S)) (Lindeman, Merenda & Gold 1980, p. 119 ff.; Grömping
    2007, American Statistician 61, 139–147). Johnson (2000), Multivariate Behavioral Research 35,
    1–19: ε = (Λ∘Λ)(β∘β), Λ = R_xx^{1/2}, β = Λ⁻¹r_xy. Pratt (1987). R: `relaimpo::calc.relimp`.
    """
    names, matrix = _matrix(x)
    y = np.asarray(y, dtype=float)
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    if matrix.shape[0] != len(y) or w.shape != y.shape:
        raise AnalysisError(f"shapes differ: y {y.shape}, x {matrix.shape}, weights {w.shape}")
    if np.isnan(matrix).any() or np.isnan(y).any():
        raise AnalysisError("a value is missing: choose the rows first, importance needs the same for all")
    if np.isnan(w).any() or (w < 0).any() or not w.sum() > 0:
        raise AnalysisError("a weight is missing or negative, or all are 0")
    both = np.column_stack([y, matrix])
    centred = both - w @ both / w.sum()
    return importance_from_covariance((centred * w[:, None]).T @ centred / w.sum(), names)


def importance_from_covariance(covariance: np.ndarray, names: Sequence[str]) -> RelativeImportance:
    """The same from the covariance matrix of (y, x₁ … x_p), shape (p + 1, p + 1)."""
    correlation = _correlation(covariance, names)
    inside, r = correlation[1:, 1:], correlation[1:, 0]
    beta = np.linalg.solve(inside, r)
    p = len(r)
    r2 = float(r @ beta)
    shapley = _shapley(correlation) if p <= MAX_SHAPLEY else np.full(p, np.nan)
    last = beta**2 / np.diag(np.linalg.inv(inside))
    return RelativeImportance(tuple(names), r2, shapley, _johnson(inside, r), r**2, last, beta**2, beta * r)


def _matrix(x: np.ndarray | Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    if isinstance(x, Mapping):
        return tuple(x), np.column_stack([np.asarray(v, dtype=float) for v in x.values()])
    matrix = np.asarray(x, dtype=float)
    return tuple(f"x{k + 1}" for k in range(matrix.shape[1])), matrix


def _correlation(covariance: np.ndarray, names: Sequence[str]) -> np.ndarray:
    spread = np.sqrt(np.diag(covariance))
    flat = np.flatnonzero(~(spread > 0))
    if len(flat):
        raise AnalysisError(f"{('the outcome', *names)[flat[0]]} does not vary")
    correlation = covariance / np.outer(spread, spread)
    if np.linalg.eigvalsh(correlation[1:, 1:]).min() < 1e-10:
        raise AnalysisError(f"the drivers are linearly dependent: {', '.join(names)}")
    return correlation


def _shapley(correlation: np.ndarray) -> np.ndarray:
    """LMG shares by R² of all subsets; works for complex input too (derivatives by the complex step)."""
    inside, r = correlation[1:, 1:], correlation[1:, 0]
    p = len(r)
    r2 = np.zeros(2**p, dtype=correlation.dtype)
    for size in range(1, p + 1):
        subsets = np.array(list(combinations(range(p), size)))
        step = max(1, _BATCH // (size * size))
        for start in range(0, len(subsets), step):
            chosen = subsets[start : start + step]
            blocks = inside[chosen[:, :, None], chosen[:, None, :]]
            solved = np.linalg.solve(blocks, r[chosen][:, :, None])[:, :, 0]
            r2[(1 << chosen).sum(axis=1)] = (solved * r[chosen]).sum(axis=1)
    everyone = np.arange(2**p)
    sizes = np.array([int(k).bit_count() for k in everyone])
    weight = np.array([1 / (p * comb(p - 1, s)) for s in range(p)])
    result = np.empty(p, dtype=correlation.dtype)
    for k in range(p):
        without = everyone[(everyone >> k) & 1 == 0]
        result[k] = np.sum(weight[sizes[without]] * (r2[without | (1 << k)] - r2[without]))
    return result


def _johnson(inside: np.ndarray, r: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(inside)
    root = vectors * np.sqrt(values) @ vectors.T
    return root**2 @ np.linalg.solve(root, r) ** 2


@dataclass(frozen=True, eq=False, repr=False)
class KeyDrivers:
    """Importance and performance of each driver, with design-based errors; arrays of shape (p,).

    importance : Shapley share of the outcome's R², 0–1, adds up to 1
    performance : mean of the driver; its own valid rows
    importance_line, performance_line : where the quadrants part: 1/p and the mean of the performances
    quadrant : 'fix first' (important, weak), 'keep up' (important, strong), 'low priority', 'possible excess'
    sure : False where the interval of importance or performance crosses its line
    n : rows with the outcome and every driver (the regression); n_performance of each driver
    """

    names: tuple[str, ...]
    r2: float
    importance: np.ndarray
    importance_se: np.ndarray
    performance: np.ndarray
    performance_se: np.ndarray
    df: float
    performance_df: np.ndarray
    importance_line: float
    performance_line: float
    quadrant: tuple[str, ...]
    sure: np.ndarray
    n: int
    n_performance: np.ndarray
    level: float

    def importance_ci(self) -> tuple[np.ndarray, np.ndarray]:
        half = t_quantile(0.5 + self.level / 2, self.df) * self.importance_se
        return np.maximum(self.importance - half, 0.0), np.minimum(self.importance + half, 1.0)

    def performance_ci(self) -> tuple[np.ndarray, np.ndarray]:
        half = t_quantile(0.5 + self.level / 2, self.performance_df) * self.performance_se
        return self.performance - half, self.performance + half

    def to_frame(self) -> pd.DataFrame:
        """One row per driver, the most important first."""
        (low, high), (worst, best) = self.importance_ci(), self.performance_ci()
        columns: dict[str, Any] = {"driver": list(self.names), "importance": self.importance}
        columns |= {"importance_low": low, "importance_high": high, "performance": self.performance}
        columns |= {"performance_low": worst, "performance_high": best, "quadrant": list(self.quadrant)}
        columns |= {"sure": self.sure, "n": self.n_performance}
        return pd.DataFrame(columns).sort_values("importance", ascending=False, kind="stable")

    def __repr__(self) -> str:
        return (
            f"Key drivers: R² = {self.r2:.3f}, n = {self.n:,}, {self.level:.0%} intervals\n{self.to_frame()}"
        )


def key_drivers(
    design: Design,
    outcome: ColumnSpec,
    drivers: Items,
    *,
    where: np.ndarray | None = None,
    level: float = 0.95,
) -> KeyDrivers:
    """Importance–performance analysis of a survey.

    Parameters
    ----------
    design : survey design, linearised or replicate
    outcome : overall score; drivers : scores of the parts, at most `MAX_DRIVERS`
    where : bool mask of shape (n_rows,), the domain
    level : of the intervals that decide `sure`

    Returns
    -------
    KeyDrivers

    Notes
    -----
    Importance: Shapley shares (see `relative_importance`) of the weighted covariance matrix over rows with
    the outcome and every driver, which a regression needs; its error by the delta method from the
    design-based covariance of that matrix, derivatives by the complex step. Performance: design-based mean
    over the driver's own valid rows. Quadrants: Martilla & James (1977), Journal of Marketing 41, 77–79.
    Association, not cause: a driver can stand for what it travels with. R: `relaimpo::calc.relimp` with a
    `svydesign`.
    """
    names, values, _ = item_arrays(design, drivers)
    p = len(names)
    if not 2 <= p <= MAX_DRIVERS:
        raise AnalysisError(f"key drivers are 2 to {MAX_DRIVERS}; got {p}")
    y = design.columns.numeric(outcome, "outcome")
    everything = {" outcome": y} | dict(zip(names, values, strict=True))
    moments = covariance_matrix(design, everything, where=where)
    # Terms run over ordered pairs with the first column fastest; the matrix is symmetric.
    matrix = moments.estimate.reshape(p + 1, p + 1)
    exact = importance_from_covariance(matrix, names)
    gradient = _share_gradient(matrix)
    vcov = gradient @ moments.vcov @ gradient.T
    scores = mean(design, dict(zip(names, values, strict=True)), where=where, covariance=False)
    used = check_mask(design, where) & ~np.isnan(np.column_stack([y, *values])).any(axis=1)
    share, line = exact.shapley_share, float(np.mean(scores.estimate))
    share_se = np.sqrt(np.maximum(np.diag(vcov), 0.0))
    df = float(moments.df[0])
    sure = np.abs(share - 1 / p) > t_quantile(0.5 + level / 2, df) * share_se
    sure &= np.abs(scores.estimate - line) > t_quantile(0.5 + level / 2, scores.df) * scores.se
    return KeyDrivers(
        names=tuple(names),
        r2=exact.r2,
        importance=share,
        importance_se=share_se,
        performance=scores.estimate,
        performance_se=scores.se,
        df=df,
        performance_df=scores.df,
        importance_line=1 / p,
        performance_line=line,
        quadrant=tuple(_quadrant(a > 1 / p, b > line) for a, b in zip(share, scores.estimate, strict=True)),
        sure=sure,
        n=int((used & (design.weights != 0)).sum()),
        n_performance=scores.n,
        level=level,
    )


def _quadrant(important: bool, strong: bool) -> str:
    if important:
        return "keep up" if strong else "fix first"
    return "possible excess" if strong else "low priority"


def _share_gradient(matrix: np.ndarray) -> np.ndarray:
    """∂(Shapley share)/∂(covariance), shape (p, (p + 1)²); both entries of a pair carry half of it."""
    size = len(matrix)
    gradient = np.empty((size - 1, size * size))
    step = 1e-30
    for i, j in combinations_with_replacement(range(size), 2):
        moved = matrix.astype(complex)
        moved[i, j] += 1j * step
        moved[j, i] = moved[i, j]
        spread = np.sqrt(np.diag(moved))
        values = _shapley(moved / np.outer(spread, spread))
        half = np.imag(values / values.sum()) / step
        gradient[:, i * size + j] = gradient[:, j * size + i] = half if i == j else half / 2
    return gradient
