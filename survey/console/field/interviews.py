"""Interviews at the door: what to review, one interview with its history, and the supervisor's word."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.console.field.board import shown
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.fieldwork import board
from survey.fieldwork.door import PRESENT
from survey.fieldwork.models import Review
from survey.fieldwork.services import review_response
from survey.questionnaires.document import items_of, text_in
from survey.responses.models import Response
from survey.studies.models import Round

FILTERS = ("waiting", "returned", "approved", "rejected")


def interviews_of(request: HttpRequest, round_: Round) -> QuerySet[Response]:
    """The round's newest interviews at the door that the supervisor may see."""
    return (
        Response.objects.visible_to(request.user)
        .filter(round=round_, mode=Response.Mode.DOOR, superseded_by__isnull=True, case__isnull=False)
        .exclude(state=Response.State.WITHDRAWN)
        .select_related("case", "region", "interviewer")
        .order_by("-received_at")
    )


@allowed("fieldwork.manage")
def interviews(request: HttpRequest, pk: int) -> HttpResponse:
    """Those nobody has looked at yet; or returned, approved, rejected."""
    round_ = team_round(request.user, pk)
    wanted = request.GET.get("show", "waiting")
    wanted = wanted if wanted in FILTERS else "waiting"
    said = Review.objects.filter(response=OuterRef("pk"))
    rows = interviews_of(request, round_)
    if wanted == "waiting":
        rows = rows.filter(~Exists(said), state=Response.State.ACCEPTED)
    elif wanted == "returned":
        rows = rows.filter(Exists(said.filter(verdict="returned", answered_at__isnull=True)))
    elif wanted == "approved":
        rows = rows.filter(Exists(said.filter(verdict="approved")), state=Response.State.ACCEPTED)
    else:
        rows = rows.filter(state=Response.State.REJECTED)
    names = {
        "waiting": _("还没看过"),
        "returned": _("退回中"),
        "approved": _("通过的"),
        "rejected": _("作废的"),
    }
    return render_step(
        request,
        "field/interviews.html",
        round_,
        "fieldwork",
        page=paged(request, rows),
        filters=[(key, names[key]) for key in FILTERS],
        wanted=wanted,
    )


@allowed("fieldwork.manage")
def interview(request: HttpRequest, pk: int, response_id: UUID) -> HttpResponse:
    """One interview: who, when, how long, its doubts, what was asked, and every word said about it."""
    round_ = team_round(request.user, pk)
    found = one_of(interviews_of(request, round_), pk=response_id)
    mine = board.open_flags(round_, request.user)
    about = [flag for flag in mine if _mentions(flag, str(found.pk))]
    return render_step(
        request,
        "field/interview.html",
        round_,
        "fieldwork",
        response=found,
        minutes=_minutes(found),
        present=[gettext(PRESENT[one]) for one in found.paradata.get("present", []) if one in PRESENT],
        flags=[shown(flag) for flag in about],
        reviews=found.reviews.select_related("reviewed_by"),
        items=_items(found),
        earlier=Response.objects.filter(superseded_by=found).first(),
        check=found.backchecks.first(),
    )


def _mentions(flag: Any, response: str) -> bool:
    listed = {one.get("response") for one in flag.evidence.get("interviews", [])}
    return str(flag.response_id) == response or response in listed


def _minutes(found: Response) -> float | None:
    items = found.paradata.get("items")
    if not isinstance(items, dict):
        return None
    seconds = sum(one.get("s", 0) for one in items.values() if isinstance(one, dict))
    return seconds / 60 if seconds else None


def _items(found: Response) -> list[dict[str, str]]:
    """Items that were asked, to be pointed at; answers are for the analysts, not needed to send one back."""
    document = found.questionnaire_version.document
    language = document["default_language"]
    texts = {item["name"]: text_in(item["label"], language, document) for item in items_of(document)}
    return [{"name": name, "text": texts[name]} for name in found.path if name in texts]


@allowed("fieldwork.manage")
@require_POST
def review(request: HttpRequest, pk: int, response_id: UUID) -> HttpResponse:
    """Approve, return with a comment, or reject."""
    round_ = team_round(request.user, pk)
    found = one_of(interviews_of(request, round_), pk=response_id)
    said = review_response(
        response=found,
        verdict=request.POST.get("verdict", ""),
        comment=request.POST.get("comment", ""),
        items=request.POST.getlist("items"),
        acting_user=request.user,
    )
    words = {
        Review.Verdict.APPROVED: _("通过了。"),
        Review.Verdict.RETURNED: _("退回给访员了，他下次同步就能看到您写的。"),
        Review.Verdict.REJECTED: _("作废了，这一户要重新访。"),
    }
    messages.success(request, words[Review.Verdict(said.verdict)])
    return redirect("console:field_interviews", pk=pk)
