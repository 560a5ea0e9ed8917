"""A round's first page, and the two deeds that begin and end its field."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.console.figures import figures_now, things_to_see
from survey.console.forms import ConfirmForm
from survey.console.page import render_step
from survey.console.rows import team_round
from survey.console.steps import standing
from survey.fieldwork.services import close_field
from survey.studies import services


@allowed("console.view")
def overview(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the round stands: the track of steps, the next one, what to look at, the figures of now."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    return render_step(
        request,
        "round.html",
        round_,
        "overview",
        has=has,
        scope=round_.study.scope.all(),
        figures=figures_now(has, request.user),
        things=things_to_see(has, request.user),
        may_manage=may(request.user, "studies.manage", round_.study.region),
    )


@allowed("studies.manage")
@require_http_methods(["GET", "POST"])
def open_field(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin to take answers: lists what is missing, or asks once more."""
    round_ = team_round(request.user, pk)
    require(request.user, "studies.manage", round_.study.region)
    form = ConfirmForm(request.POST or None, label=_("我知道开始以后，问卷、说明书和指标都不能再改"))
    if request.method == "POST" and form.is_valid():
        services.open_round(round=round_, acting_user=request.user)
        messages.success(request, _("已经开始收卷。今天就可以把信寄出去。"))
        return redirect("console:round", pk=pk)
    missing = services.missing_for_opening(round_) if round_.state == "draft" else []
    return render_step(request, "open_round.html", round_, "fieldwork", form=form, missing=missing)


@allowed("fieldwork.close")
@require_http_methods(["GET", "POST"])
def close_round(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop taking answers, for good, and freeze the outcome."""
    round_ = team_round(request.user, pk)
    require(request.user, "fieldwork.close", round_.study.region)
    form = ConfirmForm(request.POST or None, label=_("我知道结束以后，信上的码都不能再用，这一轮不能再开"))
    if request.method == "POST" and form.is_valid():
        close_field(round=round_, acting_user=request.user)
        messages.success(request, _("收卷已经结束，结果已经冻结。接下来加权。"))
        return redirect("console:fieldwork", pk=pk)
    return render_step(request, "close_round.html", round_, "fieldwork", form=form)
