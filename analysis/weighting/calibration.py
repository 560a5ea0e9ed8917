"""GREG calibration: weights close to the design's whose weighted auxiliary totals are the population's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.linearization import Block, Design, ResidualStep
from analysis.frames import ColumnSpec
from analysis.replicates import ReplicateDesign

DISTANCES = ("linear", "raking", "logit")


Evaluate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Distance:
    """g-weight as a function of η = xλ, and its derivative."""

    g: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]


def calibrate(
    design: Design,
    auxiliaries: Mapping[str, ColumnSpec],
    totals: Mapping[str, float],
    *,
    distance: str = "linear",
    bounds: tuple[float, float] | None = None,
    aggregate_stage: int | None = None,
    heteroskedastic: ColumnSpec | None = None,
    tolerance: float = 1e-12,
    max_iterations: int = 200,
) -> Design:
    """Calibrate the weights: find g with Σ d g x = totals, as close to 1 as the distance asks.

    Parameters
    ----------
    auxiliaries : {name: column}; the constant is not added for you (include a column of ones to fix the size)
    totals : {name: population total}, the same names
    distance : 'linear' (GREG), 'raking' (exponential, g > 0), 'logit' (needs bounds)
    bounds : (low, high) of g, around 1; with 'linear' truncated
    aggregate_stage : 1 keeps g constant within PSUs: x and d are replaced by their plain means in the PSU
    heteroskedastic : column of model variances σ² (g = F(xλ/σ²)); None: constant
    tolerance : largest relative gap to any total

    Raises
    ------
    NotConvergedError : its `gaps` say which total cannot be met, and by how much

    Notes
    -----
    Deville & Särndal (1992), JASA 87, 376–382; variance by the residuals of the d-weighted regression. R:
    `calibrate`.
    """
    names = list(auxiliaries)
    check_names(names, totals)
    x = np.column_stack([design.columns.numeric(auxiliaries[k], f"auxiliary {k}") for k in names])
    d = design.weights
    lost = np.isnan(x).any(axis=1) & (d > 0)
    if lost.any():
        row, column = np.argwhere(np.isnan(x) & (d > 0)[:, None])[0]
        raise AnalysisError(
            f"auxiliary {names[column]!r} has no value in row {row} ({int(lost.sum())} such rows)"
        )
    x = np.where((d > 0)[:, None], x, 0.0)
    q = np.ones(len(d)) if heteroskedastic is None else 1 / _positive(design, heteroskedastic)
    target = np.array([float(totals[k]) for k in names])
    link = make_distance(distance, bounds)
    if isinstance(design, ReplicateDesign):
        if aggregate_stage is not None:
            raise AnalysisError("aggregate_stage needs a design with known PSUs, not replicate weights")
        return design.map_weights(
            lambda w: w * _solve(x, w, q, target, link, names, tolerance, max_iterations)
        )
    if aggregate_stage is not None:
        x, d = _aggregate(design, x, aggregate_stage)
    g = _solve(x, d, q, target, link, names, tolerance, max_iterations)
    weights = design.weights * g
    # With a model variance the moment Σ x s/(g σ²) replaces Σ x s/g.
    block = Block(g * d, np.where(g == 0, 1.0, g) / q, d * q, x=_orthonormal(x, d * q))
    return design.with_weights(weights, ResidualStep((block,)))


def _orthonormal(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    """A basis of the column space of x, orthonormal under the weights d: residuals keep their digits.

    One pass of whitening leaves errors of the order of the condition number; the second removes them.
    """
    for _ in range(2):
        scale = np.sqrt(np.maximum((d[:, None] * x * x).sum(axis=0), 1e-300))
        x = x / scale
        values, vectors = np.linalg.eigh((x * d[:, None]).T @ x)
        kept = values > 1e-12 * values.max()
        x = x @ (vectors[:, kept] / np.sqrt(values[kept]))
    return x


def check_names(names: list[str], totals: Mapping[str, float]) -> None:
    """Raises AnalysisError unless both name the same columns and every total is a number."""
    if set(names) != set(totals):
        odd = sorted(set(names) ^ set(totals))
        raise AnalysisError(f"auxiliaries and totals do not name the same columns: {', '.join(odd)}")
    bad = [k for k in names if not np.isfinite(totals[k])]
    if bad:
        raise AnalysisError(f"the population total of {bad[0]!r} is not a number")


def _positive(design: Design, spec: ColumnSpec) -> np.ndarray:
    values = design.columns.numeric(spec, "heteroskedastic")
    if not (values > 0).all():
        raise AnalysisError(f"heteroskedastic: row {int(np.flatnonzero(~(values > 0))[0])} is not positive")
    return values


def _aggregate(design: SurveyDesign, x: np.ndarray, stage: int) -> tuple[np.ndarray, np.ndarray]:
    if stage != 1:
        raise AnalysisError(f"g-weights can be held constant within units of stage 1; got stage {stage}")
    unit = design.row_psu
    count = np.bincount(unit, minlength=design.n_psus)
    means = np.column_stack(
        [np.bincount(unit, weights=x[:, j], minlength=len(count)) for j in range(x.shape[1])]
    )
    d = np.bincount(unit, weights=design.weights, minlength=len(count)) / count
    return (means / count[:, None])[unit], d[unit]


def make_distance(name: str, bounds: tuple[float, float] | None, ops: Any = np) -> Distance:
    """The distance by name. `ops` has numpy's functions of that name for another kind of column."""
    if name not in DISTANCES:
        raise AnalysisError(f"distance is one of {', '.join(DISTANCES)}; got {name!r}")
    if bounds is not None and not bounds[0] < 1 < bounds[1]:
        raise AnalysisError(f"the bounds of g lie on both sides of 1; got {bounds}")
    if name == "logit":
        if bounds is None:
            raise AnalysisError("the logit distance needs bounds")
        return _logit_distance(*bounds, ops)
    if name == "raking":
        plain = Distance(*[lambda e: ops.exp(ops.minimum(e, 500.0))] * 2)
    else:
        plain = Distance(lambda e: 1 + e, ops.ones_like)
    if bounds is None:
        return plain
    low, high = bounds
    return Distance(
        lambda e: ops.clip(plain.g(e), low, high),
        lambda e: ops.where((plain.g(e) > low) & (plain.g(e) < high), plain.slope(e), 0.0),
    )


