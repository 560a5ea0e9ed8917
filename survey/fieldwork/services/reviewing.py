"""A supervisor's word on an interview: approved, returned with a comment, or rejected. All of it stays."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.services import void_interviews
from survey.fieldwork.models import Review
from survey.responses.models import Response
from survey.sampling.models import Case
from survey.studies.models import Round

Verdict = Review.Verdict
LONGEST_COMMENT = 500


def review_response(
    *, response: Response, verdict: str, comment: str, acting_user: User, items: Iterable[str] = ()
) -> Review:
    """Approve an interview, return it to its interviewer, or reject it.

    A returned interview still counts; the interviewer's app gets comment and items at the next pull and sends
    the next revision. A rejected one counts no more: the household is open again, and the interview stays.

    Parameters
    ----------
    items : names of the items to look at again, among those the interview holds.

    Raises
    ------
    Problem common.forbidden : no supervisor where the household is.
    Problem common.invalid : no comment with a return or a rejection, an unknown item, a web answer returned.
    Problem fieldwork.not_reviewable : it was corrected, withdrawn or rejected already; the field is closed.
    """
    require(acting_user, "fieldwork.manage", response.region)
    comment, names = comment.strip()[:LONGEST_COMMENT], sorted(set(items))
    if verdict not in Verdict.values:
        raise Problem("common.invalid", reason=_("请选通过、退回修改或作废"))
    if verdict != Verdict.APPROVED and not comment:
        raise Problem("common.invalid", reason=_("请写明要改什么，或为什么作废"))
    if set(names) - set(response.path):
        raise Problem("common.invalid", reason=_("有一题不在这份答卷里"))
    with transaction.atomic():
        locked = Response.objects.select_for_update().get(pk=response.pk)
        _require_reviewable(locked, verdict)
        if verdict != Verdict.RETURNED:  # what was asked before is settled with it
            Review.objects.waiting().filter(response=locked).update(answered_at=now())
        review = Review.objects.create(
            response=locked,
            verdict=verdict,
            comment=comment,
            items=names,
            reviewed_at=now(),
            reviewed_by=acting_user,
        )
        if verdict == Verdict.REJECTED:
            _reject(locked, acting_user)
        record(
            action=f"fieldwork.response.{verdict}",
            acting_user=acting_user,
            target=locked,
            region_code=locked.region.code,
            detail={"n_items": len(names)},
        )
    response.refresh_from_db()
    return review


def _require_reviewable(response: Response, verdict: str) -> None:
    if response.state != Response.State.ACCEPTED or response.superseded_by_id is not None:
        raise Problem("fieldwork.not_reviewable", reason=_("它已经改过、撤回或作废"))
    if verdict == Verdict.APPROVED:
        return
    if response.round.state != Round.State.OPEN:
        raise Problem("fieldwork.not_reviewable", reason=_("收卷已经结束"))
    if verdict == Verdict.RETURNED and response.interviewer_id is None:
        raise Problem("common.invalid", reason=_("居民自己在网上答的，不能退给访员"))


def _reject(response: Response, acting_user: User) -> None:
    """Out of the count, and the household back to those still to be asked."""
    Response.objects.filter(pk=response.pk).update(state=Response.State.REJECTED)
    if response.case is None:
        return
    case = Case.objects.select_for_update().get(pk=response.case.pk)
    void_interviews(
        case=case,
        mode="door" if response.mode == Response.Mode.DOOR else "web",
        disposition="",
        detail={"rejected": str(response.pk)},
        by_user_id=acting_user.pk,
    )
