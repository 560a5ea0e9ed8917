"""Quotas of a volunteer sample: exact, however many phones hand in at the same moment.

A drawn sample has no quotas: every household that was drawn is to be asked. `pin_round` and `create_design`
see to it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import F

from survey.common.errors import Problem
from survey.questionnaires.document import Document, text_in
from survey.questionnaires.logic import Run
from survey.responses.models import QuotaCount
from survey.studies.models import Round


def take_quotas(
    *, round: Round, document: Document, answers: Mapping[str, Any], mode: str, language: str, at: datetime
) -> None:
    """Count one volunteer's answers in every quota that they fall into. Inside the caller's transaction: a
    refusal, or whatever fails later, takes all counts back.

    Raises
    ------
    Problem responses.quota_full : in the author's own words, where there are some.
    """
    quotas = document.get("quotas", [])
    if not quotas:
        return
    run = Run(document, answers, mode, at, language, defaults=False)
    # In the order of names, so that two at once never wait for each other.
    for quota in sorted(quotas, key=lambda each: each["name"]):
        if not run.holds(quota.get("where"), True):
            continue
        counts = QuotaCount.objects.filter(round=round, name=quota["name"])
        QuotaCount.objects.bulk_create([QuotaCount(round=round, name=quota["name"])], ignore_conflicts=True)
        if not counts.filter(taken__lt=quota["limit"]).update(taken=F("taken") + 1):
            if words := text_in(quota.get("full_text"), language, document):
                raise Problem("responses.quota_full", reason=words)
            raise Problem("responses.quota_closed")


def give_back(
    *, round: Round, document: Document, answers: Mapping[str, Any], mode: str, at: datetime
) -> None:
    """Take a withdrawn volunteer's answers out of the counts. Inside the caller's transaction."""
    quotas = document.get("quotas", [])
    if not quotas:
        return
    run = Run(document, answers, mode, at, defaults=False)
    for quota in sorted(quotas, key=lambda each: each["name"]):
        if run.holds(quota.get("where"), True):
            QuotaCount.objects.filter(round=round, name=quota["name"], taken__gt=0).update(
                taken=F("taken") - 1
            )
