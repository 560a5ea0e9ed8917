"""Renders a step's page with what each of them shows: the round, its steps, what comes next."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from survey.console.next_step import next_step
from survey.console.steps import Standing, round_steps, standing
from survey.studies.models import Round

PER_PAGE = 50


def render_step(
    request: HttpRequest,
    template: str,
    round_: Round,
    current: str,
    *,
    has: Standing | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """A page of one step. `current` is the step's key."""
    has = has or standing(round_)
    frame = {
        "round": round_,
        "current": current,
        "has": has,
        "steps": round_steps(round_, has),
        "next": next_step(has, request.user),
    }
    return render(request, f"console/{template}", {**frame, **context}, status=status)


def paged(request: HttpRequest, rows: Any, per_page: int = PER_PAGE) -> Page:
    """The asked page of `rows`; a wrong number gives the nearest page."""
    return Paginator(rows, per_page).get_page(request.GET.get("page"))
