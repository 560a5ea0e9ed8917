"""Pages about the weights: of a report for its readers, of a run and of one response for the team."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from survey.accounts.policies import may
from survey.reports import queries, services
from survey.reports.reading import Reading
from survey.reports.weight_page import passport_rows, team_context, weights_context


@require_GET
@login_required
def report_weights(request: HttpRequest, number: str) -> HttpResponse:
    """How the weights of a report came about and what they cost."""
    report = queries.find_report(request.user, number)
    reading = Reading(report.document)
    services.record_view(report=report, acting_user=request.user, part="weights")
    is_team = may(request.user, "reports.compute", report.round.study.region)
    context = {"report": report, "number": number, "reading": reading, "run": report.run}
    context |= weights_context(reading) | {"team": None, "is_team": is_team}
    return render(request, "reports/weights.html", context)


@require_GET
@login_required
def run_weights(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same for the team, with classes, cells and the heaviest answers."""
    run = queries.find_run(request.user, pk)
    reading = Reading(run.document)
    services.record_run_view(run=run, acting_user=request.user, part="weights")
    context = {"report": None, "number": "", "reading": reading, "run": run, "is_team": True}
    context |= weights_context(reading)
    context["team"] = team_context(reading) | {"heaviest": queries.heaviest(run)}
    return render(request, "reports/weights.html", context)


@require_GET
@login_required
def passport(request: HttpRequest, pk: UUID, response_id: UUID) -> HttpResponse:
    """The weight passport of one response, step by step: for the team only."""
    found = queries.find_passport(request.user, pk, response_id)
    services.record_run_view(
        run=found.run, acting_user=request.user, part="passport", response_id=str(response_id)
    )
    context = {"run": found.run, "response_id": response_id, "weight": found.weight}
    return render(request, "reports/passport.html", context | {"rows": passport_rows(found.factors)})
