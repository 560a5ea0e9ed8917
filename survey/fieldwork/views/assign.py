"""The supervisor hands communities to interviewers."""

from collections import defaultdict

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from survey.accounts.access import allowed
from survey.accounts.models import User
from survey.common.errors import Problem
from survey.contacts.queries import drawn_cases
from survey.fieldwork.queries import CLOSED, interviewers_for, loads
from survey.fieldwork.services import assign_cases
from survey.sampling.models import Case
from survey.studies.models import Round

FIELD = "community-"


def _rounds(user: User) -> list[Round]:
    """Rounds in the field with cases that this supervisor may see."""
    visible = Case.objects.visible_to(user).values("round")
    return list(
        Round.objects.visible_to(user)
        .filter(state=Round.State.OPEN, pk__in=visible)
        .select_related("study__region")
    )


@require_safe
@allowed("fieldwork.manage")
def rounds(request: HttpRequest) -> HttpResponse:
    """Which round: straight on when there is only one."""
    found = _rounds(request.user)
    if len(found) == 1:
        return redirect("fieldwork:assign", pk=found[0].pk)
    return render(request, "fieldwork/rounds.html", {"found": found, "current": "fieldwork"})


@require_http_methods(["GET", "POST"])
@allowed("fieldwork.manage")
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    """The round's communities with their open cases, and in whose hands they are.

    POST: "community-<region id>" = interviewer's id, for each community to hand over; the others stay.
    """
    round_ = Round.objects.visible_to(request.user).filter(pk=pk).select_related("study__region").first()
    if round_ is None:
        raise Problem("common.not_found")
    if request.method == "POST":
        n = _hand_out(request, round_)
        messages.success(request, _("已派 %(n)s 户") % {"n": n})
        return redirect("fieldwork:assign", pk=pk)
    rows = [
        {"load": load, "interviewers": interviewers_for(load.community)}
        for load in loads(round_, request.user)
    ]
    context = {"round": round_, "rows": rows, "field": FIELD, "current": "fieldwork"}
    return render(request, "fieldwork/assign.html", context)


def _hand_out(request: HttpRequest, round_: Round) -> int:
    wanted: dict[str, list[str]] = defaultdict(list)
    for name, value in request.POST.items():
        community = name.removeprefix(FIELD)
        if name.startswith(FIELD) and value.isdigit() and community.isdigit():
            wanted[value].append(community)
    visible = Case.objects.visible_to(request.user).filter(round=round_).values("pk")
    n = 0
    for interviewer_id, communities in wanted.items():
        interviewer = User.objects.filter(pk=interviewer_id, is_active=True).first()
        if interviewer is None:
            raise Problem("common.not_found")
        cases = drawn_cases(round_).filter(pk__in=visible, community__in=communities)
        n += assign_cases(
            cases=cases.exclude(status__in=CLOSED), interviewer=interviewer, acting_user=request.user
        )
    return n
