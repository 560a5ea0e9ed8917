"""The door to `analysis.planning`: how many households, where, at what cost, and what they can show.

Points throughout: a score's own, or percentage points of a share. A community is a cluster; `take` households
of it are asked, of which `response_rate` answer. Errors of `analysis` leave as Problem stats.impossible.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from analysis.planning import (
    AnswerModel,
    CurvePoint,
    DetectableChange,
    PrecisionTarget,
    StreetForecast,
    achievable_margin,
    allocate_bethel,
    allocate_by_cost,
    allocate_by_power,
    allocate_equal,
    allocate_neyman,
    allocate_proportionally,
    cluster_design_effect,
    cost_precision_curve,
    detectable_change,
    forecast_streets,
    optimum_take,
    size_for_mean,
    size_for_share,
    smallest_change,
    whole_numbers,
)
from analysis.planning.sample_size import z_quantile
from survey.stats.refusals import refusals

SCORE, SHARE = "score", "share"
PROPORTIONAL, EQUAL, POWER, NEYMAN, COST, TARGETS = (
    "proportional",
    "equal",
    "power",
    "neyman",
    "cost",
    "targets",
)
MIN_COMMUNITIES = 2  # below, a stratum has no estimate of its variance
MIN_PSUS = 6  # below, reports pool a street's variance over all streets (`stats.estimates`)
# The arbitrary mean at which a margin in points is handed over as a coefficient of variation.
_REFERENCE_MEAN = 50.0


@dataclass(frozen=True)
class Terms:
    """What is assumed: spread S in points, homogeneity of communities, response, costs, confidence.

    share : the expected share of a SHARE, 0 … 1; `sd` is then 100√(p(1-p)).
    cost_community : of each drawn community; cost_household : of each drawn household, answered or not.
    """

    kind: str
    sd: float
    rho: float
    response_rate: float
    cost_community: float
    cost_household: float
    confidence: float = 0.95
    share: float = 0.5

    @property
    def z(self) -> float:
        """The normal quantile of the confidence."""
        return z_quantile(self.confidence)

    def deff(self, take: float) -> float:
        """1 + (b·r - 1)ρ, not below 1 (Kish 1965, eq. 5.4.1), for b households asked per community."""
        with refusals(_("设计效应")):
            return max(cluster_design_effect(take * self.response_rate, self.rho).equal, 1.0)


@dataclass(frozen=True)
class Need:
    """What one region needs for its margin.

    respondents, issued, communities : answers, households to draw, communities they lie in
    best_margin : what can be had when every household is drawn; the target when that is possible
    """

    margin: float
    households: int
    respondents: int
    issued: int
    communities: int
    possible: bool
    best_margin: float


def best_take(terms: Terms, at_most: int = 500) -> int:
    """Households to ask in a community, with the least error for any budget: √(C1/C2 · (1-ρ)/(ρ·r)).

    Hansen, Hurwitz & Madow (1953), vol. I, ch. 6, with C2/r the cost of an answer. At ρ = 0 `at_most`.
    """
    if terms.rho <= 0:
        return at_most
    with refusals(_("每个社区多少户")):
        answers = optimum_take(terms.cost_community, terms.cost_household / terms.response_rate, terms.rho)
    return int(min(max(round(answers / terms.response_rate), 2), at_most))


def households_needed(terms: Terms, margin: float, households: int, take: int) -> Need:
    """Households to draw so that a region's figure has the margin, with its design effect."""
    deff = terms.deff(take)
    with refusals(_("样本量")):
        options: dict[str, Any] = {
            "confidence": terms.confidence,
            "population": households,
            "deff": deff,
            "response_rate": terms.response_rate,
        }
        if terms.kind == SHARE and households > 1:
            size = size_for_share(terms.share, margin=margin / 100, **options)
        else:
            size = size_for_mean(terms.sd**2, margin=margin, **options)
        best = margin if size.possible else margin_with(terms, households, households, take)
    return Need(
        margin, households, size.respondents, size.issued, math.ceil(size.issued / take), size.possible, best
    )