def _logit_distance(low: float, high: float, ops: Any) -> Distance:
    """Deville & Särndal (1992), case 6."""
    a = (high - low) / ((1 - low) * (high - 1))

    def g(eta: Any) -> Any:
        u = ops.exp(ops.clip(a * eta, -500.0, 500.0))
        return (low * (high - 1) + high * (1 - low) * u) / ((high - 1) + (1 - low) * u)

    return Distance(g, lambda eta: (g(eta) - low) * (high - g(eta)) * a / (high - low))


def _solve(
    x: np.ndarray,
    d: np.ndarray,
    q: np.ndarray,
    target: np.ndarray,
    distance: Distance,
    names: list[str],
    tolerance: float,
    max_iterations: int,
) -> np.ndarray:
    """g-weights of the rows; columns are scaled so that totals are comparable."""
    scale = column_scale(target, d @ x, np.abs(x).max(axis=0) * d.sum())
    xs = x / scale

    def evaluate(lam: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        eta = (xs @ lam) * q
        return (d * distance.g(eta)) @ xs, (xs * (d * q * distance.slope(eta))[:, None]).T @ xs

    lam = solve_totals(evaluate, target, scale, names, tolerance, max_iterations)
    return distance.g((xs @ lam) * q)


def column_scale(target: np.ndarray, current: np.ndarray, size: np.ndarray) -> np.ndarray:
    """What each auxiliary is divided by: its larger total, or its size when both totals are 0."""
    scale = np.maximum(np.abs(target), np.abs(current))
    return np.where(scale > 0, scale, size + 1e-300)


def solve_totals(
    evaluate: Evaluate,
    target: np.ndarray,
    scale: np.ndarray,
    names: list[str],
    tolerance: float,
    max_iterations: int,
) -> np.ndarray:
    """Damped Newton on λ in Σ d F(xλ q) x = target.

    evaluate : λ → the scaled totals Σ d F x and their derivative; one pass over the data for each λ
    """
    wanted = target / scale
    lam = np.zeros(len(target))
    total, jacobian = evaluate(lam)
    gap = wanted - total
    for _ in range(max_iterations):
        if np.abs(gap).max() <= tolerance:
            break
        step = np.linalg.lstsq(jacobian, gap, rcond=None)[0]
        length, better = 1.0, False
        while length > 1e-8 and not better:
            total, derivative = evaluate(lam + length * step)
            new = wanted - total
            better = bool(np.all(np.isfinite(new)) and np.abs(new).sum() < np.abs(gap).sum())
            length = length if better else length / 2
        if not better:
            break
        lam, gap, jacobian = lam + length * step, new, derivative
    # Rounding may keep the last digits from being met; anything larger is a failure.
    if np.abs(gap).max() > max(tolerance, 1e-9):
        unmet = np.abs(gap) > max(tolerance, 1e-9)
        gaps = {
            names[k]: (float(target[k]), float(target[k] - gap[k] * scale[k])) for k in np.flatnonzero(unmet)
        }
        raise NotConvergedError("calibration cannot meet its totals (within the bounds).", gaps)
    return lam
