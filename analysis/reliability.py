"""Reliability of a scale: Cronbach's alpha item by item, McDonald's omega.

Alpha with a design-based error is `analysis.inference.agreement.cronbach_alpha`; here is the analysis of the
items that precedes any index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize

from analysis.errors import AnalysisError, NotConvergedError
from analysis.frames import Columns

_LEAST_UNIQUENESS = 0.005  # lower bound of R's factanal() and psych::fa()


@dataclass(frozen=True, eq=False)
class ItemAnalysis:
    """Cronbach's alpha and what each item does to it; arrays of shape (k,).

    alpha : raw; alpha_standardised : of the standardised items; average_r : mean correlation
    alpha_if_dropped : alpha of the others
    item_rest_correlation : of the item with the sum of the others
    negative : items whose item-rest correlation is negative: probably not reversed yet
    n : rows with at least two answers (pairs of items use their own common rows)
    """

    names: tuple[str, ...]
    alpha: float
    alpha_standardised: float
    average_r: float
    alpha_if_dropped: np.ndarray
    item_rest_correlation: np.ndarray
    negative: tuple[str, ...]
    n: int

    def to_frame(self) -> pd.DataFrame:
        """One row per item."""
        columns: dict[str, Any] = {"item": list(self.names), "alpha_if_dropped": self.alpha_if_dropped}
        columns |= {"item_rest_correlation": self.item_rest_correlation}
        return pd.DataFrame(columns | {"negative": [n in self.negative for n in self.names]})


def analyse_items(
    data: Any, items: Sequence[str] | None = None, *, weights: np.ndarray | None = None
) -> ItemAnalysis:
    """Cronbach's alpha with its usual companions.

    Parameters
    ----------
    data : data frame or {name: values}, one row per person
    items : columns, at least two; None takes all
    weights : shape (n,), or None

    Returns
    -------
    ItemAnalysis; a negative item-rest correlation is named in `negative`

    Notes
    -----
    k/(k−1)·(1 − Σvar/var of the sum); standardised k·r̄/(1 + (k−1)r̄). Covariances over the rows that have
    both items, as R does by default. Cronbach (1951), Psychometrika 16, 297–334. R: `psych::alpha`.
    """
    columns = Columns(data)
    names = tuple(columns.names if items is None else items)
    matrix = np.column_stack([columns.numeric(n, "item") for n in names])
    if len(names) < 2:
        raise AnalysisError("alpha needs at least two items")
    w = np.ones(len(matrix)) if weights is None else np.asarray(weights, dtype=float)
    if w.shape != (len(matrix),) or np.isnan(w).any() or (w < 0).any():
        raise AnalysisError(f"weights have shape ({len(matrix)},) and are at least 0")
    covariance = _pairwise_covariance(matrix, w)
    flat = np.flatnonzero(~(np.diag(covariance) > 0))
    if len(flat):
        raise AnalysisError(f"item {names[flat[0]]!r} does not vary")
    k = len(names)
    spread = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(spread, spread)
    rest = covariance.sum(axis=1) - np.diag(covariance)
    rest_variance = covariance.sum() - 2 * covariance.sum(axis=1) + np.diag(covariance)
    with np.errstate(invalid="ignore", divide="ignore"):
        item_rest = rest / (spread * np.sqrt(rest_variance))
    average = float((correlation.sum() - k) / (k * (k - 1)))
    dropped = [_alpha(np.delete(np.delete(covariance, i, 0), i, 1)) for i in range(k)]
    return ItemAnalysis(
        names=names,
        alpha=_alpha(covariance),
        alpha_standardised=k * average / (1 + (k - 1) * average),
        average_r=average,
        alpha_if_dropped=np.array(dropped),
        item_rest_correlation=item_rest,
        negative=tuple(n for n, r in zip(names, item_rest, strict=True) if r < 0),
        n=int(((~np.isnan(matrix)).sum(axis=1) >= 2).sum()),
    )


def _alpha(covariance: np.ndarray) -> float:
    k = len(covariance)
    if k < 2:
        return float("nan")
    return float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))


def _pairwise_covariance(matrix: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Σw(x−x̄)(y−ȳ)/Σw·n/(n−1) over the rows with both items."""
    k = matrix.shape[1]
    out = np.empty((k, k))
    for i in range(k):
        for j in range(i, k):
            rows = ~np.isnan(matrix[:, i]) & ~np.isnan(matrix[:, j]) & (w > 0)
            n = int(rows.sum())
            if n < 2:
                raise AnalysisError(f"items {i + 1} and {j + 1} have fewer than two common answers")
            v, x, y = w[rows] / w[rows].sum(), matrix[rows, i], matrix[rows, j]
            out[i, j] = out[j, i] = v @ ((x - v @ x) * (y - v @ y)) * n / (n - 1)
    return out