def margin_with(terms: Terms, issued: float, households: float, take: int) -> float:
    """The half-width that `issued` households of a region's give: z√(deff·S²(1/n - 1/N)), n = issued·r."""
    with refusals(_("误差")):
        return achievable_margin(
            terms.sd**2,
            households,
            confidence=terms.confidence,
            deff=terms.deff(take),
            response_rate=terms.response_rate,
            issued=min(issued, households),
        )


def cost_of(terms: Terms, communities: float, take: float) -> float:
    """communities × (C1 + C2·take)."""
    return communities * (terms.cost_community + terms.cost_household * take)


def cost_curve(terms: Terms, budgets: Sequence[float], *, domains: int = 1) -> list[CurvePoint]:
    """The best margin of each of `domains` equal regions that share each budget.

    Budgets that do not pay for one community with one household in each region are left out.
    """
    least = terms.cost_community + terms.cost_household
    affordable = [budget / domains for budget in budgets if budget / domains >= least]
    with refusals(_("费用曲线")):
        return cost_precision_curve(
            affordable,
            cost_cluster=terms.cost_community,
            cost_element=terms.cost_household,
            sd=terms.sd,
            rho=terms.rho,
            response_rate=terms.response_rate,
            confidence=terms.confidence,
        )


def change_between_rounds(
    terms: Terms, wanted: float, *, issued: float, take: int, households: int
) -> DetectableChange:
    """Whether two rounds with these households can show a change (two-sided 5 % test, power 80 %)."""
    with refusals(_("能看出的变化")):
        return detectable_change(
            wanted,
            terms.sd,
            issued * terms.response_rate,
            households=households,
            deff=terms.deff(take),
        )


def least_change(terms: Terms, *, issued: float, take: int) -> float:
    """The smallest change between two such rounds that shows with power 80 %."""
    with refusals(_("能看出的变化")):
        return smallest_change(terms.sd, issued * terms.response_rate, deff=terms.deff(take))


@dataclass(frozen=True)
class Stratum:
    """A street for allocation: households, communities to draw from, own spread and cost, its district."""

    code: str
    district: str
    households: int
    communities: int
    sd: float
    cost_household: float


@dataclass(frozen=True)
class Goal:
    """A margin for a set of streets."""

    name: str
    streets: frozenset[str]
    margin: float


def allocate_to_goals(
    terms: Terms, strata: Sequence[Stratum], goals: Sequence[Goal], take: int
) -> dict[str, int]:
    """Households to draw in each street, at least cost, so that every goal is met (Bethel 1989).

    May exceed the households of a street: the caller says that such a goal cannot be had.
    """
    deff = terms.deff(take)
    codes = np.array([stratum.code for stratum in strata])
    mean = np.full(len(strata), _REFERENCE_MEAN)
    sd = np.array([stratum.sd for stratum in strata]) * math.sqrt(deff)
    targets = [
        PrecisionTarget(
            goal.name,
            np.isin(codes, list(goal.streets)),
            mean,
            sd,
            goal.margin / terms.z / _REFERENCE_MEAN,
        )
        for goal in goals
    ]
    per_household = [terms.cost_community / take + stratum.cost_household for stratum in strata]
    with refusals(_("按要求的误差分配")):
        found = allocate_bethel([s.households for s in strata], targets, unit_cost=per_household)
    return {
        str(code): math.ceil(n / terms.response_rate - 1e-9) for code, n in zip(codes, found.n, strict=True)
    }


def allocate_communities(
    method: str, terms: Terms, strata: Sequence[Stratum], n: int, take: int, *, power: float = 0.5
) -> dict[str, int]:
    """`n` communities divided over streets by a rule, each with two or all that it has, none beyond them.

    Raises
    ------
    Problem stats.impossible : more or fewer communities than the streets allow.
    """
    sizes = [stratum.households for stratum in strata]
    sd = [stratum.sd for stratum in strata]
    rules: dict[str, Callable[[], Any]] = {
        PROPORTIONAL: lambda: allocate_proportionally(sizes, n),
        EQUAL: lambda: allocate_equal([stratum.communities for stratum in strata], n),
        # The cv of a street's mean; all at the same reference mean, since only their ratios count.
        POWER: lambda: allocate_by_power(sizes, [s / _REFERENCE_MEAN for s in sd], n, power=power),
        NEYMAN: lambda: allocate_neyman(sizes, sd, n),
        COST: lambda: allocate_by_cost(sizes, sd, _costs(terms, strata, take), 1.0),
    }
    with refusals(_("分配")):
        real = np.asarray(rules[method]().n, dtype=float)
        # The rule by cost divides a budget; only its shape is wanted here.
        real = real * n / real.sum()
        most = np.array([stratum.communities for stratum in strata])
        whole = whole_numbers(real, at_least=MIN_COMMUNITIES, at_most=most)
    return {stratum.code: int(k) for stratum, k in zip(strata, whole, strict=True)}


