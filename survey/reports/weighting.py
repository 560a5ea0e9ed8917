"""The recipe of a round's weights as data, and its execution. Steps: `survey.stats.weights`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from survey.common.errors import Problem
from survey.questionnaires.document import Document, item_index, own_choices
from survey.reports.inputs import Inputs
from survey.reports.population import FRAME_TO_CENSUS, NO_SCALE, rules
from survey.stats.margins import age_band
from survey.stats.scores import codes_of
from survey.stats.weights import SEXES, STEPS, CaseColumns, RecipeOptions, Weighted, weigh
from survey.studies.models import Round

VERSION = "minyi-weights-2"
BANDS: tuple[tuple[int, int | None], ...] = ((18, 29), (30, 44), (45, 59), (60, 74), (75, None))
MIN_CLASS, MIN_CELL = 10, 10
MIN_PSUS = 6  # a street with fewer takes the variance pooled across streets
SEX_ITEM, AGE_ITEM = "D01", "S02"
SEX_LABELS = {"男": "male", "女": "female"}
CENSUS_YEAR = 2020
# A post-stratum's factor stays within these multiples of its district's; 5 is the cap of DeBell & Krosnick
# (2009), Computing Weights for American National Election Study Survey Data, p. 30.
BOUNDS = (0.2, 5.0)
TAYLOR, BOOTSTRAP = "taylor", "bootstrap"
REPLICATES, SEED = 200, 20240


def default_spec(round: Round) -> dict[str, Any]:
    """The recipe that a round gets when nobody has written another one."""
    document = round.questionnaire_version.document
    return {
        "version": VERSION,
        "steps": list(STEPS),
        "household_response": {"method": "classes"},
        "response_classes": {"by": ["district", "street"], "min_respondents": MIN_CLASS},
        "poststratification": {
            "by": ["district", "sex", "age"],
            "bands": [list(band) for band in _bands(round.study.min_age)],
            "min_respondents": MIN_CELL,
            "bounds": list(BOUNDS),
            "age_item": AGE_ITEM,
            "sex_item": SEX_ITEM,
            "sex_codes": _sex_codes(document),
        },
        "margins": {
            "source_year": CENSUS_YEAR,
            "min_age": round.study.min_age,
            **rules(FRAME_TO_CENSUS if _needs_scale(round) else NO_SCALE),
        },
        "calibration": None,
        "trimming": None,
        "variance": {
            "method": BOOTSTRAP,
            "replicates": REPLICATES,
            "seed": SEED,
            "psus": "with-replacement",
            "min_psus": MIN_PSUS,
            "level": 0.95,
        },
    }


def run_weights(
    inputs: Inputs, spec: dict[str, Any], totals: dict[tuple[str, str, int], float]
) -> tuple[Weighted, np.ndarray, np.ndarray]:
    """Execute a recipe. Returns the weights and, for each case, sex ("" unknown) and age group (−1 unknown).

    `totals` may hold districts without an answer; they are left out (the document says so).
    """
    post = spec["poststratification"]
    bands = [tuple(band) for band in post["bands"]]
    sex, band = sex_and_band(inputs.answers, len(inputs.case_ids), post)
    answered = set(inputs.district[inputs.responded])
    cases = CaseColumns(
        base=inputs.base,
        stratum=inputs.stratum,
        psu=inputs.psu,
        district=inputs.district,
        street=inputs.street,
        known=~np.isin(inputs.outcome, ("UH", "UO")),
        eligible=inputs.outcome != "NE",
        responded=inputs.responded,
        person_probability=inputs.person_probability,
        sex=sex,
        band=band,
        took_part=inputs.took_part,
        covariates=inputs.covariates,
    )
    weighted = weigh(
        cases,
        {key: persons for key, persons in totals.items() if key[0] in answered},
        n_bands=len(bands),
        min_class=spec["response_classes"]["min_respondents"],
        min_cell=post["min_respondents"],
        options=options_of(spec),
    )
    return weighted, sex, band


def options_of(spec: dict[str, Any]) -> RecipeOptions:
    """What a recipe chooses. Recipes of the first version know none of it, and keep their weights.

    "household_response": {"method": "classes"} or {"method": "propensity", "covariates": [names of
    `Inputs.covariates`], "classes": 5}; "calibration", "trimming": as `RecipeOptions`; bounds: of the
    calibration, or of the post-strata.
    """
    household = spec.get("household_response") or {"method": "classes"}
    calibration = spec.get("calibration")
    bounds = calibration.get("bounds") if calibration else spec["poststratification"].get("bounds")
    trimming = spec.get("trimming")
    return RecipeOptions(
        household=household["method"],
        covariates=tuple(household.get("covariates", ())),
        n_classes=household.get("classes", 5),
        bounds=tuple(bounds) if bounds else None,
        calibration=calibration or None,
        trimming=trimming if isinstance(trimming, dict) else None,
    )


def passport(weighted: Weighted, row: int) -> list[dict[str, Any]]:
    """The factors of one response, in order, with what was reached and how far it moved the weights.

    "total" is the sum of all weights after the step; "effect" the Kish factor that it left (1 + cv²).
    """
    after = {step["step"]: step for step in weighted.steps}
    return [
        {
            "step": step,
            "factor": float(factor[row]),
            "total": float(after[step]["sum"]),
            "effect": float(after[step]["kish_effect"]),
        }
        for step, factor in weighted.factors.items()
    ]


def _bands(min_age: int) -> list[tuple[int, int | None]]:
    """The default age groups from `min_age` on."""
    later = [band for band in BANDS if band[1] is None or band[1] >= min_age]
    return [(min_age, later[0][1]), *later[1:]]


def _needs_scale(round: Round) -> bool:
    """A model city is smaller than the census; so is a frame that covers only parts of its districts."""
    levels = {region.level for region in round.study.scope.all()} or {round.study.region.level}
    return round.is_simulated or bool(levels - {"city", "district"})


def _sex_codes(document: Document) -> dict[str, str]:
    found = item_index(document).get(SEX_ITEM)
    if found is None:
        raise Problem("reports.not_pinned", what=_("问卷里的性别题（%s）") % SEX_ITEM)
    choices = own_choices(document, found[1])
    return {
        str(c["code"]): SEX_LABELS[c["label"]["zh-hans"]]
        for c in choices
        if c["label"].get("zh-hans") in SEX_LABELS
    }


def sex_and_band(
    answers: Mapping[str, np.ndarray], n: int, post: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Sex ("" unknown) and age group (−1 unknown) of n rows of answers.

    post : the recipe's "poststratification", which names the items, codes and groups
    """
    codes, ages = answers.get(post["sex_item"]), answers.get(post["age_item"])
    known = {code: sex for code, sex in post["sex_codes"].items() if sex in SEXES}
    sex = np.full(n, "", dtype=object)
    if codes is not None:
        sex = np.array([known.get(code, "") for code in codes_of(codes)], dtype=object)
    bands = [tuple(band) for band in post["bands"]]
    band = np.full(n, -1)
    if ages is not None:
        band = np.array([age_band(_age(value), bands) for value in ages], dtype=int)
    return sex, band


def _age(value: Any) -> float:
    try:
        age = float(value)
    except (TypeError, ValueError):
        return float("nan")
    return age if age >= 0 else float("nan")
