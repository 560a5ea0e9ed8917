"""Keeps what is typed into the sampling wizard, and the forecast made from it."""

from typing import Any

from django.db import transaction

from survey.audit.services import Actor, record
from survey.common.errors import Problem
from survey.sampling.models import PlanDraft
from survey.studies.models import Round

STEPS = ("population", "precision", "design")


def save_plan_answers(*, round: Round, step: str, answers: dict[str, Any], acting_user: Actor) -> PlanDraft:
    """Keep the answers to one step as typed, right or wrong.

    Raises
    ------
    KeyError : no such step. Problem common.locked : the round is closed.
    """
    if step not in STEPS:
        raise KeyError(f"no such step of the plan: {step}")
    with transaction.atomic():
        draft = _draft(round, acting_user)
        if draft.answers.get(step) != answers:
            draft.answers = {**draft.answers, step: answers}
            draft.save()
            record(
                action="sampling.plan.saved",
                acting_user=acting_user,
                target=draft,
                region_code=round.study.region.code,
                detail={"step": step},
            )
    return draft


def save_forecast(*, round: Round, key: str, result: dict[str, Any], acting_user: Actor) -> PlanDraft:
    """Keep a forecast under the key of the plan that it was made from."""
    with transaction.atomic():
        draft = _draft(round, acting_user)
        draft.forecast = {**result, "key": key}
        draft.save(update_fields=["forecast", "updated_at"])
        record(
            action="sampling.plan.forecast",
            acting_user=acting_user,
            target=draft,
            region_code=round.study.region.code,
            detail={"key": key},
        )
    return draft


def _draft(round_: Round, acting_user: Actor) -> PlanDraft:
    if Round.objects.select_for_update().get(pk=round_.pk).state == Round.State.CLOSED:
        raise Problem("common.locked", what=str(round_))
    draft, _made = PlanDraft.objects.get_or_create(round=round_)
    draft.updated_by_id = acting_user.pk or None
    return draft
