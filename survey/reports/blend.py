"""The part of the document about volunteers: models, labelled as such, beside the probability sample.

It stands by itself: no league, claim, change or sentence reads it (docs/decisions, “Volunteers blended”).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from survey.indicators.models import IndicatorVersion
from survey.reports.computing import COMPOSITE, Sample, Work
from survey.reports.disclosure import MASKED
from survey.reports.domains import ALL, COMMUNITY_DIGITS, DISTRICT, EDUCATION_ITEM, region_key
from survey.reports.inputs import Inputs
from survey.reports.values import indicator_values, interval_kind
from survey.reports.weighting import sex_and_band
from survey.stats.blending import Blend, Covariate, Unblendable
from survey.stats.scores import codes_of

SPEC = "volunteers"
METHOD = "chen-li-wu-2020"
COVARIATES = ("sex", "age", "education", DISTRICT)
ORDERED = ("age", "education")
SEED = 20241
LARGEST = {IndicatorVersion.Kind.SHARE: 1.0}  # every other kind is scored from 0 to 100


def blend_spec() -> dict[str, Any]:
    """What a recipe says that asks for the volunteers' part."""
    return {"method": METHOD, "covariates": list(COVARIATES), "seed": SEED}


def with_volunteers(spec: Mapping[str, Any], wanted: bool) -> dict[str, Any]:
    """The recipe with or without the volunteers' part; the rest of it stays."""
    rest = {name: value for name, value in spec.items() if name != SPEC}
    return rest | {SPEC: blend_spec()} if wanted else rest


def blend_part(work: Work, sample: Sample, cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The part as docs/result-document.md describes it.

    cells : {indicator: its printed figures by domain}
    """
    inputs, spec = sample.inputs, sample.spec
    counted = ~inputs.volunteers.flagged
    found: dict[str, Any] = {
        "method": spec[SPEC]["method"],
        "received": len(counted),
        "accepted": int(counted.sum()),
        "flagged": int((~counted).sum()),
    }
    covariates = covariates_of(work, sample, counted)
    found["absent"] = [name for name in spec[SPEC]["covariates"] if name not in {c.name for c in covariates}]
    try:
        blend = Blend(
            sample.weighted,
            work.frame.tables.replicates,
            covariates,
            np.array([path[:COMMUNITY_DIGITS] for path in inputs.volunteers.path[counted]]),
            least=work.frame.floor,
            seed=spec[SPEC]["seed"],
        )
    except Unblendable as why:
        return found | {"refused": {"code": why.code} | why.facts, "figures": {}}
    figures = {
        version.indicator.code: _figures(work, blend, version, counted, cells[version.indicator.code][ALL])
        for version in work.versions
        if version.kind != COMPOSITE
    }
    return found | _models(blend) | {"refused": None, "figures": figures}


def _models(blend: Blend) -> dict[str, Any]:
    """The two models: what they know of people, how far they reach, how they balance."""
    return {
        "covariates": [
            {"name": c.name, "groups": [list(group) for group in c.groups]} for c in blend.covariates
        ],
        "places": blend.n_places,
        "overlap": vars(blend.overlap),
        "balance": blend.balance_rows(),
        "replicates": blend.samples.repetitions,
        "failed": int((~blend.participation.converged[1:]).sum()),
    }


def covariates_of(work: Work, sample: Sample, counted: np.ndarray) -> list[Covariate]:
    """What the recipe names and both samples know of people, on the levels of the document's domains."""
    inputs, volunteers = sample.inputs, sample.inputs.volunteers
    answers = {item: values[counted] for item, values in volunteers.answers.items()}
    n = int(counted.sum())
    sex, band = sex_and_band(answers, n, sample.spec["poststratification"])
    schooling = codes_of(answers.get(EDUCATION_ITEM, np.full(n, None, dtype=object)))
    keys = {
        "sex": [f"sex:{value}" for value in sex],
        "age": [f"age:{value}" for value in band],
        "education": [f"education:{value}" for value in schooling],
        DISTRICT: [region_key(path[:6]) for path in volunteers.path[counted]],
    }
    found = []
    for name in sample.spec[SPEC]["covariates"]:
        domains = [domain for domain in work.frame.domains if domain.kind == name]
        if not domains:
            continue
        place = {domain.key: number for number, domain in enumerate(domains)}
        cases = np.full(len(inputs.case_ids), -1)
        for number, domain in enumerate(domains):
            cases[domain.inside] = number
        mine = np.array([place.get(key, -1) for key in keys[name]], dtype=int)
        found.append(Covariate(name, list(place), mine, cases, name in ORDERED))
    return found


def _figures(
    work: Work, blend: Blend, version: IndicatorVersion, counted: np.ndarray, cell: Mapping[str, Any]
) -> dict[str, Any]:
    """One indicator's figures side by side; masked under the floor like everything else."""
    if "suppressed" in cell:
        return {"suppressed": cell["suppressed"]}
    outside = volunteer_values(work.frame.inputs, version, work, counted)
    valid = outside[np.isfinite(outside)]
    if len(valid) < work.frame.floor or valid.min() == valid.max():
        return {"suppressed": MASKED}
    try:
        return {
            "probability": {name: cell[name] for name in ("estimate", "se", "low", "high", "df", "n")}
        } | blend.figures(
            outside,
            work.values(version),
            kind=interval_kind(version),
            scale=LARGEST.get(version.kind, 100.0),
            df=cell["df"],
        )
    except Unblendable as why:
        return {"refused": why.code}


def volunteer_values(
    inputs: Inputs, version: IndicatorVersion, work: Work, counted: np.ndarray
) -> np.ndarray:
    """The indicator of every volunteer that counts."""
    answers = {item: values[counted] for item, values in inputs.volunteers.answers.items()}
    return indicator_values(answers, int(counted.sum()), version, work.wordings)
