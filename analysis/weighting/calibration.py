"""GREG calibration: weights close to the design's whose weighted auxiliary totals are the population's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analysis.design import SurveyDesign
from analysis.errors import AnalysisError, NotConvergedError
from analysis.estimation.linearization import Block, Design, ResidualStep
from analysis.frames import ColumnSpec
from analysis.replicates import ReplicateDesign

DISTANCES = ("linear", "raking", "logit")


@dataclass(frozen=True)
class _Distance:
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
    _check_names(names, totals)
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
    link = _distance(distance, bounds)
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


def _check_names(names: list[str], totals: Mapping[str, float]) -> None:
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


def _distance(name: str, bounds: tuple[float, float] | None) -> _Distance:
    if name not in DISTANCES:
        raise AnalysisError(f"distance is one of {', '.join(DISTANCES)}; got {name!r}")
    if bounds is not None and not bounds[0] < 1 < bounds[1]:
        raise AnalysisError(f"the bounds of g lie on both sides of 1; got {bounds}")
    if name == "logit":
        if bounds is None:
            raise AnalysisError("the logit distance needs bounds")
        return _logit_distance(*bounds)
    if name == "raking":
        plain = _Distance(lambda e: np.exp(np.minimum(e, 500.0)), lambda e: np.exp(np.minimum(e, 500.0)))
    else:
        plain = _Distance(lambda e: 1 + e, np.ones_like)
    if bounds is None:
        return plain
    low, high = bounds
    return _Distance(
        lambda e: np.clip(plain.g(e), low, high),
        lambda e: np.where((plain.g(e) > low) & (plain.g(e) < high), plain.slope(e), 0.0),
    )


def _logit_distance(low: float, high: float) -> _Distance:
    """Deville & Särndal (1992), case 6."""
    a = (high - low) / ((1 - low) * (high - 1))

    def g(eta: np.ndarray) -> np.ndarray:
        u = np.exp(np.clip(a * eta, -500, 500))
        return (low * (high - 1) + high * (1 - low) * u) / ((high - 1) + (1 - low) * u)

    return _Distance(g, lambda eta: (g(eta) - low) * (high - g(eta)) * a / (high - low))


def _solve(
    x: np.ndarray,
    d: np.ndarray,
    q: np.ndarray,
    target: np.ndarray,
    distance: _Distance,
    names: list[str],
    tolerance: float,
    max_iterations: int,
) -> np.ndarray:
    """Damped Newton on λ in Σ d F(xλ q) x = target; columns are scaled so that totals are comparable."""
    scale = np.maximum(np.abs(target), np.abs(d @ x))
    scale = np.where(scale > 0, scale, np.abs(x).max(axis=0) * d.sum() + 1e-300)
    xs = x / scale
    wanted = target / scale
    lam = np.zeros(x.shape[1])
    gap = wanted - d @ xs
    for _ in range(max_iterations):
        if np.abs(gap).max() <= tolerance:
            break
        eta = (xs @ lam) * q
        jacobian = (xs * (d * q * distance.slope(eta))[:, None]).T @ xs
        step = np.linalg.lstsq(jacobian, gap, rcond=None)[0]
        length, better = 1.0, None
        while length > 1e-8:
            trial = lam + length * step
            new = wanted - (d * distance.g((xs @ trial) * q)) @ xs
            if np.all(np.isfinite(new)) and np.abs(new).sum() < np.abs(gap).sum():
                better = trial
                break
            length /= 2
        if better is None:
            break
        lam, gap = better, new
    # Rounding may keep the last digits from being met; anything larger is a failure.
    if np.abs(gap).max() > max(tolerance, 1e-9):
        unmet = np.abs(gap) > max(tolerance, 1e-9)
        gaps = {
            names[k]: (float(target[k]), float(target[k] - gap[k] * scale[k])) for k in np.flatnonzero(unmet)
        }
        raise NotConvergedError("calibration cannot meet its totals (within the bounds).", gaps)
    return distance.g((xs @ lam) * q)
