"""The page about volunteers: of a report for its readers, of a run for the team."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from survey.reports import queries, services
from survey.reports.reading import Reading
from survey.reports.volunteer_page import volunteers_context


@require_GET
@login_required
def report_volunteers(request: HttpRequest, number: str) -> HttpResponse:
    """Modelled figures with volunteers, where the report's recipe asked for them."""
    report = queries.find_report(request.user, number)
    reading = Reading(report.document)
    context = volunteers_context(reading)
    services.record_view(report=report, acting_user=request.user, part="volunteers")
    context |= {"report": report, "number": number, "reading": reading, "run": report.run}
    return render(request, "reports/volunteers.html", context)


@require_GET
@login_required
def run_volunteers(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same before anything is published."""
    run = queries.find_run(request.user, pk)
    reading = Reading(run.document)
    context = volunteers_context(reading)
    services.record_run_view(run=run, acting_user=request.user, part="volunteers")
    context |= {"report": None, "number": "", "reading": reading, "run": run}
    return render(request, "reports/volunteers.html", context)
