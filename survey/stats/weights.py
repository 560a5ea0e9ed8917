"""From base weights to weights that meet the population, one row per released case.

Cases without an answer keep their row with weight 0: their PSU stays in its stratum, so that the variance
knows how many were drawn. Steps, in the order of the recipe (`survey.stats.recipe`):

1. base: 1 / (household's inclusion probability), released cases only.
2. unknown_eligibility: cases of unknown eligibility hand their weight to the others of their class.
3. household_response: eligible households in which nobody was selected hand theirs to those with a person,
   class by class, or by fifths of a response propensity.
4. person_selection: 1 / probability of the chosen adult within the household.
5. person_response: chosen adults who did not answer hand theirs to those who did.
6. trimming, where a recipe asks for it; alternated with the next step until the margins hold.
7. poststratification to district × sex × age of adults in family households, or calibration to margins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from analysis.design import SurveyDesign
from analysis.weighting import diagnose
from analysis.weighting.collapse import collapse_ordered
from survey.common.errors import Problem
from survey.stats.poststrata import SEXES, UNKNOWN
from survey.stats.recipe import (
    BASE,
    HOUSEHOLD,
    PERSON,
    PERSON_SELECTION,
    POSTSTRATIFICATION,
    UNKNOWN_ELIGIBILITY,
    CaseColumns,
    Recipe,
    RecipeOptions,
    make_recipe,
)
from survey.stats.refusals import refusals

__all__ = [
    "SEXES",
    "STEPS",
    "UNKNOWN",
    "CaseColumns",
    "RecipeOptions",
    "Weighted",
    "join_age_groups",
    "weigh",
]

STEPS = (BASE, UNKNOWN_ELIGIBILITY, HOUSEHOLD, PERSON_SELECTION, PERSON, POSTSTRATIFICATION)


@dataclass(frozen=True, eq=False)
class Weighted:
    """Final weights and how they came about.

    weights : shape (n_cases,), 0 without an answer
    factors : {step: multiplier of each case}, shape (n_cases,) each, in order; their product is the weight
    classes : adjustment classes as printed rows; cells : post-strata as printed rows
    steps : after each step the sum, largest and Kish effect of the weights
    design : the frozen design that `survey.stats.estimates` takes; not for other callers
    recipe, base_design : what replicates repeat, and the design before any step
    """

    weights: np.ndarray
    factors: dict[str, np.ndarray]
    classes: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    design: SurveyDesign
    recipe: Recipe
    base_design: SurveyDesign


def weigh(
    cases: CaseColumns,
    totals: Mapping[tuple[str, str, int], float],
    *,
    n_bands: int,
    min_class: int,
    min_cell: int,
    options: RecipeOptions | None = None,
) -> Weighted:
    """Run all steps.

    Parameters
    ----------
    totals : {(district, sex, age group): persons in the population}; districts without any answer must not
        be in it, and every district with an answer must
    n_bands : number of age groups
    min_class, min_cell : answers that an adjustment class and a post-stratum need; thinner ones are joined
        (rules: `analysis.weighting.collapse`)
    options : propensity, bounds, calibration, trimming; by default classes and post-stratification
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
        recipe = make_recipe(
            cases,
            totals,
            n_bands=n_bands,
            min_class=min_class,
            min_cell=min_cell,
            options=options or RecipeOptions(),
        )
        after = recipe.run(cases.base.astype(float))
        *_earlier, last = recipe.steps
        before = after[recipe.steps[-2]]
        final = recipe.final_design(design, before)
        after[last] = final.weights
    return Weighted(
        final.weights,
        _factors(after),
        _class_rows(recipe, after),
        recipe.post.rows(before, cases.responded),
        [_summary(step, weights[cases.responded]) for step, weights in after.items()],
        final,
        recipe,
        design,
    )


def join_age_groups(counts: Sequence[int], minimum: int) -> list[tuple[int, ...]]:
    """Which neighbouring age groups to join; see `analysis.weighting.collapse.collapse_ordered`."""
    with refusals(_("合并年龄组")):
        return collapse_ordered(counts, minimum)


def _check(cases: CaseColumns, totals: Mapping[tuple[str, str, int], float]) -> None:
    p = cases.person_probability[cases.reached]
    if not ((p > 0) & (p <= 1)).all():
        raise Problem(
            "stats.impossible", step=_("加权"), reason=_("有答卷没有户内抽中概率，或不在 0 和 1 之间")
        )
    if (cases.reached & ~(cases.known & cases.eligible)).any():
        raise Problem("stats.impossible", step=_("加权"), reason=_("有答卷的样本户被记成不合格或情况不明"))
    answered = set(cases.district[cases.responded])
    if answered != {key[0] for key in totals}:
        raise Problem("stats.impossible", step=_("加权"), reason=_("总体边际和有答卷的区县对不上"))


def _factors(after: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each step's multiplier; 1 where the row had no weight before it."""
    factors: dict[str, np.ndarray] = {}
    previous: np.ndarray | None = None
    for step, weights in after.items():
        if previous is None:
            factors[step] = weights
        else:
            factors[step] = np.where(previous > 0, weights / np.where(previous > 0, previous, 1.0), 1.0)
        previous = weights
    return factors


def _class_rows(recipe: Recipe, after: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Each adjustment class with its answers and factors (weighted means where a propensity made them)."""
    cases, codes, count = recipe.cases, recipe.codes, len(recipe.labels)

    def total(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return np.bincount(codes, weights=np.where(rows, weights, 0.0), minlength=count)

    known = total(after[UNKNOWN_ELIGIBILITY], cases.known) / total(after[BASE], cases.known)
    eligible = cases.known & cases.eligible & cases.reached
    response = total(after[HOUSEHOLD], eligible) / total(after[UNKNOWN_ELIGIBILITY], eligible)
    person = total(after[PERSON], cases.responded) / total(after[PERSON_SELECTION], cases.responded)
    answers = np.bincount(codes[cases.responded], minlength=count)
    return [
        {
            "class": label,
            "responded": int(answers[k]),
            "unknown_factor": float(known[k]),
            "response_factor": float(response[k]),
            "person_factor": float(person[k]),
        }
        for k, label in enumerate(recipe.labels)
    ]


def _summary(step: str, weights: np.ndarray) -> dict[str, Any]:
    found = diagnose(weights)
    return {
        "step": step,
        "sum": found.total,
        "smallest": found.minimum,
        "largest": found.maximum,
        "kish_effect": found.kish_deff,
    }