def _costs(terms: Terms, strata: Sequence[Stratum], take: int) -> list[float]:
    return [terms.cost_community + take * stratum.cost_household for stratum in strata]


@dataclass(frozen=True)
class Group:
    """A part of the plan that is forecast as one: a street, or streets joined in one stratum."""

    code: str
    sizes: tuple[int, ...]  # households of its sampling units
    n: int  # units to draw


def forecast_groups(
    groups: Sequence[Group],
    take: int,
    terms: Terms,
    *,
    mean: float,
    seed: int,
    runs: int = 400,
    progress: Callable[[int, str], None] | None = None,
) -> list[dict[str, Any]]:
    """What each group can expect, simulated on its own units: see `analysis.planning.forecast_streets`.

    Returns one dictionary a group, in their order: code, communities, households, psus, issued, interviews,
    half_width, half_width_low, half_width_high, coverage, empirical_se, method, n_runs; None for what does
    not exist. The same seed gives the same forecast.

    As in a report, a group of fewer than `MIN_PSUS` drawn units has no interval of its own df, which would be
    many times too wide: its variance is pooled over all streets. What that comes to is z times the standard
    deviation of its figure over the runs; `method` is then "pooled", and its coverage is not counted.
    """
    model = AnswerModel(mean, terms.sd, terms.rho, terms.response_rate)
    random = np.random.default_rng(seed)
    rows = []
    for done, group in enumerate(groups):
        if progress is not None:
            progress(done, group.code)
        with refusals(_("模拟")):
            (found,) = forecast_streets(
                [group.code] * len(group.sizes),
                group.sizes,
                {group.code: group.n},
                take,
                model,
                random,
                runs=runs,
                confidence=terms.confidence,
            )
        rows.append(_forecast_row(group, found, terms))
    return rows


def _forecast_row(group: Group, found: StreetForecast, terms: Terms) -> dict[str, Any]:
    row = {"code": group.code, **asdict(found)}
    del row["street"]
    if group.n < MIN_PSUS:
        half = terms.z * found.empirical_se
        row |= {"half_width": half, "half_width_low": half, "half_width_high": half}
        row |= {"coverage": None, "method": "pooled"}
    return {k: _plain(v) for k, v in row.items()}


def combined_margin(terms: Terms, rows: Sequence[Mapping[str, Any]]) -> float | None:
    """Half-width of the figure over several forecast groups: z√(ΣN²se²)/ΣN; None when one has no se."""
    if not rows or any(row["empirical_se"] is None for row in rows):
        return None
    total = sum(row["households"] for row in rows)
    variance = sum((row["households"] * row["empirical_se"]) ** 2 for row in rows)
    return float(terms.z * math.sqrt(variance) / total)


def _plain(value: Any) -> Any:
    """JSON's numbers; None for NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


__all__ = [
    "COST",
    "EQUAL",
    "MIN_COMMUNITIES",
    "MIN_PSUS",
    "NEYMAN",
    "POWER",
    "PROPORTIONAL",
    "SCORE",
    "SHARE",
    "TARGETS",
    "CurvePoint",
    "DetectableChange",
    "Goal",
    "Group",
    "Need",
    "Stratum",
    "Terms",
    "allocate_communities",
    "allocate_to_goals",
    "best_take",
    "change_between_rounds",
    "combined_margin",
    "cost_curve",
    "cost_of",
    "forecast_groups",
    "households_needed",
    "least_change",
    "margin_with",
]
