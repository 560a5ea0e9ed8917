"""Doubts about a field, its back-checks and its representativeness, from columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.errors import AnalysisError
from analysis.estimation.intervals import clopper_pearson
from analysis.field_quality import (
    Doubts,
    Interviews,
    Limits,
    Standouts,
    interview_doubts,
    standouts,
)
from analysis.followup import GroupDeficit, expected_propensity, group_deficits
from analysis.interviewers import effect_beyond_place
from analysis.interviews import alike_pictures, to_metres

__all__ = [
    "Doubts",
    "GroupDeficit",
    "Interviews",
    "Limits",
    "Standouts",
    "alike_pictures",
    "expected_propensity",
    "group_deficits",
    "interview_doubts",
    "interviewer_effects",
    "match_rate",
    "standouts",
    "to_metres",
]


def match_rate(agreed: int, compared: int) -> dict[str, Any]:
    """Share with exact 95 % interval (Clopper–Pearson): {"n", "share", "low", "high"}; None without any."""
    if not compared:
        return {"n": 0, "share": None, "low": None, "high": None}
    share = agreed / compared
    low, high = clopper_pearson(np.array(share), np.array(float(compared)), 0.05)
    return {"n": compared, "share": share, "low": float(low), "high": float(high)}


def interviewer_effects(
    items: dict[str, Sequence[float]], interviewer: np.ndarray, area: np.ndarray
) -> dict[str, Any]:
    """{item: PlaceFreeEffect}; items that cannot be tested are left out (`effect_beyond_place`)."""
    found = {}
    for name, values in items.items():
        try:
            found[name] = effect_beyond_place(np.asarray(values, dtype=float), interviewer, area)
        except AnalysisError:  # one interviewer in each place, or answers that do not vary
            continue
    return found
