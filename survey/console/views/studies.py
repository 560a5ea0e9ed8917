"""Studies and their rounds: made here, each with few fields."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.accounts.views.members import region_choices
from survey.common.errors import Problem
from survey.console.forms import RoundForm, StudyForm
from survey.console.rows import one_of, team_studies
from survey.studies import services


@allowed("studies.manage")
@require_http_methods(["GET", "POST"])
def new_study(request: HttpRequest) -> HttpResponse:
    """A study, and at once its first round."""
    form = StudyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            study = services.create_study(acting_user=request.user, **form.cleaned_data)
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            messages.success(request, _("项目建好了。再给第一轮起个名字。"))
            return redirect("console:new_round", pk=study.pk)
    context = {"form": form, "regions": region_choices()}
    return render(request, "console/new_study.html", context)


@allowed("console.view")
def study(request: HttpRequest, pk: int) -> HttpResponse:
    """One study: what residents are told about it, and its rounds."""
    row = one_of(team_studies(request.user).select_related("region"), pk=pk)
    context = {
        "study": row,
        "scope": row.scope.all(),
        "rounds": row.rounds.all(),
        "consent": row.consent_texts.first(),
        "may_manage": may(request.user, "studies.manage", row.region),
    }
    return render(request, "console/study.html", context)


@allowed("studies.manage")
@require_http_methods(["GET", "POST"])
def new_round(request: HttpRequest, pk: int) -> HttpResponse:
    """The study's next round."""
    row = one_of(team_studies(request.user), pk=pk)
    require(request.user, "studies.manage", row.region)
    form = RoundForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            round_ = services.create_round(study=row, acting_user=request.user, **form.cleaned_data)
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("console:round", pk=round_.pk)
    return render(request, "console/new_round.html", {"form": form, "study": row})
