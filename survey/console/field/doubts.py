"""Every doubt with its evidence, and the supervisor's verdict on it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.console.field.board import shown
from survey.console.field.pace import pace_strip
from survey.console.field.words import verdict_name
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.fieldwork import board
from survey.fieldwork.services import settle_flag
from survey.fieldwork.services.doubts import VERDICTS

PER_PAGE = 20


@allowed("fieldwork.manage")
def doubts(request: HttpRequest, pk: int) -> HttpResponse:
    """Open doubts, oldest evidence first; settled ones with ?settled=1."""
    round_ = team_round(request.user, pk)
    settled = bool(request.GET.get("settled"))
    rows = board.settled_flags(round_, request.user) if settled else board.open_flags(round_, request.user)
    page = paged(request, rows, PER_PAGE)
    for flag in page:
        shown(flag)
        flag.strip = pace_strip(round_, flag) if flag.kind in ("fast", "uneven") else None
        flag.verdict_words = verdict_name(flag.verdict)
    return render_step(
        request,
        "field/doubts.html",
        round_,
        "fieldwork",
        page=page,
        settled=settled,
        verdicts=[(key, verdict_name(key)) for key in VERDICTS],
    )


@allowed("fieldwork.manage")
@require_POST
def settle(request: HttpRequest, pk: int, flag_pk: int) -> HttpResponse:
    """Record a verdict."""
    round_ = team_round(request.user, pk)
    flag = one_of(board.open_flags(round_, request.user), pk=flag_pk)
    settle_flag(
        flag=flag,
        verdict=request.POST.get("verdict", ""),
        note=request.POST.get("note", ""),
        acting_user=request.user,
    )
    messages.success(request, _("结论记下了。"))
    return redirect("console:field_doubts", pk=pk)
