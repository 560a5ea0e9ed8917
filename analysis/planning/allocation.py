"""Allocation of a sample over strata: proportional, equal, Neyman, power, by cost, to a target.

Real numbers; `whole_numbers` rounds without changing the total. The integer allocation of certified draws is
`analysis.selection.allocation`.

References
----------
Cochran, W. G. (1977). Sampling Techniques, 3rd ed., sections 5.5-5.9 (cost, Neyman, more than 100 %).
Bankier, M. D. (1988). Power allocations: determining sample sizes for subnational areas. Amer. Statist. 42,
174-177. Valliant, Dever & Kreuter (2018), section 3.1.3. R: PracTools::strAlloc.
"""

from dataclasses import dataclass

import numpy as np

from analysis.errors import DesignError
from analysis.selection.probabilities import Numbers


@dataclass(frozen=True, eq=False)
class Allocation:
    """`n`: shape (n_strata,), real; `take_all`: strata taken whole because their share would exceed them."""

    n: np.ndarray
    take_all: np.ndarray

    @property
    def total(self) -> float:
        return float(self.n.sum())


def allocate_proportionally(sizes: Numbers, n: float) -> Allocation:
    """n_h = n N_h/N."""
    return _shares(_column(sizes, "a stratum's size"), n)


def allocate_equal(sizes: Numbers, n: float) -> Allocation:
    """n_h = n/H; a stratum smaller than that is taken whole, and the others share the rest."""
    caps = _column(sizes, "a stratum's size")
    return _capped(np.ones(len(caps)), caps, n)


def allocate_neyman(sizes: Numbers, sd: Numbers, n: float) -> Allocation:
    """n_h = n N_hS_h/ΣN_hS_h, also where that exceeds N_h: see `allocate_neyman_take_all`."""
    return _shares(_products(sizes, sd), n)


def allocate_neyman_take_all(sizes: Numbers, sd: Numbers, n: float) -> Allocation:
    """Neyman's shares; strata with n_h ≥ N_h are taken whole, the rest share what is left, repeatedly.

    Raises DesignError when n exceeds the population.
    """
    return _capped(_products(sizes, sd), _column(sizes, "a stratum's size"), n)


def allocate_by_power(totals: Numbers, cv: Numbers, n: float, *, power: float = 0.5) -> Allocation:
    """Bankier: n_h = n C_h X_h^q/ΣC X^q. q = 1 is near Neyman, q = 0 gives strata equal cvs.

    Parameters
    ----------
    totals : X_h, a measure of the stratum's size or importance; `cv` the unit cv C_h within it.
    """
    x, c = _column(totals, "a stratum's total"), _column(cv, "a stratum's cv")
    return _shares(c * x**power, n)


def allocate_by_cost(sizes: Numbers, sd: Numbers, unit_cost: Numbers, budget: float) -> Allocation:
    """The least variance for a budget: n_h = B (N_hS_h/√c_h)/Σ(N_hS_h√c_h)."""
    product, cost = _products(sizes, sd), _costs(unit_cost)
    total = (product * np.sqrt(cost)).sum()
    if not total > 0:
        raise DesignError("no stratum has any spread: the allocation by cost is undefined")
    return _result(budget * product / np.sqrt(cost) / total)


def allocate_to_target(
    sizes: Numbers, sd: Numbers, unit_cost: Numbers, *, mean: float, cv: float
) -> Allocation:
    """The least cost for a cv of the mean: n_h ∝ N_hS_h/√c_h with ΣN²S²(1/n_h - 1/N_h)/N² = (cv·mean)²."""
    weight, product = _column(sizes, "a stratum's size"), _products(sizes, sd)
    shape = product / np.sqrt(_costs(unit_cost))
    spread = np.asarray(sd, dtype=float)
    wanted = (cv * mean * weight.sum()) ** 2 + (weight * spread**2).sum()
    if not wanted > 0:
        raise DesignError("a target cv must be above 0")
    live = shape > 0
    return _result(shape * (product[live] ** 2 / shape[live]).sum() / wanted)


def standard_error_of_mean(sizes: Numbers, sd: Numbers, n: Numbers) -> float:
    """√(ΣN_h²S_h²(1/n_h - 1/N_h))/N of a stratified mean; NaN where a stratum with spread has no sample."""
    weight, spread, taken = (np.asarray(v, dtype=float) for v in (sizes, sd, n))
    live = spread > 0
    if np.any(taken[live] <= 0):
        return float("nan")
    variance = (weight[live] ** 2 * spread[live] ** 2 * (1 / taken[live] - 1 / weight[live])).sum()
    return float(np.sqrt(max(variance, 0.0)) / weight.sum())


def whole_numbers(n: Numbers, *, at_least: int = 0, at_most: Numbers | None = None) -> np.ndarray:
    """Integers with the sum of `n`, rounded, each between the bounds: largest remainders, after clipping.

    Ties go to the stratum listed first.

    Raises
    ------
    DesignError : the bounds do not leave room for the sum.
    """
    real = np.asarray(n, dtype=float)
    total = round(float(real.sum()))
    upper = np.full(len(real), total) if at_most is None else np.floor(np.asarray(at_most)).astype(np.int64)
    lower = np.minimum(at_least, upper)
    if not lower.sum() <= total <= upper.sum():
        raise DesignError(f"{total} cannot be divided over {len(real)} strata within the bounds")
    result = np.clip(np.floor(real + 1e-9), lower, upper).astype(np.int64)
    while (gap := total - int(result.sum())) != 0:
        step = 1 if gap > 0 else -1
        open_to = np.flatnonzero(result < upper if step > 0 else result > lower)
        order = open_to[np.argsort(-step * (real - result)[open_to], kind="stable")]
        result[order[: abs(gap)]] += step
    return result


def _shares(weight: np.ndarray, n: float) -> Allocation:
    if not weight.sum() > 0:
        raise DesignError("no stratum has a share: all sizes or spreads are 0")
    if n < 0:
        raise DesignError(f"a sample size cannot be negative; got {n}")
    return _result(n * weight / weight.sum())


def _capped(weight: np.ndarray, caps: np.ndarray, n: float) -> Allocation:
    if not 0 <= n <= caps.sum():
        raise DesignError(f"{n} units cannot be taken from a population of {caps.sum():g}")
    full = np.zeros(len(caps), dtype=bool)
    result = np.zeros(len(caps))
    while True:
        left, open_weight = n - caps[full].sum(), np.where(full, 0.0, weight)
        if open_weight.sum() > 0:
            result = left * open_weight / open_weight.sum()
        elif left > 0 and not full.all():  # strata without spread share what the others cannot use
            result = left * np.where(full, 0.0, caps) / caps[~full].sum()
        result[full] = caps[full]
        reaching = ~full & (result >= caps) & (caps > 0)
        if not reaching.any():
            return Allocation(result, np.flatnonzero(full))
        full |= reaching


def _result(n: np.ndarray) -> Allocation:
    return Allocation(n, np.empty(0, dtype=np.intp))


def _products(sizes: Numbers, sd: Numbers) -> np.ndarray:
    return _column(sizes, "a stratum's size") * _column(sd, "a stratum's standard deviation")


def _costs(unit_cost: Numbers) -> np.ndarray:
    cost = _column(unit_cost, "a unit cost")
    if np.any(cost == 0):
        raise DesignError("a unit cost must be above 0")
    return cost


def _column(values: Numbers, what: str) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or not len(x) or not np.all(np.isfinite(x)) or np.any(x < 0):
        raise DesignError(f"{what} must be a finite number, not negative")
    return x
