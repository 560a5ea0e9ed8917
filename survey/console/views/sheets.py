"""Questionnaires as files and texts: the blank XLSForm, a version as XLSForm, a text as it is pasted."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from survey.accounts.access import allowed
from survey.console.rows import team_round
from survey.console.views.editor import version_of
from survey.questionnaires.document import total_seconds
from survey.questionnaires.pasted import read_pasted
from survey.questionnaires.services import as_errors, outline
from survey.questionnaires.xlsform import export_xlsform, template_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _workbook(content: bytes, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=XLSX)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@allowed("console.view")
@require_safe
def export_form(request: HttpRequest, pk: int, version_pk: int) -> HttpResponse:
    """A version as .xlsx, for ODK, Kobo or Excel."""
    team_round(request.user, pk)
    row = version_of(request, version_pk)
    return _workbook(export_xlsform(row.document), f"{row.questionnaire.code}-v{row.number}.xlsx")


@allowed("questionnaires.manage")
@require_safe
def form_template(request: HttpRequest, pk: int) -> HttpResponse:
    """The blank form with example rows."""
    team_round(request.user, pk)
    return _workbook(template_xlsx(), "minyi-xlsform.xlsx")


@allowed("questionnaires.manage")
@require_POST
def check_text(request: HttpRequest, pk: int) -> HttpResponse:
    """What a pasted text would become, for the page to show while it is being written. Stores nothing."""
    team_round(request.user, pk)
    text = request.POST.get("text", "")
    return render(request, "console/editor/pasted.html", pasted_context(text, request.POST.get("title", "")))


def pasted_context(text: str, title: str) -> dict[str, object]:
    """Items as they were read and problems by line; nothing for an empty text."""
    if not text.strip():
        return {}
    pasted = read_pasted(text, title=title)
    problems = as_errors(pasted.problems)
    context: dict[str, object] = {
        "problems": problems,
        "n_errors": sum(problem["level"] == "error" for problem in problems),
    }
    if pasted.document is not None:
        context["items"] = outline(pasted.document, pasted.document["default_language"])
        context["minutes"] = max(1, round(total_seconds(pasted.document) / 60))
    return context
