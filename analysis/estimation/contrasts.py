"""Contrasts: linear combinations and smooth functions of estimates, by the delta method."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.result import Estimate


def row_labels(estimate: Estimate) -> list[str]:
    """Names by which a contrast calls the rows: the term, or with domains 'col=level', or both if needed."""
    if not estimate.domains:
        return list(estimate.terms)
    domains = list(estimate.domains.items())
    labels = [":".join(f"{c}={v[i]}" for c, v in domains) for i in range(len(estimate))]
    if len(set(estimate.terms)) == 1:
        return labels
    return [f"{t}|{d}" for t, d in zip(estimate.terms, labels, strict=True)]


def contrast(estimate: Estimate, combinations: Mapping[str, Mapping[str, float]]) -> Estimate:
    """Linear combinations {name: {row label: coefficient}}; unnamed rows have coefficient 0. R:
    svycontrast.
    """
    labels = row_labels(estimate)
    place = {label: i for i, label in enumerate(labels)}
    matrix = np.zeros((len(combinations), len(labels)))
    for r, (name, coefficients) in enumerate(combinations.items()):
        for label, value in coefficients.items():
            if label not in place:
                raise AnalysisError(
                    f"contrast {name!r}: no row {label!r}; the rows are {', '.join(labels[:20])}"
                )
            matrix[r, place[label]] = value
    used = np.abs(matrix).sum(axis=0) > 0
    values = np.where(used, estimate.estimate, 0.0)
    return _result(estimate, tuple(combinations), matrix @ values, matrix, used)


def smooth_contrast(
    estimate: Estimate, functions: Mapping[str, Callable[[Mapping[str, Any]], Any]]
) -> Estimate:
    """Smooth functions {name: f}; f takes {row label: value} and returns a number.

    f is differentiated by the complex step, exact to rounding, so write it with arithmetic and numpy
    functions
    (np.log, not math.log). R: svycontrast with an expression.
    """
    labels = row_labels(estimate)
    at = dict(zip(labels, estimate.estimate.astype(complex), strict=True))
    values = np.empty(len(functions))
    gradient = np.zeros((len(functions), len(labels)))
    step = 1e-30
    for r, (name, function) in enumerate(functions.items()):
        try:
            values[r] = np.real(function(at))
            for k, label in enumerate(labels):
                gradient[r, k] = np.imag(function(at | {label: at[label] + 1j * step})) / step
        except TypeError as error:
            raise AnalysisError(
                f"contrast {name!r} cannot be differentiated: {error}; use numpy functions"
            ) from error
    used = np.abs(gradient).sum(axis=0) > 0
    return _result(estimate, tuple(functions), values, gradient, used)


def _result(
    estimate: Estimate, names: tuple[str, ...], values: np.ndarray, gradient: np.ndarray, used: np.ndarray
) -> Estimate:
    if estimate.vcov is None:
        raise AnalysisError("a contrast needs the covariance matrix: estimate with covariance=True")
    covariance = np.where(used[:, None] & used[None, :], estimate.vcov, 0.0)
    vcov = gradient @ covariance @ gradient.T
    df = np.array([np.nanmin(np.where(row != 0, estimate.df, np.inf)) for row in gradient])
    n = np.array([np.sum(np.where(row != 0, estimate.n, 0)) for row in gradient])
    with np.errstate(invalid="ignore"):
        se = np.sqrt(np.diag(vcov))
    return Estimate("contrast", names, values, se, df, estimate.design_df, n, vcov=vcov)
