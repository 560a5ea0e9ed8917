"""Leaving a door for good by the round's rules, and closing the field with its outcome frozen."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import may, require
from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.services import final_disposition
from survey.fieldwork.models import Assignment, DoorClosing, FieldOutcome
from survey.fieldwork.outcome import read_outcome
from survey.fieldwork.queries import cases_of
from survey.fieldwork.rules import attempts_of, rules_of
from survey.sampling.models import Case
from survey.studies.models import Round
from survey.studies.services import close_round


def close_door(*, case: Case, acting_user: User, reason: str = "") -> DoorClosing:
    """Leave a door without an interview.

    By the rules (enough visits, enough of them outside office hours) the interviewer himself may; before
    that only a supervisor, with a reason, e.g. danger.

    Raises
    ------
    Problem fieldwork.too_few_attempts : the rules are not met, and it is not a supervisor with a reason.
    Problem fieldwork.not_assigned : an interviewer's, of a case that is not his.
    Problem common.invalid : the door is closed already.
    """
    supervises = may(acting_user, "fieldwork.manage", case.community)
    if not supervises and not cases_of(acting_user).filter(pk=case.pk).exists():
        raise Problem("fieldwork.not_assigned")
    rules = rules_of(case.round)
    attempts = attempts_of([case], rules)[case.pk]
    if not attempts.may_close and not (supervises and reason.strip()):
        raise Problem(
            "fieldwork.too_few_attempts", missing=attempts.missing, off_hours=attempts.missing_off_hours
        )
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case.pk)
        if case.door_closings.filter(reopened_at__isnull=True).exists():
            raise Problem("common.invalid", reason=_("这一户已经结束，不用再去"))
        closing = DoorClosing.objects.create(
            case=case,
            disposition=final_disposition(case).code,
            attempts=attempts.made,
            off_hours=attempts.off_hours,
            reason=reason.strip()[:200],
            closed_at=now(),
            closed_by=acting_user,
        )
        record(
            action="fieldwork.door.closed",
            acting_user=acting_user,
            target=closing,
            region_code=case.community.code,
            detail={
                "case": case.number,
                "disposition": closing.disposition,
                "attempts": attempts.made,
                "off_hours": attempts.off_hours,
                "by_rule": attempts.may_close,
            },
        )
    return closing


def reopen_door(*, case: Case, reason: str, acting_user: User) -> None:
    """Take a closed door up again, with a reason."""
    require(acting_user, "fieldwork.manage", case.community)
    if not reason.strip():
        raise Problem("common.invalid", reason=_("请写明为什么再去"))
    with transaction.atomic():
        closing = case.door_closings.select_for_update().filter(reopened_at__isnull=True).first()
        if closing is None:
            raise Problem("common.invalid", reason=_("这一户没有结束"))
        closing.reopened_at = now()
        closing.save(update_fields=["reopened_at"])
        record(
            action="fieldwork.door.reopened",
            acting_user=acting_user,
            target=closing,
            region_code=case.community.code,
            detail={"case": case.number, "reason": reason.strip()[:200]},
        )


def close_field(*, round: Round, acting_user: Actor) -> FieldOutcome:
    """Close the round, end every assignment, and freeze the outcome rates as they stand then. Safe to repeat.

    Raises
    ------
    Problem study.not_ready : the field was never open.
    """
    if isinstance(acting_user, User):
        require(acting_user, "fieldwork.close", round.study.region)
    with transaction.atomic():
        close_round(round=round, acting_user=acting_user)
        frozen = FieldOutcome.objects.filter(round=round).first()
        if frozen is not None:
            return frozen
        active = Assignment.objects.filter(case__round=round, ended_at__isnull=True)
        n_ended = active.update(ended_at=now())
        outcome: dict[str, Any] = read_outcome(round)
        frozen = FieldOutcome.objects.create(
            round=round,
            outcome=outcome,
            outcome_hash=sha256_of(outcome),
            frozen_at=now(),
            frozen_by_id=acting_user.pk or None,
        )
        record(
            action="fieldwork.field.closed",
            acting_user=acting_user,
            target=frozen,
            region_code=round.study.region.code,
            detail={"hash": frozen.outcome_hash, "counts": outcome["counts"], "n_ended": n_ended},
        )
    return frozen
