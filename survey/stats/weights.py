"""From base weights to post-stratified weights, one row per released case.

Cases without an answer keep their row with weight 0: their PSU stays in its stratum, so that the variance
knows how many were drawn. Steps, in the order of the recipe:

1. base: 1 / (household's inclusion probability), released cases only.
2. unknown_eligibility: cases of unknown eligibility hand their weight to the others of their class.
3. household_response: eligible cases without an answer hand theirs to those with one, class by class.
4. person_selection: 1 / probability of the chosen adult within the household.
5. poststratification: to district × sex × age of adults in family households.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from analysis.design import SurveyDesign
from analysis.weighting import adjust_by_class, diagnose, poststratify
from analysis.weighting.collapse import collapse_nested, collapse_ordered
from survey.common.errors import Problem
from survey.stats.refusals import refusals

STEPS = (
    "base",
    "unknown_eligibility",
    "household_response",
    "person_selection",
    "poststratification",
)
SEXES = ("male", "female")
UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class CaseColumns:
    """Every released case; all arrays have shape (n_cases,).

    base : 1 / inclusion probability of the household
    stratum, psu : variance stratum and variance PSU
    district, street : codes, the adjustment classes
    known, eligible, responded : truth values; known means that eligibility is known
    person_probability : probability of the person within the household; NaN without an answer
    sex : "male", "female" or "" (not told); band : index of the age group, −1 when not told
    """

    base: np.ndarray
    stratum: np.ndarray
    psu: np.ndarray
    district: np.ndarray
    street: np.ndarray
    known: np.ndarray
    eligible: np.ndarray
    responded: np.ndarray
    person_probability: np.ndarray
    sex: np.ndarray
    band: np.ndarray


@dataclass(frozen=True, eq=False)
class Weighted:
    """Final weights and how they came about.

    weights : shape (n_cases,), 0 without an answer
    factors : {step: multiplier of each case}, shape (n_cases,) each; their product is the weight
    classes : adjustment classes as printed rows; cells : post-strata as printed rows
    steps : after each step the sum, largest and Kish effect of the weights
    design : the frozen design that `survey.stats.estimates` takes; not for other callers
    """

    weights: np.ndarray
    factors: dict[str, np.ndarray]
    classes: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    design: SurveyDesign


def weigh(
    cases: CaseColumns,
    totals: Mapping[tuple[str, str, int], float],
    *,
    n_bands: int,
    min_class: int,
    min_cell: int,
) -> Weighted:
    """Run all steps.

    Parameters
    ----------
    totals : {(district, sex, age group): persons in the population}; districts without any answer must not
        be in it, and every district with an answer must
    n_bands : number of age groups
    min_class, min_cell : answers that an adjustment class and a post-stratum need; thinner ones are joined
        (rules: `analysis.weighting.collapse`)
    """
    if not cases.responded.any():
        raise Problem("reports.too_few", count=0, needed=1)
    _check(cases, totals)
    with refusals(_("加权")):
        design = SurveyDesign(
            None,
            weights=cases.base,
            clusters=cases.psu,
            strata=cases.stratum,
            nest=True,
            lonely_psu="adjust",
        )
        factors = {"base": cases.base.astype(float)}
        labels = _classes(cases, min_class)
        steps = [_summary("base", design.weights[cases.responded])]
        known = adjust_by_class(design, cases.known, [labels])
        factors["unknown_eligibility"] = known.factor[known.row_class]
        steps.append(_summary("unknown_eligibility", known.design.weights[cases.responded]))
        eligible = known.design.with_weights(np.where(cases.eligible, known.design.weights, 0.0))
        answered = adjust_by_class(eligible, cases.responded, [labels])
        factors["household_response"] = answered.factor[answered.row_class]
        steps.append(_summary("household_response", answered.design.weights[cases.responded]))
        person = np.where(
            cases.responded, 1.0 / np.where(cases.responded, cases.person_probability, 1.0), 1.0
        )
        factors["person_selection"] = person
        persons = answered.design.with_weights(answered.design.weights * person)
        steps.append(_summary("person_selection", persons.weights[cases.responded]))
        cell, targets, rows = _post_strata(cases, persons.weights, totals, n_bands, min_cell)
        final = poststratify(persons, [cell], targets)
        with np.errstate(divide="ignore", invalid="ignore"):
            factors["poststratification"] = np.where(
                persons.weights > 0, final.weights / persons.weights, 1.0
            )
        steps.append(_summary("poststratification", final.weights[cases.responded]))
    classes = [
        {
            "class": label,
            "responded": int(b),
            "unknown_factor": float(u),
            "response_factor": float(r),
        }
        for label, b, u, r in zip(
            known.classes, answered.n_responded, known.factor, answered.factor, strict=True
        )
    ]
    return Weighted(final.weights, factors, classes, rows, steps, final)


def join_age_groups(counts: Sequence[int], minimum: int) -> list[tuple[int, ...]]:
    """Which neighbouring age groups to join; see `analysis.weighting.collapse.collapse_ordered`."""
    with refusals(_("合并年龄组")):
        return collapse_ordered(counts, minimum)


def _check(cases: CaseColumns, totals: Mapping[tuple[str, str, int], float]) -> None:
    p = cases.person_probability[cases.responded]
    if not ((p > 0) & (p <= 1)).all():
        raise Problem(
            "stats.impossible", step=_("加权"), reason=_("有答卷没有户内抽中概率，或不在 0 和 1 之间")
        )
    if (cases.responded & ~(cases.known & cases.eligible)).any():
        raise Problem("stats.impossible", step=_("加权"), reason=_("有答卷的样本户被记成不合格或情况不明"))
    answered = set(cases.district[cases.responded])
    if answered != {key[0] for key in totals}:
        raise Problem("stats.impossible", step=_("加权"), reason=_("总体边际和有答卷的区县对不上"))


def _classes(cases: CaseColumns, minimum: int) -> np.ndarray:
    """Label of each case's adjustment class: its street, joined where answers are few."""
    counts: dict[tuple[str, str], int] = {}
    for district, street, responded in zip(cases.district, cases.street, cases.responded, strict=True):
        counts[district, street] = counts.get((district, street), 0) + int(responded)
    joined = collapse_nested(counts, minimum)
    return np.array([joined[d, s] for d, s in zip(cases.district, cases.street, strict=True)], dtype=object)


