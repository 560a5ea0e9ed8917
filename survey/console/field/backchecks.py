"""Back-checks: drawn at random, entered one by one, with the match rate and its interval."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import require
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.contacts.queries import address_of, place_of
from survey.fieldwork import board
from survey.fieldwork.models import BackCheck, CallbackPhone
from survey.fieldwork.rules import rules_of
from survey.fieldwork.services import draw_backchecks, enter_backcheck
from survey.fieldwork.services.notes import PHONE_PURPOSE
from survey.studies.models import Round


@allowed("fieldwork.manage")
def backchecks(request: HttpRequest, pk: int) -> HttpResponse:
    """What to check, what was found, and the match rate of every interviewer."""
    round_ = team_round(request.user, pk)
    rows = (
        BackCheck.objects.visible_to(request.user)
        .filter(draw__round=round_)
        .select_related("response__case", "response__region", "interviewer", "draw")
    )
    workers = [w for w in board.workers(round_, request.user) if w.checked["n"]]
    return render_step(
        request,
        "field/backchecks.html",
        round_,
        "fieldwork",
        page=paged(request, rows.filter(outcome="").order_by("draw__number", "pk")),
        done=rows.exclude(outcome="").order_by("-done_at")[:50],
        draws=round_.backcheck_draws.all(),
        workers=workers,
        items=board.item_match(round_, request.user),
        rules=rules_of(round_),
        may_draw=round_.state != Round.State.DRAFT,
    )


@allowed("fieldwork.manage")
@require_POST
def draw(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw as many as the rule now asks for."""
    round_ = team_round(request.user, pk)
    require(request.user, "fieldwork.manage", round_.study.region)
    made = draw_backchecks(round=round_, acting_user=request.user)
    if made is None:
        messages.info(request, _("按规则，眼下不用再抽。"))
    else:
        messages.success(request, _("抽了 %(n)s 户，种子已经留痕。") % {"n": made.checks.count()})
    return redirect("console:field_backchecks", pk=pk)


@allowed("fieldwork.manage")
@require_http_methods(["GET", "POST"])
def enter(request: HttpRequest, pk: int, check_pk: int) -> HttpResponse:
    """One household to be asked: where it is, and what it said."""
    round_ = team_round(request.user, pk)
    mine = BackCheck.objects.visible_to(request.user).filter(draw__round=round_)
    check = one_of(mine.select_related("response__case", "interviewer"), pk=check_pk)
    problem = None
    if request.method == "POST":
        try:
            enter_backcheck(check=check, acting_user=request.user, **_values(request))
        except Problem as refused:
            problem = refused
        else:
            messages.success(request, _("回访结果记下了。"))
            return redirect("console:field_backchecks", pk=pk)
    case = check.response.case
    phones = CallbackPhone.objects.filter(case=case)
    return render_step(
        request,
        "field/backcheck.html",
        round_,
        "fieldwork",
        status=problem.status if problem else 200,
        check=check,
        case=case,
        address=address_of(case),
        place=place_of(case.community),
        phones=[decrypt(row.phone_cipher, PHONE_PURPOSE) for row in phones],
        problem=problem,
        values=request.POST,
    )


def _values(request: HttpRequest) -> dict[str, object]:
    said = request.POST
    return {
        "mode": said.get("mode", ""),
        "reached": said.get("reached") == "yes",
        "was_asked": said.get("was_asked") == "yes",
        "right_person": said.get("right_person") == "yes",
        "all_asked": said.get("all_asked") == "yes",
        "compared": _number(said.get("compared", "")),
        "agreed": _number(said.get("agreed", "")),
        "note": said.get("note", ""),
    }


def _number(text: str) -> int:
    if not text.strip():
        return 0
    if not text.strip().isdigit():
        raise Problem("common.invalid", reason=_("题数请填整数"))
    return int(text)
