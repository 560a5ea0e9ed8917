"""Pages and files of reports. Officials see what is published; single places only inside their grant."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.common.errors import Problem
from survey.reports import queries, services
from survey.reports.domains import ALL
from survey.reports.files import figures_csv
from survey.reports.models import Report
from survey.reports.notices import all_notices
from survey.reports.pages import page_context
from survey.reports.reading import Reading, regions_of
from survey.reports.render import report_pdf
from survey.reports.shortlist import Listing


@require_GET
@login_required
def report_list(request: HttpRequest) -> HttpResponse:
    """Every report the user may open."""
    require(request.user, "reports.view")
    reports = list(queries.visible_reports(request.user))
    return render(
        request, "reports/list.html", {"reports": [(r, _summary(request.user, r)) for r in reports]}
    )


@require_GET
@login_required
def report_page(request: HttpRequest, number: str, code: str = ALL) -> HttpResponse:
    """A report, or one place of it."""
    report = queries.find_report(request.user, number)
    reading = Reading(report.document)
    if code != ALL and not (code in reading.domains and queries.may_open(request.user, code)):
        raise Problem("common.not_found")
    services.record_view(report=report, acting_user=request.user, part="page", region_code=code)
    context = _page(request, reading, code, lambda key: _place_url(number, key))
    own = queries.own_place(request.user, reading)
    context |= {"report": report, "run": report.run, "round": report.round, "number": number}
    context["own_place"] = _own(number, reading, own) if own and own != code else None
    return render(request, "reports/report.html", context)


@require_GET
@login_required
def run_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a report of this run would show: for the team, before it is published."""
    run = queries.find_run(request.user, pk)
    reading = Reading(run.document)
    services.record_run_view(run=run, acting_user=request.user)
    context = _page(request, reading, ALL, lambda key: None)
    context |= {"report": None, "run": run, "round": run.round, "number": ""}
    return render(request, "reports/report.html", context)


@require_GET
@login_required
def report_pdf_file(request: HttpRequest, number: str) -> HttpResponse:
    """The report as PDF, the chosen indicator first."""
    report, scope = queries.find_for_file(request.user, number)
    content = report_pdf(report, _chosen(request, Reading(report.document)), scope)
    services.record_view(report=report, acting_user=request.user, part="pdf")
    return _file(content, "application/pdf", f"{number}.pdf", inline=True)


@require_GET
@login_required
def report_csv_file(request: HttpRequest, number: str) -> HttpResponse:
    """Every published figure as CSV."""
    report, _scope = queries.find_for_file(request.user, number)
    content = figures_csv(Reading(report.document), number, report.document_hash)
    services.record_view(report=report, acting_user=request.user, part="csv")
    return _file(content, "text/csv; charset=utf-8", f"{number}.csv", inline=False)


def _file(content: bytes, kind: str, name: str, *, inline: bool) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response


def _summary(user: User, report: Report) -> dict[str, Any]:
    reading = Reading(report.document)
    first = next(iter(reading.indicators))
    own = queries.own_place(user, reading)
    return {
        "own": _own(report.number, reading, own) if own else None,
        "own_figure": reading.figure(first, own) if own else None,
        "figure": reading.figure(first, ALL),
        "name": reading.indicators[first]["name"],
        "whole": reading.whole,
        "notices": len(all_notices(report.document)),
    }


def _own(number: str, reading: Reading, key: str) -> dict[str, str]:
    """The way to the reader's own place."""
    return {"label": reading.domains[key]["label"], "url": _place_url(number, key)}


def _chosen(request: HttpRequest, reading: Reading) -> str:
    """The indicator of the address; the first one when it names none, or none that exists."""
    code = request.GET.get("indicator", "")
    return code if code in reading.indicators else next(iter(reading.indicators))


def _place_url(number: str, key: str) -> str:
    return (
        reverse("reports:place", args=[number, key])
        if key != ALL
        else reverse("reports:report", args=[number])
    )


def _page(request: HttpRequest, reading: Reading, key: str, url_of: Any) -> dict[str, Any]:
    code = _chosen(request, reading)
    streets = [d["key"] for d in reading.of_kind("street")]
    own = key if key in streets else queries.own_unit(request.user, streets)
    allowed = queries.openable(request.user, regions_of(reading))

    def link(place: str) -> str | None:
        url = url_of(place)
        return f"{url}?indicator={code}" if url and place in allowed and place != key else None

    listing = Listing.of(request.GET.dict())
    context = page_context(reading, code, key, own=own, allowed=allowed, link=link, listing=listing)
    return context | {"wall": "wall" in request.GET, "may_briefs": any(k in allowed for k in streets)}
