"""Answers to a person's value of an indicator: 0–100 points, or 0–1 for a share; NaN without an opinion."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from django.utils.translation import gettext as _

from analysis.scores import CompositeIndex, ScoringRule
from survey.common.errors import Problem
from survey.stats.refusals import refusals

MEAN_SCORE, SHARE = "mean_score", "share"


def code_text(value: Any) -> str | None:
    """An answer's code as text: 5, 5.0 and "5" are one code; None stays None.

    Raises Problem stats.impossible for several choices at once, which have no single score.
    """
    if value is None:
        return None
    if isinstance(value, list | dict):
        raise Problem("stats.impossible", step=_("计分"), reason=_("多选题不能直接计分"))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def codes_of(answers: np.ndarray) -> np.ndarray:
    """`code_text` of each answer, object ndarray of the same shape; each distinct answer is read once."""
    try:
        places, distinct = pd.factorize(answers)
    except TypeError:  # several choices at once cannot be told apart by their hash
        return np.array([code_text(value) for value in answers], dtype=object)
    texts = np.array([*(code_text(_plain(value)) for value in distinct), None], dtype=object)
    return texts[places]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def worth(codes: np.ndarray, value_of: Callable[[str | None], float]) -> np.ndarray:
    """`value_of` each code (None without an answer), float ndarray; each distinct code is asked for once."""
    places, distinct = pd.factorize(codes)
    return np.array([*(value_of(code) for code in distinct), value_of(None)], dtype=float)[places]


def person_values(
    answers: Mapping[str, np.ndarray], definition: Mapping[str, Any], kind: str, missing_codes: Sequence[str]
) -> np.ndarray:
    """One value per row by an indicator's definition.

    Parameters
    ----------
    answers : {item: codes as text, None without an answer}, shape (n,) each; an item nobody was asked may be
        absent
    definition : as `indicators.services.check_definition` describes
    kind : "mean_score" (points, mean over the valid items) or "share" (1 for a code of `top_codes`, mean over
        the valid items)
    missing_codes : codes of don't-know, refusal and the like. They have no points; a share leaves them out
        of its denominator unless the definition's own `excluded_codes` says otherwise (in a knowledge item
        不知道 is a wrong answer).
    """
    own = definition.get("excluded_codes")
    excluded = set(missing_codes) if own is None else {str(code) for code in own}
    if kind != SHARE:
        excluded |= set(missing_codes)
    top = {str(code) for code in definition.get("top_codes", [])}
    n = len(next(iter(answers.values()))) if answers else 0
    scores = {}
    weights = {}
    with refusals(_("计分")):
        for item in definition["items"]:
            name = item["name"]
            codes = answers.get(name, np.full(n, None, dtype=object))
            weights[name] = float(item.get("weight", 1.0))
            if kind == SHARE:
                scores[name] = _in_top(codes, top, excluded)
            else:
                points = {str(code): float(value) for code, value in item["points"].items()}
                rule = ScoringRule(name, points, tuple(sorted(excluded - set(points))))
                places, distinct = pd.factorize(codes)
                scores[name] = np.append(rule.score(np.asarray(distinct, dtype=object)), np.nan)[places]
        if len(scores) == 1:
            return next(iter(scores.values()))
        index = CompositeIndex("indicator", weights, definition.get("min_valid", 1))
        return index.compute(scores)


def _in_top(codes: np.ndarray, top: set[str], excluded: set[str]) -> np.ndarray:
    def value(code: str | None) -> float:
        if code is None or (code in excluded and code not in top):
            return float("nan")
        return float(code in top)

    return worth(codes, value)
