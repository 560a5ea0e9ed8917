"""What each indicator and item is worth for every case: numbers, NaN where there is no valid answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from survey.indicators.models import IndicatorVersion
from survey.reports.inputs import Inputs
from survey.reports.wording import Wording
from survey.stats.estimates import MEAN, SHARE
from survey.stats.scores import codes_of, person_values, worth

Answers = Mapping[str, np.ndarray]


def interval_kind(version: IndicatorVersion) -> str:
    """A share of one item is a proportion; everything else, shares over several items included, is a mean."""
    single = len(version.definition.get("items", [])) == 1
    return SHARE if version.kind == IndicatorVersion.Kind.SHARE and single else MEAN


def indicator_values(
    answers: Answers, n: int, version: IndicatorVersion, wordings: Mapping[str, Wording]
) -> np.ndarray:
    """The indicator's value of each row, shape (n,); `answers` are those stored."""
    names = [item["name"] for item in version.definition["items"]]
    empty = np.full(n, None, dtype=object)
    codes = {name: codes_of(answers.get(name, empty)) for name in names}
    missing = sorted({code for name in names if name in wordings for code in wordings[name].missing})
    return person_values(codes, version.definition, version.kind, missing)


def case_values(inputs: Inputs, version: IndicatorVersion, wordings: Mapping[str, Wording]) -> np.ndarray:
    """The same for every released case."""
    return indicator_values(inputs.answers, len(inputs.case_ids), version, wordings)


def driver_values(
    inputs: Inputs, versions: Sequence[IndicatorVersion], wordings: Mapping[str, Wording]
) -> tuple[str, str, dict[str, np.ndarray]] | None:
    """What can be explained by what: (indicator, outcome item, {item: scores}), the outcome included.

    The score with the most items gives them; the outcome is the item that another indicator uses alone (总体
    满意度), and the others are its drivers. None where no score has an overall item and two others.
    """
    alone = {
        version.definition["items"][0]["name"]
        for version in versions
        if len(version.definition.get("items", [])) == 1
    }
    scores = [v for v in versions if v.kind == IndicatorVersion.Kind.MEAN_SCORE]
    for version in sorted(scores, key=lambda v: -len(v.definition["items"])):
        names = [item["name"] for item in version.definition["items"]]
        overall = [name for name in names if name in alone]
        if len(names) < 3 or not overall:
            continue
        found = {}
        for item in version.definition["items"]:
            definition = {"items": [item], "min_valid": 1}
            codes = {item["name"]: codes_of(_column(inputs, item["name"]))}
            missing = sorted(wordings[item["name"]].missing) if item["name"] in wordings else []
            found[item["name"]] = person_values(codes, definition, IndicatorVersion.Kind.MEAN_SCORE, missing)
        return version.indicator.code, overall[-1], found
    return None


def _column(inputs: Inputs, name: str) -> np.ndarray:
    return inputs.answers.get(name, np.full(len(inputs.case_ids), None, dtype=object))


def item_columns(
    inputs: Inputs, wording: Wording, levels: Sequence[str], top: Sequence[str]
) -> dict[str, Any]:
    """0/1 columns of an item: {"level:…": among valid answers, "top", "dont_know": among those asked}."""
    codes = codes_of(_column(inputs, wording.name))
    unsure = {code for code, kind in wording.missing.items() if kind == "dont_know"}
    known, chosen = set(levels), set(top)
    nothing = float("nan")

    def among_valid(counted: set[str]) -> np.ndarray:
        return worth(codes, lambda code: float(code in counted) if code in known else nothing)

    columns = {f"level:{code}": among_valid({code}) for code in levels}
    if top:
        columns["top"] = among_valid(chosen)
    columns["dont_know"] = worth(codes, lambda code: nothing if code is None else float(code in unsure))
    return columns
