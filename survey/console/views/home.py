"""The console's first page: the studies."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from survey.accounts.landing import landing_path
from survey.accounts.policies import may
from survey.console.next_step import next_step
from survey.console.page import paged
from survey.console.rows import team_studies
from survey.console.steps import standing
from survey.regions.models import Region


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Studies with their newest round and what comes next. Others are sent to where their work is."""
    if not may(request.user, "console.view"):
        return redirect(landing_path(request.user))
    studies = paged(
        request, team_studies(request.user).select_related("region").prefetch_related("rounds"), per_page=20
    )
    cards = []
    for study in studies:
        newest = max(study.rounds.all(), key=lambda r: r.number, default=None)
        step = next_step(standing(newest), request.user) if newest else None
        cards.append({"study": study, "round": newest, "next": step})
    context = {
        "cards": cards,
        "page": studies,
        "may_make": may(request.user, "studies.manage"),
        "has_regions": Region.objects.exists(),
    }
    return render(request, "console/home.html", context)
