"""Balanced sampling by the cube method: flight and landing.

A sample is balanced on columns X when Σ_{k∈s} X_k/π_k = ΣX: the estimate of what is known already is exact.
Inclusion probabilities are met exactly; joint ones have no closed form (simulate, or use the variance
approximations of Deville & Tillé 2005).

References
----------
Deville, J.-C. & Tillé, Y. (2004). Efficient balanced sampling: the cube method. Biometrika 91, 893-912
(flight: section 3; landing by linear programme: section 4, by dropping variables: section 4.3).
Chauvet, G. & Tillé, Y. (2006). A fast algorithm for balanced sampling. Computational Statistics 21, 53-62.
R: sampling::samplecube, fastflightcube, landingcube; BalancedSampling::cube.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import linprog

from analysis.errors import DesignError
from analysis.selection.probabilities import EPS, Numbers, checked
from analysis.selection.uniforms import Randomness, Uniforms

# The linear programme of the landing goes through 2^left samples.
MAX_LANDING_UNITS = 12


@dataclass(frozen=True, eq=False)
class Flight:
    """`psi`: shape (n_units,), 0 or 1 but for the `undecided` positions; `n_uniforms` numbers were read."""

    psi: np.ndarray
    undecided: np.ndarray
    n_uniforms: int


@dataclass(frozen=True, eq=False)
class BalancedSample:
    """A landed sample.

    taken : positions, ascending
    undecided : how many units the flight left to the landing
    targets, reached : ΣX and Σ_{k∈s} X_k/π_k, shape (n_columns,)
    """

    taken: np.ndarray
    undecided: int
    targets: np.ndarray
    reached: np.ndarray


def cube_flight(pi: Numbers, x: np.ndarray, random: Randomness) -> Flight:
    """The fast flight phase, units in the order given.

    At each step the first q + 1 undecided units move along a direction v with Σ v_k X_k/π_k = 0 until one of
    them reaches 0 or 1: by +l1 with probability l2/(l1 + l2), else by -l2. It ends with at most q undecided
    units, where q is the number of columns. E(psi) = π, and Σ X_k psi_k/π_k = ΣX throughout.

    Parameters
    ----------
    pi : shape (n_units,), > 0.
    x : shape (n_units, q). A column equal to π fixes the sample size.
    random : one uniform number per step.

    Raises
    ------
    DesignError : a probability is 0, or `x` has another number of rows.
    """
    p, columns = _inputs(pi, x)
    source = Uniforms(random)
    psi = p.copy()
    _fly(psi, columns / p[:, None], columns.shape[1] + 1, source)
    return Flight(psi, _undecided(psi), source.n_used)


def balanced_sample(
    pi: Numbers, x: np.ndarray, random: np.random.Generator, *, landing: str = "programme"
) -> BalancedSample:
    """A balanced sample: units in random order, flight, and landing of the at most q units left.

    Parameters
    ----------
    pi : shape (n_units,), > 0. If Σπ is whole and π is a column of `x`, the size is exactly Σπ.
    x : shape (n_units, q), most important columns first.
    landing : 'programme', which among all samples of the undecided units finds the probabilities with the
        least expected imbalance, or 'drop', which gives up the last column, then the one before, and so on.
        With more than MAX_LANDING_UNITS undecided units columns are dropped until so many are left.

    Raises
    ------
    DesignError : as `cube_flight`; `landing` is unknown.
    """
    if landing not in ("programme", "drop"):
        raise DesignError(f"landing is 'programme' or 'drop'; got {landing!r}")
    p, columns = _inputs(pi, x)
    # A random order keeps the design near maximum entropy (Chauvet & Tillé 2006, section 4).
    order = random.permutation(len(p))
    scaled = (columns / p[:, None])[order]
    psi = p[order]
    source = Uniforms(random)
    _fly(psi, scaled, columns.shape[1] + 1, source)
    left = len(_undecided(psi))
    # Columns that depend on one another leave directions that q + 1 units do not show.
    _fly_on(psi, scaled, source)
    stop = MAX_LANDING_UNITS if landing == "programme" else 0
    for kept in range(columns.shape[1] - 1, -1, -1):
        if len(_undecided(psi)) <= stop:
            break
        _fly_on(psi, scaled[:, :kept], source)
    if len(_undecided(psi)):
        _land(psi, scaled, source)
    taken = np.sort(order[psi > 0.5])
    return BalancedSample(taken, left, columns.sum(axis=0), (columns[taken] / p[taken, None]).sum(axis=0))


def _inputs(pi: Numbers, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    p, columns = checked(pi), np.asarray(x, dtype=float)
    if columns.ndim != 2 or len(columns) != len(p) or not np.all(np.isfinite(columns)):
        raise DesignError(f"balancing needs a table of finite numbers with {len(p)} rows")
    if np.any(p <= 0):
        raise DesignError("balancing needs positive probabilities: leave out units that cannot be taken")
    return p, columns


def _undecided(psi: np.ndarray) -> np.ndarray:
    return np.flatnonzero((psi > EPS) & (psi < 1 - EPS))


def _fly(psi: np.ndarray, scaled: np.ndarray, width: int, source: Uniforms) -> None:
    """Flight with a window of `width` undecided units; `psi` is changed in place."""
    waiting = iter(_undecided(psi).tolist())
    window: list[int] = []
    while True:
        while len(window) < width and (unit := next(waiting, None)) is not None:
            window.append(unit)
        if len(window) < width:
            return
        here = np.array(window)
        _move(psi, here, _null_vector(scaled[here]), source)
        window = [k for k in window if EPS < psi[k] < 1 - EPS]


def _fly_on(psi: np.ndarray, scaled: np.ndarray, source: Uniforms) -> None:
    """Flight for as long as any direction is left among the undecided units."""
    while len(here := _undecided(psi)):
        rows = scaled[here]
        if rows.shape[1] and np.linalg.matrix_rank(_unit_columns(rows)) >= len(here):
            return
        _move(psi, here, _null_vector(rows), source)


def _unit_columns(rows: np.ndarray) -> np.ndarray:
    """Columns of a common scale, so that neither rank nor null vector depends on units of measurement."""
    return rows / np.maximum(np.abs(rows).max(axis=0), np.finfo(float).tiny)


def _null_vector(rows: np.ndarray) -> np.ndarray:
    """v with Σ v_k rows_k = 0, first non-zero entry positive."""
    if not rows.shape[1]:
        v = np.zeros(len(rows))
        v[0] = 1.0
        return v
    v = np.linalg.svd(_unit_columns(rows).T)[2][-1]
    v[np.abs(v) < 1e-11] = 0.0
    return v if v[np.flatnonzero(v)[0]] > 0 else -v


def _move(psi: np.ndarray, here: np.ndarray, v: np.ndarray, source: Uniforms) -> None:
    value, live = psi[here], v != 0
    with np.errstate(divide="ignore", invalid="ignore"):
        up = np.min(np.where(v > 0, (1 - value) / v, -value / v)[live])
        down = np.min(np.where(v > 0, value / v, (value - 1) / v)[live])
    value = value + (up * v if source.next() * (up + down) < down else -down * v)
    value[value <= EPS] = 0.0
    value[value >= 1 - EPS] = 1.0
    psi[here] = value


def _land(psi: np.ndarray, scaled: np.ndarray, source: Uniforms) -> None:
    """Linear programme over the samples of the undecided units: E(sample) = psi at the least expected cost.

    Cost of a sample: squared imbalance d'(A'A)⁻d, A = X/π of all units (Deville & Tillé 2004, p. 903, C2).
    When the undecided psi sum to a whole number only samples of that size are used.
    """
    here = _undecided(psi)
    value = psi[here]
    samples = np.array(list(product((0.0, 1.0), repeat=len(here))))
    n = value.sum()
    if abs(n - round(n)) < 1e-6:
        samples = samples[samples.sum(axis=1) == round(n)]
    gap = (samples - value) @ scaled[here]
    cost = np.einsum("ij,jk,ik->i", gap, np.linalg.pinv(scaled.T @ scaled), gap)
    rows = np.vstack([samples.T, np.ones(len(samples))])
    found = linprog(cost / max(cost.max(), 1e-300), A_eq=rows, b_eq=np.append(value, 1.0), bounds=(0, None))
    if found.x is None:
        raise DesignError(f"the landing found no design: {found.message}")
    chance = np.maximum(found.x, 0.0)
    reached = np.cumsum(chance)
    place = np.searchsorted(reached, source.next() * reached[-1], side="right")
    psi[here] = samples[min(int(place), len(samples) - 1)]
