"""Files of a report beside its PDF and CSV: Excel, Word, one page for each street."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from survey.common.errors import Problem
from survey.reports import queries, services
from survey.reports.briefs import briefs_pdf
from survey.reports.office.excel import figures_workbook
from survey.reports.office.word import report_docx
from survey.reports.reading import Reading

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@require_GET
@login_required
def workbook(request: HttpRequest, number: str) -> HttpResponse:
    """Every published figure as Excel."""
    report, scope = queries.find_for_file(request.user, number)
    content = figures_workbook(report, scope)
    services.record_view(report=report, acting_user=request.user, part="xlsx")
    return _file(content, XLSX, f"{number}.xlsx")


@require_GET
@login_required
def word(request: HttpRequest, number: str) -> HttpResponse:
    """The report as Word, `?indicator=` first."""
    report, scope = queries.find_for_file(request.user, number)
    content = report_docx(report, _indicator(request, Reading(report.document)), scope)
    services.record_view(report=report, acting_user=request.user, part="docx")
    return _file(content, DOCX, f"{number}.docx")


@require_GET
@login_required
def briefs(request: HttpRequest, number: str) -> HttpResponse:
    """One page for each street that the reader may open, or for `?place=` alone."""
    report, _scope = queries.find_for_file(request.user, number)
    reading = Reading(report.document)
    wanted = (
        [request.GET["place"]] if "place" in request.GET else [d["key"] for d in reading.of_kind("street")]
    )
    mine = [key for key in wanted if key in reading.domains and queries.may_open(request.user, key)]
    if not mine:
        raise Problem("common.not_found")
    content = briefs_pdf(report, _indicator(request, reading), mine)
    one = mine[0] if len(mine) == 1 else ""
    services.record_view(report=report, acting_user=request.user, part="briefs", region_code=one)
    return _file(content, "application/pdf", f"{number}-{one or 'streets'}.pdf")


def _indicator(request: HttpRequest, reading: Reading) -> str:
    code = request.GET.get("indicator", "")
    return code if code in reading.indicators else next(iter(reading.indicators))


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
