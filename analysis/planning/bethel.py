"""Multivariate allocation: the least cost that meets a precision target for every domain and variable.

With x_h = 1/n_h the problem is convex: minimise Σ c_h/x_h under Σ_h a_jh x_h ≤ 1 for every target j, and
x_h ≥ 1/N_h. It is solved by an interior point method (log barrier, Newton steps), which reaches the optimum
for any number of targets, where Bethel's and Chromy's iterations may stop short of it.

References
----------
Bethel, J. (1989). Sample allocation in multivariate surveys. Survey Methodology 15, 47-57 (eqs. 2.1-2.3).
Boyd, S. & Vandenberghe, L. (2004). Convex Optimization, section 11.3. R: SamplingStrata::bethel,
R2BEAT::beat.1st.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError, NotConvergedError
from analysis.selection.probabilities import Numbers

_GAP = 1e-10  # share of the cost by which the result may exceed the least one
_MAX_STEPS = 400


@dataclass(frozen=True, eq=False)
class PrecisionTarget:
    """A domain must have `cv` in its total of one variable.

    strata : bool of shape (n_strata,), the strata of the domain
    mean, sd : of the variable in every stratum, shape (n_strata,)
    """

    name: str
    strata: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    cv: float


@dataclass(frozen=True, eq=False)
class BethelAllocation:
    """`n`: real, after the minimum; `whole` rounded up; `cost` of `n`; `reached`: cv by target's name."""

    n: np.ndarray
    whole: np.ndarray
    cost: float
    reached: dict[str, float]


def allocate_bethel(
    sizes: Numbers, targets: Sequence[PrecisionTarget], *, unit_cost: Numbers | None = None, minimum: int = 2
) -> BethelAllocation:
    """Least Σ c_h n_h with Σ_{h∈d} N_h²S_h²/n_h ≤ (cv·ΣN_hM_h)² + ΣN_hS_h² for every target; n_h ≤ N_h.

    Then every n_h is raised to `minimum`, or to N_h where that is less.

    Raises
    ------
    DesignError : no targets, a target without strata or with mean 0, shapes that differ.
    """
    population = np.asarray(sizes, dtype=float)
    cost = np.ones(len(population)) if unit_cost is None else np.asarray(unit_cost, dtype=float)
    if np.any(population <= 0) or np.any(cost <= 0) or cost.shape != population.shape:
        raise DesignError("every stratum needs a size and a unit cost above 0")
    if not targets:
        raise DesignError("an allocation to precision targets needs at least one target")
    a = np.vstack([_coefficients(population, target) for target in targets])
    live = (a > 0).any(axis=0)
    n = np.zeros(len(population))
    if live.any():
        used = a[:, live]
        n[live] = 1.0 / _minimise(cost[live], used[(used > 0).any(axis=1)], 1.0 / population[live])
    n = np.maximum(n, np.minimum(minimum, population))
    reached = {target.name: precision_reached(population, target, n) for target in targets}
    # A share of 1e-9 above a whole number is the solver's, not the problem's.
    whole = np.minimum(np.ceil(n * (1 - 1e-9)), np.ceil(population)).astype(np.int64)
    return BethelAllocation(n, whole, float(cost @ n), reached)


def precision_reached(sizes: Numbers, target: PrecisionTarget, n: Numbers) -> float:
    """cv of the domain's total at n: √(ΣN_h²S_h²(1/n_h - 1/N_h))/ΣN_hM_h."""
    population, taken = np.asarray(sizes, dtype=float), np.asarray(n, dtype=float)
    here = target.strata & (target.sd > 0)
    size, spread = population[here], target.sd[here]
    variance = (size**2 * spread**2 * (1 / taken[here] - 1 / size)).sum()
    total = (population * target.mean)[target.strata].sum()
    return float(np.sqrt(max(variance, 0.0)) / abs(total))


def _coefficients(population: np.ndarray, target: PrecisionTarget) -> np.ndarray:
    shapes = {np.shape(column) for column in (target.strata, target.mean, target.sd)}
    if shapes != {population.shape}:
        raise DesignError(f"target {target.name}: its columns need {len(population)} rows")
    if not target.cv > 0 or np.any(target.sd < 0) or not target.strata.any():
        raise DesignError(f"target {target.name}: a cv above 0, spreads not below 0, at least one stratum")
    total = (population * target.mean)[target.strata].sum()
    if total == 0:
        raise DesignError(f"target {target.name}: a cv is undefined, since the domain's total is 0")
    spread = np.where(target.strata, population * target.sd**2, 0.0)
    return population * spread / ((target.cv * total) ** 2 + spread.sum())


def _minimise(cost: np.ndarray, a: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """x with the least Σ c/x under a x ≤ 1, x ≥ lower; every constraint holds strictly.

    x = lower meets every target strictly (a census has no variance), so a point just above starts the path.
    """
    # Scaled so that the start is near 1 in every coordinate and the cost is near 1.
    room = (1 - a @ lower) / np.maximum(a @ lower, np.finfo(float).tiny)
    x = lower * (1 + min(0.5 * float(room.min()), 1e3))
    scale, weight = x.copy(), cost / x
    weight /= weight.sum()
    a, lower, x = a * scale, lower / scale, np.ones(len(x))
    barrier, m = 1.0, len(a) + len(x)
    for _ in range(_MAX_STEPS):
        step, decrement = _newton(weight, a, lower, x, barrier)
        if decrement < 1e-6:
            if m / barrier < _GAP * (weight / x).sum():
                return x * scale
            barrier *= 20
            continue
        x = x + _step_length(weight, a, lower, x, step, barrier, decrement) * step
    raise NotConvergedError("the allocation to precision targets did not settle")


def _newton(
    weight: np.ndarray, a: np.ndarray, lower: np.ndarray, x: np.ndarray, barrier: float
) -> tuple[np.ndarray, float]:
    """Newton's step of barrier·Σw/x - Σlog(1 - a x) - Σlog(x - lower), and half its squared decrement.

    The Hessian is diagonal plus a'Da of rank at most the number of targets (Woodbury).
    """
    slack, above = 1 - a @ x, x - lower
    gradient = -barrier * weight / x**2 + a.T @ (1 / slack) - 1 / above
    diagonal = 2 * barrier * weight / x**3 + 1 / above**2
    scaled = a / slack[:, None]
    inner = np.eye(len(a)) + (scaled / diagonal) @ scaled.T
    base = gradient / diagonal
    step = -(base - (scaled / diagonal).T @ np.linalg.solve(inner, scaled @ base))
    return step, float(-gradient @ step) / 2


def _step_length(
    weight: np.ndarray,
    a: np.ndarray,
    lower: np.ndarray,
    x: np.ndarray,
    step: np.ndarray,
    barrier: float,
    decrement: float,
) -> float:
    """Backtracking: stay strictly inside, and fall by a share of what the slope promises."""

    def value(point: np.ndarray) -> float:
        slack, above = 1 - a @ point, point - lower
        if slack.min() <= 0 or above.min() <= 0:
            return np.inf
        return float(barrier * (weight / point).sum() - np.log(slack).sum() - np.log(above).sum())

    start, length = value(x), 1.0
    while length > 1e-12 and value(x + length * step) > start - 0.2 * length * decrement:
        length /= 2
    return length
