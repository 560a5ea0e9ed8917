"""Systematic sampling with probability proportional to size, in integers: algorithm "minyi-pps-1".

Sizes are whole numbers and probabilities exact fractions, so that nothing depends on a machine's rounding.

References
----------
Madow, W. G. (1949). On the theory of systematic sampling, II. Ann. Math. Statist. 20, 333-354.
Särndal, Swensson & Wretman (1992). Model Assisted Survey Sampling, section 3.6.2: units with n·x ≥ Σx are
taken with certainty and the rest is treated again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from analysis.errors import DesignError
from analysis.selection.stream import Stream

ORDERS = ("random", "fixed")


@dataclass(frozen=True)
class Inclusion:
    """First-order inclusion probabilities: exact, by unit in name order; `certain` are those equal to 1."""

    probabilities: dict[str, Fraction]
    certain: tuple[str, ...]


def inclusion_probabilities(sizes: Mapping[str, int], n: int) -> Inclusion:
    """π_i = n x_i / Σx, where units that reach the interval are taken with certainty and removed, repeatedly.

    Parameters
    ----------
    sizes : unit → size, a whole number ≥ 0; a unit of size 0 is never taken.
    n : number of units to take.

    Raises
    ------
    DesignError : a size is negative, or n is above the number of units that have a size.
    """
    if any(size < 0 for size in sizes.values()):
        raise DesignError("a size is negative")
    rest = {unit: sizes[unit] for unit in sorted(sizes) if sizes[unit] > 0}
    if not 0 <= n <= len(rest):
        raise DesignError(f"cannot take {n} of {len(rest)} units that have a size")
    certain: list[str] = []
    left, total = n, sum(rest.values())
    while left and (reaching := [unit for unit, size in rest.items() if size * left >= total]):
        for unit in reaching:
            total -= rest.pop(unit)
        certain += reaching
        left -= len(reaching)
    probabilities = dict.fromkeys(sorted(sizes), Fraction(0))
    probabilities.update({unit: Fraction(size * left, total) for unit, size in rest.items()})
    probabilities.update(dict.fromkeys(certain, Fraction(1)))
    return Inclusion(probabilities, tuple(sorted(certain)))


def pps_systematic(stream: Stream, sizes: Mapping[str, int], n: int, *, order: str = "random") -> list[str]:
    """n units by systematic PPS: certainty units first (by name), then the others as the sweep meets them.

    The units left after certainty (m to take, total size X) are put in name order and, with `order`
    "random", shuffled by the stream. Each occupies a stretch of m·x_i whole numbers of a line of m·X; the
    start r is uniform below X, and the units at r, r + X, …, r + (m-1)·X are taken. A stretch is shorter
    than X, so no unit is met twice, and is met with chance m·x_i/X exactly.

    "fixed" keeps neighbours in code order apart (implicit stratification). Neither order has an unbiased
    variance estimator: with replacement is the usual approximation (Wolter 2007, Introduction to Variance
    Estimation, chapter 8).

    Raises
    ------
    DesignError : as `inclusion_probabilities`; `order` is unknown.
    """
    if order not in ORDERS:
        raise DesignError(f"order is one of {', '.join(ORDERS)}; got {order!r}")
    inclusion = inclusion_probabilities(sizes, n)
    taken = list(inclusion.certain)
    left = n - len(taken)
    if not left:
        return taken
    units = [unit for unit, p in inclusion.probabilities.items() if 0 < p < 1]
    if order == "random":
        units = stream.shuffled(units)
    total = sum(sizes[unit] for unit in units)
    point, reached = stream.below(total), 0
    for unit in units:
        reached += left * sizes[unit]
        if point < reached:
            taken.append(unit)
            point += total
    return taken
