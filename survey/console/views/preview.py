"""Trying a questionnaire before it is published: the resident's renderer and rules; nothing is kept."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import json_script
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.console.rows import one_of, team_round
from survey.questionnaires.document import MODES
from survey.questionnaires.models import QuestionnaireVersion
from survey.questionnaires.validation import validate_answers
from survey.responses.submission import read_submission
from survey.responses.views import ReadableJSON


def _mode(request: HttpRequest) -> str:
    mode = request.GET.get("mode", "")
    return mode if mode in MODES else MODES[0]


def _version(request: HttpRequest, pk: int) -> QuestionnaireVersion:
    return one_of(QuestionnaireVersion.objects.visible_to(request.user), pk=pk)


@allowed("console.view")
@require_safe
def preview(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """The questionnaire as a phone shows it; `?mode=door` as the interviewer's does."""
    round_ = team_round(request.user, pk)
    version = _version(request, version_pk)
    mode = _mode(request)
    context = {
        "round": round_,
        "version": version,
        "mode": mode,
        "csrf": get_token(request),
        "submit_url": f"{reverse('console:try_questionnaire', args=[pk, version_pk])}?mode={mode}",
        "back": reverse("console:questionnaire_version", args=[pk, version_pk]),
        "document": json_script(version.document, "minyi-document", encoder=ReadableJSON),
        "language": get_language(),
    }
    return render(request, "console/preview.html", context)


@allowed("console.view")
@require_POST
def attempt(request: HttpRequest, pk: int, version_pk: int) -> JsonResponse:
    """Check the answers as the server checks a resident's, and forget them.

    Raises
    ------
    Problem responses.invalid : with the items, as for a resident.
    """
    team_round(request.user, pk)
    version = _version(request, version_pk)
    given = read_submission(request)
    checked = validate_answers(version.document, given.answers, _mode(request), language=given.language)
    if checked.errors:
        first = checked.errors[0]
        raise Problem(
            "responses.invalid",
            errors=[{"item": e.name, "code": e.code, "reason": e.message} for e in checked.errors],
            count=len(checked.errors),
            item=first.name,
            reason=first.message,
        )
    messages.success(
        request, _("试填完成：走了 %(n)s 题，答案合格。什么也没有保存。") % {"n": len(checked.path)}
    )
    back = reverse("console:questionnaire_version", args=[pk, version_pk])
    return JsonResponse({"id": str(given.client_id), "receipt": "", "thanks_url": back})
