"""The questionnaire: bring an XLSForm, look at it, publish it, and pin it to the round."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console.editor.words import advice_words, stored_words
from survey.console.forms import FormFileForm
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.setup_form import SetupForm, consent_drafts
from survey.console.uploads import FORM_KINDS, FORM_MAX_BYTES, keep_upload
from survey.indicators.services import load_default_indicators
from survey.questionnaires.document import item_index, total_seconds
from survey.questionnaires.drafting import check_draft
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.services import as_errors, outline, publish_version, read_form, store_draft
from survey.questionnaires.wording import advise
from survey.studies.models import Round
from survey.studies.services import pin_round, publish_consent_text


@allowed("console.view")
def questionnaire(request: HttpRequest, pk: int) -> HttpResponse:
    """Versions at hand, and what this round has pinned."""
    round_ = team_round(request.user, pk)
    versions = QuestionnaireVersion.objects.visible_to(request.user).select_related("questionnaire")
    return render_step(
        request,
        "questionnaire.html",
        round_,
        "questionnaire",
        page=paged(request, versions.order_by("-created_at")),
        indicators=round_.indicator_versions.select_related("indicator"),
        is_draft=round_.state == Round.State.DRAFT,
        may_import=may(request.user, "questionnaires.manage"),
        may_set_up=may(request.user, "studies.manage", round_.study.region),
    )


@allowed("questionnaires.manage")
@require_http_methods(["GET", "POST"])
def import_form(request: HttpRequest, pk: int) -> HttpResponse:
    """Read an uploaded XLSForm: its problems by cell, or a draft with what to look at again."""
    round_ = team_round(request.user, pk)
    form = FormFileForm(request.POST or None, request.FILES or None)
    context: dict[str, object] = {"form": form}
    status = 200
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            path = keep_upload(upload, kinds=FORM_KINDS, max_bytes=FORM_MAX_BYTES)
            try:
                document, problems = read_form(path)
            finally:
                path.unlink(missing_ok=True)
            context["version"] = store_draft(
                document=document, acting_user=request.user, source_name=upload.name
            )
            context["problems"] = as_errors(problems)
        except Problem as problem:
            status = problem.status
            context["problems"] = problem.errors
            if not problem.errors:
                form.add_error("file", problem.message)
            else:
                context["refusal"] = problem.message
    return render_step(
        request, "import_questionnaire.html", round_, "questionnaire", status=status, **context
    )


def _version(request: HttpRequest, pk: int) -> QuestionnaireVersion:
    rows = QuestionnaireVersion.objects.visible_to(request.user).select_related("questionnaire")
    return one_of(rows, pk=pk)


@allowed("console.view")
def version(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """One version: its items in order, and what a check of it says."""
    round_ = team_round(request.user, pk)
    row = _version(request, version_pk)
    language, index = get_language() or "zh-hans", item_index(row.document)
    items = outline(row.document, language)
    for item in items:
        item["when"] = stored_words(index[item["name"]][1].get("relevant"), row.document, language)
    found = [each for each in check_draft(row.document) if (each.level, each.code) != ("warning", "time")]
    problems = as_errors(found)  # a long time is told among the advice, with its reason
    return render_step(
        request,
        "questionnaire_version.html",
        round_,
        "questionnaire",
        version=row,
        items=items,
        minutes=max(1, round(total_seconds(row.document) / 60)),
        problems=problems,
        n_errors=sum(1 for problem in problems if problem["level"] == "error"),
        advice=[advice_words(each) for each in advise(row.document)],
        may_publish=may(request.user, "questionnaires.manage"),
    )


@allowed("questionnaires.manage")
@require_POST
def publish(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """Publish a draft; then it can be pinned."""
    round_ = team_round(request.user, pk)
    publish_version(version=_version(request, version_pk), acting_user=request.user)
    messages.success(request, _("已经发布，从此不能改。接下来把它定为这一轮的问卷。"))
    return redirect("console:setup_round", pk=round_.pk)


@allowed("studies.manage")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, pk: int) -> HttpResponse:
    """Questionnaire, indicators, modes and consent text of a draft round, on one page."""
    round_ = team_round(request.user, pk)
    require(request.user, "studies.manage", round_.study.region)
    if request.POST.get("do") == "indicators":
        load_default_indicators(acting_user=request.user)
        messages.success(request, _("常用指标已经装好。"))
        return redirect("console:setup_round", pk=pk)
    form = SetupForm(request.POST or None, round_=round_, texts=consent_drafts(round_.study))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            consent = publish_consent_text(study=round_.study, texts=form.texts(), acting_user=request.user)
            pin_round(
                round=round_,
                questionnaire_version=form.cleaned_data["questionnaire_version"],
                indicator_versions=form.cleaned_data["indicators"],
                consent_text=consent,
                modes=form.cleaned_data["modes"],
                acting_user=request.user,
            )
        messages.success(request, _("问卷、说明书和指标都定好了。"))
        return redirect("console:questionnaire", pk=pk)
    return render_step(request, "setup_round.html", round_, "questionnaire", form=form)
