"""The list of where the next visit matters most: rule and classes are frozen before the field opens."""

from collections import Counter
from typing import Any

import numpy as np
from django.db import transaction

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.fieldwork.models import CasePriority, PriorityList
from survey.fieldwork.past_response import coming_columns, past_columns
from survey.stats.field_quality import expected_propensity
from survey.studies.models import Round

ALGORITHM = "minyi-followup-1"
CLASSES = (1 / 3, 2 / 3)  # quantiles of the expected response: class 1 is the third least likely to answer
NO_PAST = 0.5  # without a closed round of this study nothing tells cases apart


def freeze_priorities(*, round: Round, acting_user: User) -> PriorityList:
    """Compute each case's expected response and class, and freeze them with the rule.

    From the frame and from who responded in the study's closed rounds; no answer is read. Twice is the same
    list.

    Raises
    ------
    Problem fieldwork.priorities_frozen : the field has opened without a list.
    """
    require(acting_user, "fieldwork.manage", round.study.region)
    with transaction.atomic():
        locked = Round.objects.select_for_update().get(pk=round.pk)
        existing = PriorityList.objects.filter(round=locked).first()
        if existing is not None:
            return existing
        if locked.state != Round.State.DRAFT:
            raise Problem("fieldwork.priorities_frozen")
        cases, columns = coming_columns(locked)
        past, responded = past_columns(locked)
        if len(responded):
            expected = expected_propensity(past, responded, columns)
        else:
            expected = np.full(len(cases), NO_PAST)
        classes = _classes(expected)
        rule = {
            "algorithm": ALGORITHM,
            "columns": list(columns),
            "n_past": len(responded),
            "past_rate": float(np.mean(responded)) if len(responded) else None,
            "quantiles": list(CLASSES),
            "order": ["deficit of the street", "priority class", "visits made", "case number"],
            "n_by_class": {str(k): n for k, n in sorted(Counter(classes).items())},
        }
        listed = [
            [case.number, round_(p), one] for case, p, one in zip(cases, expected, classes, strict=True)
        ]
        made = PriorityList.objects.create(
            round=locked,
            rule=rule,
            list_hash=sha256_of({"rule": rule, "cases": listed}),
            frozen_at=now(),
            frozen_by=acting_user,
        )
        CasePriority.objects.bulk_create(
            (
                CasePriority(list=made, case=case, propensity=float(p), group=street, priority_class=one)
                for case, p, street, one in zip(cases, expected, columns["street"], classes, strict=True)
            ),
            batch_size=1000,
        )
        record(
            action="fieldwork.priorities.frozen",
            acting_user=acting_user,
            target=made,
            region_code=locked.study.region.code,
            detail={"hash": made.list_hash, "n_cases": len(cases), "n_past": len(responded)},
        )
    return made


def round_(value: Any) -> str:
    """Six decimals: what the hash covers does not depend on the last bit of a float."""
    return f"{float(value):.6f}"


def _classes(expected: np.ndarray) -> list[int]:
    if not len(expected):
        return []
    low, high = np.quantile(expected, CLASSES)
    if high - low < 1e-12:  # nobody differs
        return [2] * len(expected)
    return [1 if p <= low else 2 if p <= high else 3 for p in expected]
