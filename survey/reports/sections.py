"""The sections of the document that hold no figure: the study, the questionnaire, the design, the weights."""

from collections.abc import Mapping, Sequence
from typing import Any

from survey.indicators.models import IndicatorVersion
from survey.reports.document import FORMAT
from survey.reports.domains import ALL
from survey.reports.estimation import Frame
from survey.reports.inputs import Inputs, drawn
from survey.reports.models import SimulatedTruth
from survey.reports.previous import Sample
from survey.reports.wording import Wording, read_wording
from survey.responses.open_texts import theme_frame
from survey.responses.volunteers import THRESHOLDS
from survey.stats.rates import outcome_rates
from survey.stats.weight_diagnostics import diagnostics_of
from survey.stats.weights import Weighted
from survey.studies.models import Round


def facts_of(
    round: Round,
    frame: Frame,
    versions: Sequence[IndicatorVersion],
    wordings: Mapping[str, Wording],
    sample: Sample,
    margins: list[dict[str, Any]],
    snapshot: dict[str, Any],
) -> dict[str, Any]:
    """What is no figure: the study, the questionnaire, the design, the weights."""
    return {
        "format": FORMAT,
        "study": _study(round),
        "round": _round(round),
        "simulated": round.is_simulated,
        "floor": round.small_cell_floor,
        "snapshot": snapshot,
        "domains": [domain.entry() for domain in frame.domains],
        "indicators": [indicator_entry(version) for version in versions],
        "items": {name: wording.entry() for name, wording in wordings.items()} | _open_items(round, wordings),
        "response": _response(sample.inputs),
        "design": _design(round, frame),
        "weights": {"spec": sample.spec, "margins": margins} | _weights(sample.weighted),
        "truth": _truth(round),
    }


def _open_items(round: Round, wordings: Mapping[str, Wording]) -> dict[str, Any]:
    """Wording of the open items whose themes are told, where no indicator uses them."""
    document = round.questionnaire_version.document
    found = {name: read_wording(document, name) for name in theme_frame(round) if name not in wordings}
    return {name: wording.entry() for name, wording in sorted(found.items()) if wording is not None}


def wordings_of(round: Round, versions: Sequence[IndicatorVersion]) -> dict[str, Wording]:
    """Wording of every item that a pinned indicator uses, in the indicators' order."""
    document = round.questionnaire_version.document
    found: dict[str, Wording] = {}
    for version in versions:
        for item in version.definition.get("items", []):
            wording = None if item["name"] in found else read_wording(document, item["name"])
            if wording is not None:
                found[item["name"]] = wording
    return found


def top_codes(versions: Sequence[IndicatorVersion], wording: Wording) -> list[str]:
    """The answers of an item that a share counts, from the first pinned share that uses it alone."""
    for version in versions:
        items = [item["name"] for item in version.definition.get("items", [])]
        if version.kind == IndicatorVersion.Kind.SHARE and wording.name in items:
            return [str(code) for code in version.definition["top_codes"]]
    return []


def levels_of(versions: Sequence[IndicatorVersion], wording: Wording) -> tuple[list[str], bool]:
    """The answers of an item from worst to best where a score orders them, else as shown; and which it is."""
    codes = [code for code, _ in wording.choices]
    for version in versions:
        if version.kind != IndicatorVersion.Kind.MEAN_SCORE:
            continue
        for item in version.definition["items"]:
            if item["name"] == wording.name:
                points = {str(code): value for code, value in item["points"].items()}
                return sorted(codes, key=lambda code: points.get(code, 0.0)), True
    return codes, False


def _study(round: Round) -> dict[str, Any]:
    study = round.study
    return {
        "title": study.title,
        "sponsor": study.sponsor,
        "purpose": study.purpose,
        "contact": study.contact_phone,
        "approval": "、".join(text for text in (study.approving_body, study.approval_number) if text),
        "population": study.population,
        "min_age": study.min_age,
        "region": study.region.code,
    }


def _round(round: Round) -> dict[str, Any]:
    version = round.questionnaire_version
    return {
        "name": round.name,
        "number": round.number,
        "modes": sorted(round.modes),
        "opens_on": round.opens_on.isoformat() if round.opens_on else None,
        "closes_on": round.closes_on.isoformat() if round.closes_on else None,
        "collecting": round.state == Round.State.OPEN,  # an interim result: readers are told
        "questionnaire": {
            "title": version.questionnaire.title,
            "number": version.number,
            "hash": version.document_hash,
        },
    }


def indicator_entry(version: IndicatorVersion) -> dict[str, Any]:
    return {
        "code": version.indicator.code,
        "name": version.indicator.name,
        "kind": version.kind,
        "version": version.number,
        "definition": version.definition,
        "hash": version.definition_hash,
        "target": version.target,
    }


def _response(inputs: Inputs) -> dict[str, Any]:
    found = outcome_rates(inputs.outcome_counts)
    return {
        "cases": len(inputs.case_ids),
        "responses": int(inputs.responded.sum()),
        "volunteers": inputs.n_volunteer,
        "volunteers_flagged": int(inputs.volunteers.flagged.sum()),
        "volunteer_rule": THRESHOLDS,
        "modes": inputs.modes,
        "first_on": inputs.first_on,
        "last_on": inputs.last_on,
        "outcomes": found["counts"],
        "e": found["e"],
        "rates": {
            name: found["rates"][name] for name in ("RR1", "RR2", "RR3", "RR4", "COOP1", "REF1", "CON1")
        },
    }


def _design(round: Round, frame: Frame) -> dict[str, Any]:
    draw = drawn(round)
    inputs = frame.inputs
    thin = [key for key, psus in frame.sampled_psus.items() if psus < frame.min_psus]
    return {
        "frame": {
            "name": draw.design.frame.name,
            "number": draw.design.frame.number,
            "hash": draw.design.frame.frame_hash,
            "households": draw.design.frame.n_households,
            "communities": draw.design.frame.n_communities,
        },
        "algorithm": draw.algorithm,
        "spec_hash": draw.design.spec_hash,
        "commitment_hash": draw.commitment_hash,
        "result_hash": draw.result_hash,
        "strata": len(set(inputs.stratum)),
        "communities": len({path[:12] for path in inputs.path}),
        "certainty_communities": len({path[:12] for path in inputs.path[inputs.certainty]}),
        "households": len(inputs.case_ids),
        "pooled_streets": thin,
    }


def _weights(weighted: Weighted) -> dict[str, Any]:
    return {
        "classes": weighted.classes,
        "cells": weighted.cells,
        "steps": weighted.steps,
        "sum": float(weighted.weights.sum()),
        "diagnostics": diagnostics_of(weighted),
    }


def _truth(round: Round) -> dict[str, Any] | None:
    """True figures by indicator and domain of a simulated round; a real one has none, whatever is stored.

    The whole scope stands under the study's region, or under "all" where the scope is only a part of it.
    """
    truth = SimulatedTruth.objects.filter(round=round).first() if round.is_simulated else None
    if truth is None:
        return None
    found = {}
    for code, values in truth.values.items():
        whole = values.get(ALL, values.get(round.study.region.code))
        found[code] = values | ({ALL: whole} if whole is not None else {})
    return found
