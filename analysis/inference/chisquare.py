"""Tests of independence and of given shares in weighted tables (Rao & Scott)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from analysis.errors import AnalysisError
from analysis.estimation.linear import mean, total
from analysis.estimation.linearization import Design
from analysis.estimation.rows import check_mask
from analysis.frames import ColumnSpec, Factor
from analysis.inference.quadratic_forms import tail_exact, tail_saddlepoint
from analysis.inference.result import TestResult

STATISTICS = ("F", "Chisq", "Wald", "adjWald", "lincom", "saddlepoint")


@dataclass(frozen=True)
class _Table:
    """Cell shares and totals (row slowest) of an r × c table with their covariances."""

    p: np.ndarray
    vcov: np.ndarray
    totals: np.ndarray
    totals_vcov: np.ndarray
    shape: tuple[int, int]
    n: int


def independence_test(
    design: Design,
    row: ColumnSpec,
    column: ColumnSpec,
    *,
    statistic: str = "F",
    where: np.ndarray | None = None,
) -> TestResult:
    """Are two categorical variables independent in the population?

    statistic : 'F' (second-order Rao–Scott, the default), 'Chisq' (first order), 'lincom' (exact law),
        'saddlepoint', 'Wald', 'adjWald'. Rows with a missing value are left out as a domain.

    Notes
    -----
    Pearson's X² of the weighted table scaled to the number of rows; Δ is the generalized design-effect
    matrix.
    The laws of lincom and saddlepoint count the whole part of the denominator df, as R does.
    Rao & Scott (1984), Ann. Statist. 12, 46–60; Thomas & Rao (1987). R: `svychisq`.
    """
    if statistic not in STATISTICS:
        raise AnalysisError(f"statistic is one of {', '.join(STATISTICS)}; got {statistic!r}")
    mask = check_mask(design, where)
    table = _table(design, design.columns.factor(row), design.columns.factor(column), mask)
    df = float(design.degrees_of_freedom(None if where is None else mask))
    if statistic in ("Wald", "adjWald"):
        return _wald(table, df, statistic)
    expected = np.outer(table.p.reshape(table.shape).sum(1), table.p.reshape(table.shape).sum(0)).ravel()
    x2 = table.n * float(np.sum((table.p - expected) ** 2 / expected))
    delta = _design_effects(table)
    trace = np.trace(delta)
    d = float(trace**2 / np.trace(delta @ delta))
    k = (table.shape[0] - 1) * (table.shape[1] - 1)
    roots = np.real(np.linalg.eigvals(delta))
    if statistic == "F":
        value = x2 / trace
        p = float(stats.f.sf(value, d, d * df))
        return TestResult("Rao–Scott F", value, p, {"ndf": d, "ddf": d * df}, eigenvalues=roots)
    if statistic == "Chisq":
        p = float(stats.chi2.sf(x2 / (trace / k), k))
        return TestResult("Rao–Scott chi-square", x2, p, {"df": k}, eigenvalues=roots)
    tail = tail_exact if statistic == "lincom" else tail_saddlepoint
    p = tail(x2, roots, d * df, whole_df=True)
    return TestResult(f"Pearson's X², {statistic}", x2, p, {"ddf": d * df}, eigenvalues=roots)


def _table(design: Design, a: Factor, b: Factor, mask: np.ndarray) -> _Table:
    """Cells over the levels that occur; both variables present and the row in the domain."""
    known = (a.codes >= 0) & (b.codes >= 0) & mask & (design.weights > 0)
    if not known.any():
        raise AnalysisError("no row has both variables")
    rows, columns = np.unique(a.codes[known]), np.unique(b.codes[known])
    if len(rows) < 2 or len(columns) < 2:
        raise AnalysisError("a test of independence needs two levels of each variable")
    cells = {
        f"{r},{c}": np.where(known, (a.codes == r) & (b.codes == c), np.nan) for r in rows for c in columns
    }
    share = mean(design, cells, missing="listwise", covariance=True)
    n = int((mask & (design.weights != 0)).sum())
    count = total(design, cells, missing="listwise", covariance=True)
    shape = (len(rows), len(columns))
    return _Table(share.estimate, share.vcov, count.estimate, count.vcov, shape, n)


def _design_effects(table: _Table) -> np.ndarray:
    """Δ = (C'D⁻¹C/n)⁻¹ C'D⁻¹VD⁻¹C for the interaction contrasts C orthogonal to the main effects."""
    r, c = table.shape
    row, column = np.repeat(np.eye(r), c, axis=0), np.tile(np.eye(c), (r, 1))
    main = np.column_stack([np.ones(r * c), row[:, 1:], column[:, 1:]])
    inter = (row[:, 1:, None] * column[:, None, 1:]).reshape(r * c, -1)
    contrast = inter - main @ np.linalg.lstsq(main, inter, rcond=None)[0]
    inverse = np.where(table.p > 0, 1 / np.where(table.p > 0, table.p, 1), 0.0)
    scaled = contrast * inverse[:, None]
    bottom = contrast.T @ scaled / table.n
    return np.linalg.solve(bottom, scaled.T @ table.vcov @ scaled)


def _wald(table: _Table, df: float, statistic: str) -> TestResult:
    """Wald test of the residuals N_rc − N_r. N_.c / N̂ of estimated totals, without the last row and
    column.
    """
    r, c = table.shape
    cells = table.totals.reshape(r, c)
    size = cells.sum()
    rows, columns = cells.sum(1), cells.sum(0)
    k = (r - 1) * (c - 1)
    gradient = np.zeros((k, r * c))
    for i in range(r - 1):
        for j in range(c - 1):
            g = np.full((r, c), rows[i] * columns[j] / size**2)
            g[i, j] += 1
            g[i, :] -= columns[j] / size
            g[:, j] -= rows[i] / size
            gradient[i * (c - 1) + j] = g.ravel()
    residual = (cells - np.outer(rows, columns) / size)[:-1, :-1].ravel()
    w = float(residual @ np.linalg.solve(gradient @ table.totals_vcov @ gradient.T, residual))
    if statistic == "Wald":
        return TestResult(
            "Wald test of association", w / k, float(stats.f.sf(w / k, k, df)), {"ndf": k, "ddf": df}
        )
    value, ddf = w * (df - k + 1) / (k * df), df - k + 1
    if ddf <= 0:
        raise AnalysisError(f"adjWald needs more degrees of freedom ({df:g}) than contrasts ({k})")
    return TestResult("adjusted Wald test", value, float(stats.f.sf(value, k, ddf)), {"ndf": k, "ddf": ddf})


def goodness_of_fit_test(
    design: Design, variable: ColumnSpec, shares: Mapping[Any, float], *, where: np.ndarray | None = None
) -> TestResult:
    """Are the population shares of a categorical variable those given? R: `svygofchisq`.

    shares : {level: share}, adding up to 1, every level that occurs named. The statistic is on population
        scale; its law is matched by two moments (Satterthwaite).
    """
    factor = design.columns.factor(variable)
    mask = check_mask(design, where) & (factor.codes >= 0)
    given = {str(k): float(v) for k, v in shares.items()}
    if abs(sum(given.values()) - 1) > 1e-6:
        raise AnalysisError(f"the shares add up to {sum(given.values()):g}, not to 1")
    seen = [k for k in range(factor.n_levels) if (mask & (factor.codes == k)).any()]
    unknown = [factor.levels[k] for k in seen if str(factor.levels[k]) not in given]
    if unknown:
        raise AnalysisError(f"no share given for {unknown}")
    levels = [k for k in range(factor.n_levels) if str(factor.levels[k]) in given]
    p = np.array([given[str(factor.levels[k])] for k in levels])
    if (p <= 0).any():
        raise AnalysisError("every share is positive")
    cells = {str(k): np.where(mask, factor.codes == k, np.nan) for k in levels}
    counts = total(design, cells, missing="listwise", covariance=True)
    n = counts.estimate.sum()
    statistic = float(np.sum((counts.estimate - p * n) ** 2 / (p * n)))
    # Derivative of (O_i − p_i ΣO)/√(p_i ΣO), with ΣO estimated too.
    residual = counts.estimate - p * n
    gradient = (np.eye(len(p)) - p[:, None]) / np.sqrt(p * n)[:, None]
    gradient -= (residual / (2 * n * np.sqrt(p * n)))[:, None]
    roots = np.linalg.eigvalsh(gradient @ counts.vcov @ gradient.T)
    if not np.sum(roots) > 1e-12 * np.sum(counts.estimate):
        raise AnalysisError("the design or its calibration fixes these shares; there is nothing to test")
    scale, df = float(np.sum(roots**2) / np.sum(roots)), float(np.sum(roots) ** 2 / np.sum(roots**2))
    p_value = float(stats.chi2.sf(statistic / scale, df))
    return TestResult("goodness of fit", statistic, p_value, {"scale": scale, "df": df}, eigenvalues=roots)