@dataclass(frozen=True, eq=False)
class Omega:
    """McDonald's omega of one factor: loadings of shape (k,), Σ loadings > 0; uniquenesses."""

    omega: float
    loadings: np.ndarray
    uniquenesses: np.ndarray
    alpha_standardised: float
    method: str


def mcdonald_omega(correlation: np.ndarray, *, method: str = "ml") -> Omega:
    """Reliability of a sum of standardised items that share one factor.

    Parameters
    ----------
    correlation : shape (k, k), k ≥ 3
    method : 'ml' (minimise ln|λλ' + Θ| + tr((λλ' + Θ)⁻¹R)) or 'minres' (Σ_{i≠j}(r_ij − λ_iλ_j)²)

    Returns
    -------
    Omega

    Notes
    -----
    (Σλ)²/((Σλ)² + Σθ). McDonald (1999), Test Theory, eq. 6.20; minres: Harman & Jones (1966), Psychometrika
    31, 351–368. Uniquenesses stay at or above 0.005, the bound of R's programs. R: `factanal(factors = 1)`,
    `psych::fa(fm = "minres")`.
    """
    r = np.asarray(correlation, dtype=float)
    k = len(r)
    if r.shape != (k, k) or k < 3 or not np.allclose(r, r.T) or not np.allclose(np.diag(r), 1):
        raise AnalysisError("one factor needs the symmetric correlation matrix of at least three items")
    if np.linalg.eigvalsh(r).min() <= 0:
        raise AnalysisError("the correlation matrix is not positive definite")
    if method == "ml":
        loadings, theta = _factor_ml(r)
    elif method == "minres":
        loadings, theta = _factor_minres(r)
    else:
        raise AnalysisError(f"method is ml or minres; got {method!r}")
    loadings = loadings if loadings.sum() >= 0 else -loadings
    shared = float(loadings.sum() ** 2)
    average = (r.sum() - k) / (k * (k - 1))
    alpha = float(k * average / (1 + (k - 1) * average))
    return Omega(shared / (shared + float(theta.sum())), loadings, theta, alpha, method)


def _factor_ml(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concentrated likelihood in Θ (Jöreskog 1967): for given Θ, λ comes from the first eigenvector."""

    def loadings(theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        root = np.sqrt(theta)
        values, vectors = np.linalg.eigh(r / np.outer(root, root))
        return root * vectors[:, -1] * np.sqrt(max(values[-1] - 1, 0.0)), values

    def objective(theta: np.ndarray) -> tuple[float, np.ndarray]:
        scale, values = loadings(theta)
        gap = np.outer(scale, scale) + np.diag(theta) - r
        # Up to ln|R|; at the best λ only the diagonal of the gap drives Θ (Jöreskog 1967).
        value = float(np.sum(values[:-1] - np.log(values[:-1])) - len(r) + 1)
        return value, np.diag(gap) / theta**2

    start = np.clip((1 - 0.5 / len(r)) / np.diag(np.linalg.inv(r)), _LEAST_UNIQUENESS, 1.0)
    theta = _minimise(objective, start, [(_LEAST_UNIQUENESS, 1.0)] * len(r))
    return loadings(theta)[0], theta


def _factor_minres(r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    off = r - np.diag(np.diag(r))

    def objective(loadings: np.ndarray) -> tuple[float, np.ndarray]:
        gap = off - np.outer(loadings, loadings)
        np.fill_diagonal(gap, 0.0)
        return float(np.sum(gap**2)), -4 * gap @ loadings

    values, vectors = np.linalg.eigh(r)
    limit = np.sqrt(1 - _LEAST_UNIQUENESS)
    first = vectors[:, -1] * (1 if vectors[:, -1].sum() >= 0 else -1)
    start = np.clip(first * np.sqrt(values[-1]) * 0.9, -limit, limit)
    loadings = _minimise(objective, start, [(-limit, limit)] * len(r))
    return loadings, 1 - loadings**2


def _minimise(objective: Any, start: np.ndarray, bounds: list[tuple[float, float]]) -> np.ndarray:
    options: Mapping[str, Any] = {
        "ftol": 1e-16,
        "gtol": 1e-12,
        "maxiter": 5000,
        "maxfun": 50_000,
        "maxcor": 30,
    }
    found = optimize.minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options)
    best = found.x
    for _ in range(3):  # a restart forgets a curvature that was learnt far away
        again = optimize.minimize(
            objective, best, jac=True, bounds=bounds, method="L-BFGS-B", options=options
        )
        best = again.x if again.fun <= found.fun else best
    gradient = objective(best)[1]
    low, high = np.array(bounds).T
    inside = (best > low * (1 + 1e-9)) & (best < high * (1 - 1e-9))
    if np.abs(gradient[inside]).max(initial=0.0) > 1e-4:
        raise NotConvergedError("the factor model did not converge")
    return best
