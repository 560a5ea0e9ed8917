"""Interviewers: who holds what, who needs help; handing out by load; where the next visit matters most."""

import base64
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from survey.accounts.access import allowed
from survey.accounts.models import User
from survey.accounts.policies import require
from survey.common.errors import Problem
from survey.console.page import render_step
from survey.console.rows import one_of, team_round
from survey.contacts.queries import drawn_cases
from survey.contacts.services import final_disposition
from survey.fieldwork import board
from survey.fieldwork.queries import door_of, interviewers_for
from survey.fieldwork.rules import attempts_of, rules_of
from survey.fieldwork.services import (
    assign_by_load,
    assign_cases,
    close_door,
    door_pictures,
    read_door_picture,
    reopen_door,
    try_refusal_again,
    write_safety_note,
)
from survey.regions.models import Region
from survey.sampling.models import Case
from survey.studies.models import Round

SHOWN_STREETS = 5


@allowed("fieldwork.manage")
def people(request: HttpRequest, pk: int) -> HttpResponse:
    """Every interviewer's load and work, and the doors to go to first."""
    round_ = team_round(request.user, pk)
    return render_step(
        request,
        "field/people.html",
        round_,
        "fieldwork",
        workers=board.workers(round_, request.user),
        next_visits=board.next_visits(round_, request.user, most=20),
        evenness=_evenness(round_),
        rules=rules_of(round_),
    )


def _evenness(round_: Round) -> dict[str, Any] | None:
    """R of response by street, and the streets that pull it down most; None before anybody answered."""
    found = board.deficits(round_)
    if found is None:
        return None
    names = dict(Region.objects.filter(path__in=found.groups.tolist()).values_list("path", "name"))
    rows = [
        {"name": names.get(path, path), "rate": rate, "n": n, "contribution": part}
        for path, rate, n, part in zip(
            found.groups.tolist(), found.rate, found.n_cases, found.contribution, strict=True
        )
        if part < 0
    ]
    rows.sort(key=lambda row: row["contribution"])
    return {"r": found.r, "overall": found.overall, "behind": rows[:SHOWN_STREETS]}


@allowed("fieldwork.manage")
@require_POST
def hand_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand out every free case by grid and load."""
    round_ = team_round(request.user, pk)
    done = assign_by_load(round=round_, acting_user=request.user)
    messages.success(request, _("派了 %(n)s 户，路线排好了。") % {"n": done["assigned"]})
    if done["left"]:
        messages.warning(
            request,
            _("还有 %(n)s 户没有派：那里没有访员，或者每人在一个社区的上限满了。") % {"n": done["left"]},
        )
    return redirect("console:field_people", pk=pk)


@allowed("fieldwork.manage")
@require_POST
def find(request: HttpRequest, pk: int) -> HttpResponse:
    """To a household's page by its number."""
    round_ = team_round(request.user, pk)
    mine = drawn_cases(round_).filter(pk__in=Case.objects.visible_to(request.user).values("pk"))
    case = mine.filter(number=request.POST.get("number", "").strip()).first()
    if case is None:
        messages.warning(request, _("没有这个户号，或者不在您负责的地方。"))
        return redirect("console:field_people", pk=pk)
    return redirect("console:field_door", pk=pk, opaque_id=case.opaque_id)


@allowed("fieldwork.manage")
def door(request: HttpRequest, pk: int, opaque_id: UUID) -> HttpResponse:
    """One household: every visit, what the rules still ask, and what can be done. No address: not needed."""
    round_ = team_round(request.user, pk)
    case = _case(request, pk, opaque_id)
    return render_step(
        request,
        "field/door.html",
        round_,
        "fieldwork",
        case=case,
        door=door_of(case),
        final=final_disposition(case),
        attempts=attempts_of([case], rules_of(round_))[case.pk],
        rules=rules_of(round_),
        closing=case.door_closings.filter(reopened_at__isnull=True).first(),
        held=case.assignments.filter(ended_at__isnull=True).select_related("interviewer").first(),
        interviewers=interviewers_for(case.community),
        pictures=door_pictures(case),
    )


@allowed("fieldwork.manage")
@require_safe
def picture(request: HttpRequest, pk: int, opaque_id: UUID, picture_id: UUID) -> HttpResponse:
    """One picture of the door, by itself: it is opened when somebody asks to see it, and that is noted.

    The picture is in the page, so that no address gives it out and no cache keeps it.
    """
    case = _case(request, pk, opaque_id)
    content, kind = read_door_picture(case=case, picture_id=picture_id, acting_user=request.user)
    reply = render_step(
        request,
        "field/picture.html",
        team_round(request.user, pk),
        "fieldwork",
        case=case,
        kind=kind,
        picture=base64.b64encode(content).decode(),
    )
    reply["Cache-Control"] = "no-store"
    return reply


@allowed("fieldwork.manage")
@require_POST
def act(request: HttpRequest, pk: int, opaque_id: UUID) -> HttpResponse:
    """Close or reopen a door, hand it to somebody else, try a refusal again, leave a safety note."""
    case = _case(request, pk, opaque_id)
    require(request.user, "fieldwork.manage", case.community)
    deed, reason = request.POST.get("do", ""), request.POST.get("reason", "")
    if deed == "close":
        close_door(case=case, acting_user=request.user, reason=reason)
    elif deed == "reopen":
        reopen_door(case=case, reason=reason, acting_user=request.user)
    elif deed == "safety":
        write_safety_note(case=case, text=reason, acting_user=request.user)
    elif deed in ("give", "again"):
        who = User.objects.filter(pk=_pk(request.POST.get("interviewer", "")), is_active=True).first()
        if who is None:
            raise Problem("common.invalid", reason=_("请选一位访员"))
        if deed == "again":
            try_refusal_again(case=case, interviewer=who, reason=reason, acting_user=request.user)
        elif not reason.strip():
            raise Problem("common.invalid", reason=_("请写明为什么换人"))
        else:
            assign_cases(cases=[case], interviewer=who, acting_user=request.user, reason=reason)
    else:
        raise Problem("common.invalid", reason=_("请选要做的事"))
    messages.success(request, _("做好了，已经留痕。"))
    return redirect("console:field_door", pk=pk, opaque_id=opaque_id)


def _pk(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _case(request: HttpRequest, pk: int, opaque_id: UUID) -> Case:
    round_ = team_round(request.user, pk)
    mine = drawn_cases(round_).filter(pk__in=Case.objects.visible_to(request.user).values("pk"))
    return one_of(mine, opaque_id=opaque_id)
