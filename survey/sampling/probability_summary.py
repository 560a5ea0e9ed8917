"""Smallest, median and largest inclusion probabilities of released cases, and the sum of their weights."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Count

Spread = tuple[float, float, float]


@dataclass(frozen=True)
class ProbabilitySummary:
    """Each spread is (smallest, median, largest) over `n` cases; `deff_weights` is Kish's 1 + cv²."""

    n: int
    stage1: Spread
    stage2: Spread
    overall: Spread
    weights_sum: float
    deff_weights: float | None


def summarise(cases: Any) -> ProbabilitySummary | None:
    """The summary of a queryset of cases, from their exact fractions; None when there is none.

    The median of an even number is the lower of the two in the middle, so that it is a case's own.
    """
    groups = [
        (Fraction(first), Fraction(second), n)
        for first, second, n in cases.order_by()
        .values_list("stage1_exact", "stage2_exact")
        .annotate(n=Count("pk"))
    ]
    n = sum(count for _first, _second, count in groups)
    if not n:
        return None
    total = sum(count / (first * second) for first, second, count in groups)
    squares = sum(count / (first * second) ** 2 for first, second, count in groups)
    return ProbabilitySummary(
        n=n,
        stage1=_spread([(first, count) for first, _second, count in groups]),
        stage2=_spread([(second, count) for _first, second, count in groups]),
        overall=_spread([(first * second, count) for first, second, count in groups]),
        weights_sum=float(total),
        # Kish, L. (1992), Weighting for unequal P_i, J. Official Statist. 8, 183-200: n Σw²/(Σw)².
        deff_weights=float(n * squares / (total * total)),
    )


def _spread(values: list[tuple[Fraction, int]]) -> Spread:
    ordered = sorted(values)
    middle, passed = (sum(n for _value, n in ordered) + 1) // 2, 0
    median = ordered[-1][0]
    for value, n in ordered:
        passed += n
        if passed >= middle:
            median = value
            break
    return float(ordered[0][0]), float(median), float(ordered[-1][0])
