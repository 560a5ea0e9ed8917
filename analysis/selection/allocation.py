"""Shares of a whole number: proportional allocation by largest remainders, in integers."""

from collections.abc import Mapping
from fractions import Fraction

from analysis.errors import DesignError


def allocate_proportional(
    sizes: Mapping[str, int], n: int, *, at_least: int = 0, at_most: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Divide n over the strata in proportion to size, each between `at_least` and its `at_most`.

    Strata whose share falls outside the bounds get the bound, and the others divide what is left, until all
    shares lie within; then whole numbers by largest remainder (Hamilton's method), ties to the name that
    sorts first. The result does not depend on the order of `sizes`.

    Raises
    ------
    DesignError : n cannot be divided within the bounds, or a size is not positive.
    """
    if any(size <= 0 for size in sizes.values()):
        raise DesignError("a stratum has no size")
    names = sorted(sizes)
    upper = {name: (at_most[name] if at_most else n) for name in names}
    if any(upper[name] < at_least for name in names):
        raise DesignError("a stratum cannot hold the least number")
    if not at_least * len(names) <= n <= sum(upper.values()):
        raise DesignError(f"{n} cannot be divided over {len(names)} strata within the bounds")
    shares = _bounded_shares(sizes, n, at_least, upper)
    result = {name: int(share) for name, share in shares.items()}
    rest = n - sum(result.values())
    by_remainder = sorted(names, key=lambda name: (result[name] - shares[name], name))
    for name in by_remainder[:rest]:
        result[name] += 1
    return result


def _bounded_shares(
    sizes: Mapping[str, int], n: int, at_least: int, upper: Mapping[str, int]
) -> dict[str, Fraction]:
    """Exact shares with Σ = n: the multiplier of size is lowered or raised until the bounds hold.

    In each round only one kind of bound is fixed, the one with the larger total excess; this is the usual
    argument for box-constrained proportional shares, and it ends, since each round fixes a stratum.
    """
    fixed: dict[str, Fraction] = {}
    while True:
        free = [name for name in sizes if name not in fixed]
        if not free:
            return fixed
        left = n - sum(fixed.values())
        total = sum(sizes[name] for name in free)
        shares = {name: Fraction(left) * sizes[name] / total for name in free}
        low = [name for name in free if shares[name] < at_least]
        high = [name for name in free if shares[name] > upper[name]]
        if not low and not high:
            return {**fixed, **shares}
        lacking = sum(at_least - shares[name] for name in low)
        excess = sum(shares[name] - upper[name] for name in high)
        if lacking >= excess:
            fixed.update({name: Fraction(at_least) for name in low})
        else:
            fixed.update({name: Fraction(upper[name]) for name in high})