def _post_strata(
    cases: CaseColumns,
    weights: np.ndarray,
    totals: Mapping[tuple[str, str, int], float],
    n_bands: int,
    minimum: int,
) -> tuple[np.ndarray, dict[str, float], list[dict[str, Any]]]:
    """Cell of each answer, population of each cell, and the printed rows.

    Who did not tell sex or age forms a cell of the district, whose population is the district's times their
    share of the weight; the other cells share the rest. So the district's total holds, and the others keep
    the census proportions.
    """
    cell = np.full(len(weights), None, dtype=object)
    targets: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    told = (cases.band >= 0) & np.isin(cases.sex, SEXES)
    for district in sorted({key[0] for key in totals}):
        here = cases.responded & (cases.district == district)
        silent = here & ~told
        share = weights[silent].sum() / weights[here].sum()
        population = sum(persons for key, persons in totals.items() if key[0] == district)
        if silent.any():
            label = f"{district}|{UNKNOWN}"
            cell[silent] = label
            targets[label] = population * share
            rows.append(_row(district, UNKNOWN, (), silent, weights, targets[label]))
        for sexes, bands in _groups(cases, here & told, n_bands, minimum):
            inside = here & told & np.isin(cases.sex, sexes) & np.isin(cases.band, bands)
            label = f"{district}|{'+'.join(sexes)}|{'+'.join(map(str, bands))}"
            cell[inside] = label
            targets[label] = (1 - share) * sum(
                totals.get((district, s, b), 0.0) for s in sexes for b in bands
            )
            rows.append(_row(district, "+".join(sexes), bands, inside, weights, targets[label]))
    return cell, targets, rows


def _groups(
    cases: CaseColumns, inside: np.ndarray, n_bands: int, minimum: int
) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Sexes and age groups of each post-stratum of a district: sexes are joined only when one is thin."""
    counts = {sex: np.bincount(cases.band[inside & (cases.sex == sex)], minlength=n_bands) for sex in SEXES}
    if not inside.any():
        return []
    if min(c.sum() for c in counts.values()) < minimum:
        both = sum(counts.values())
        return [(SEXES, bands) for bands in collapse_ordered([int(n) for n in both], minimum)]
    return [
        ((sex,), bands) for sex in SEXES for bands in collapse_ordered([int(n) for n in counts[sex]], minimum)
    ]


def _row(
    district: str,
    sex: str,
    bands: tuple[int, ...],
    inside: np.ndarray,
    weights: np.ndarray,
    population: float,
) -> dict[str, Any]:
    before = float(weights[inside].sum())
    return {
        "district": district,
        "sex": sex,
        "bands": list(bands),
        "n": int(inside.sum()),
        "before": before,
        "population": float(population),
        "factor": float(population / before),
    }


def _summary(step: str, weights: np.ndarray) -> dict[str, Any]:
    found = diagnose(weights)
    return {
        "step": step,
        "sum": found.total,
        "smallest": found.minimum,
        "largest": found.maximum,
        "kish_effect": found.kish_deff,
    }
