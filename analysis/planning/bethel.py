"""Multivariate allocation: the least cost that meets a precision target for every domain and variable.

With y_h = 1/n_h - 1/N_h ≥ 0 the problem is convex: minimise Σ c_h/(y_h + 1/N_h) under Σ_h a_jh y_h ≤ 1,
a_jh = N_h²S_hj²/(cv_j·total_j)², for every target j. It is solved by a primal-dual interior point method,
which finds the optimum for any number of targets, where Bethel's and Chromy's iterations may stop short.

References
----------
Bethel, J. (1989). Sample allocation in multivariate surveys. Survey Methodology 15, 47-57 (eqs. 2.1-2.3).
Boyd, S. & Vandenberghe, L. (2004). Convex Optimization, section 11.7. R: SamplingStrata::bethel,
R2BEAT::beat.1st.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError, NotConvergedError
from analysis.selection.probabilities import Numbers

_GAP = 1e-10  # share of the cost by which the result may exceed the least one
_MAX_STEPS = 500
_SHRINK = 10.0  # how much nearer to the optimum each step aims


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
        lower = 1.0 / population[live]
        n[live] = 1.0 / (_minimise(cost[live], used[(used > 0).any(axis=1)], lower) + lower)
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
    return np.where(target.strata, (population * target.sd / (target.cv * total)) ** 2, 0.0)


def _minimise(cost: np.ndarray, a: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """y with the least Σ c/(y + lower) under a y ≤ 1, y ≥ 0; both hold strictly.

    Primal-dual path following (Boyd & Vandenberghe 2004, algorithm 11.2). Every coordinate is scaled to 1 at
    the start, where half of each target's room is left, and the cost to 1.
    """
    scale = 0.5 / (len(lower) * a.max(axis=0))
    a, lower, cost = a * scale, lower / scale, cost / scale
    y = np.ones(len(lower))
    cost = cost / (cost / (y + lower)).sum()
    # The slack is carried along, not computed as 1 - a y, which would lose its digits near the optimum.
    slack = 1 - a @ y
    state = (y, 1 / slack, 1 / y, slack)
    for _ in range(_MAX_STEPS):
        y, multiplier, bound, slack = state
        gap = multiplier @ slack + bound @ y
        gradient = -cost / (y + lower) ** 2
        stationary = gradient + a.T @ multiplier - bound
        # y·(stationarity) is what a relative change of y could still gain.
        if max(gap, np.abs(y * stationary).sum()) < _GAP * (cost / (y + lower)).sum():
            return y * scale * min(1.0, 1.0 / float((a @ y).max()))
        aim = gap / (_SHRINK * (len(slack) + len(y)))
        steps = _newton(2 * cost / (y + lower) ** 3, gradient, a, aim, state)
        length = min(_room(value, change) for value, change in zip(state, steps, strict=True))
        length = _shorter(cost, a, lower, aim, state, steps, length)
        state = tuple(value + length * change for value, change in zip(state, steps, strict=True))
    raise NotConvergedError("the allocation to precision targets did not settle")


def _newton(
    curvature: np.ndarray, gradient: np.ndarray, a: np.ndarray, aim: float, state: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, ...]:
    """Newton's step of y, multipliers, bounds and slacks towards products of size `aim`.

    Solved for the multipliers first, a system as large as the number of targets; the others follow without
    dividing a difference by a vanishing slack.
    """
    y, multiplier, bound, slack = state
    diagonal = curvature + bound / y
    lack = gradient + a.T @ multiplier - aim / y
    missed = a @ y + slack - 1
    system = (a / diagonal) @ a.T + np.diag(slack / multiplier)
    d_multiplier = np.linalg.solve(system, aim / multiplier - slack - a @ (lack / diagonal) + missed)
    d_y = -(lack + a.T @ d_multiplier) / diagonal
    d_bound = aim / y - bound - bound / y * d_y
    d_slack = (aim - slack * d_multiplier) / multiplier - slack
    return d_y, d_multiplier, d_bound, d_slack


def _room(value: np.ndarray, step: np.ndarray) -> float:
    """The part of a step that leaves a positive value at a hundredth of itself at least."""
    falling = step < 0
    return float(np.min(-0.99 * value[falling] / step[falling], initial=1.0))


def _shorter(
    cost: np.ndarray,
    a: np.ndarray,
    lower: np.ndarray,
    aim: float,
    state: tuple[np.ndarray, ...],
    steps: tuple[np.ndarray, ...],
    length: float,
) -> float:
    """Halve the step, a few times at most, until what is left of the optimality conditions shrinks."""

    def residual(part: float) -> float:
        y, multiplier, bound, slack = (v + part * d for v, d in zip(state, steps, strict=True))
        stationary = y * (a.T @ multiplier - bound - cost / (y + lower) ** 2)
        return float(np.linalg.norm(np.concatenate([stationary, multiplier * slack - aim, bound * y - aim])))

    start, shortest = residual(0.0), length / 16
    while length > shortest and residual(length) > (1 - 0.01 * length) * start:
        length /= 2
    return length
