"""The wizard before anything is fixed: population, precision, design, simulation."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console import plan_pages
from survey.console.page import render_step
from survey.console.plan import Plan
from survey.console.plan_forms import as_answers
from survey.console.plan_precision import precision_page
from survey.console.plan_steps import wizard_steps
from survey.console.rows import team_round
from survey.console.steps import standing
from survey.jobs.tasks import start
from survey.sampling.forecasts import forecast_design
from survey.sampling.services import create_design, save_plan_answers
from survey.studies.models import Round

AT_ONCE = 40  # streets that are forecast while the page waits; above, a job does it


def _show(request: HttpRequest, plan: Plan, step: str, **context: Any) -> HttpResponse:
    """A page of the wizard, with its steps above."""
    has = standing(plan.round)
    steps = wizard_steps(plan, has)
    here = next(s for s in steps if s.key == step)
    region = plan.round.study.region
    return render_step(
        request,
        f"plan_{step}.html",
        plan.round,
        "sampling",
        has=has,
        plan=plan,
        wizard=steps,
        here=here,
        may_plan=may(request.user, "sampling.manage", region) and plan.round.state != Round.State.CLOSED,
        **context,
    )


def _answer(request: HttpRequest, pk: int, step: str, then: str) -> HttpResponse | Plan:
    """Keep what was sent; go on when it is right and going on was asked, else the plan to show."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    if request.method != "POST":
        return Plan(round_, request.user)
    blank = getattr(Plan(round_, request.user), f"{step}_form")
    answers = as_answers(blank, request.POST)
    save_plan_answers(round=round_, step=step, answers=answers, acting_user=request.user)
    plan = Plan(round_, request.user)
    is_right = getattr(plan, f"{step}_form").is_valid()
    if is_right and request.POST.get("go") == "on" and not (step == "design" and plan.planned is None):
        return redirect(f"console:{then}", pk=pk)
    if is_right:
        return redirect(request.path)
    return plan


@allowed("sampling.manage")
@require_http_methods(["GET", "POST"])
def population(request: HttpRequest, pk: int) -> HttpResponse:
    """Which list, who is in, who is out and why."""
    got = _answer(request, pk, "population", "plan_precision")
    if isinstance(got, HttpResponse):
        return got
    return _show(request, got, "population", **plan_pages.population_page(got))


@allowed("sampling.manage")
@require_http_methods(["GET", "POST"])
def precision(request: HttpRequest, pk: int) -> HttpResponse:
    """How exact, for whom; what that takes and costs, and what cannot be had."""
    got = _answer(request, pk, "precision", "new_design")
    if isinstance(got, HttpResponse):
        return got
    if not got.is_drawable:
        return redirect("console:plan_population", pk=pk)
    return _show(request, got, "precision", **precision_page(got))


@allowed("sampling.manage")
@require_http_methods(["GET", "POST"])
def new_design(request: HttpRequest, pk: int) -> HttpResponse:
    """How many communities and households, divided how; the strata that follow, before anything is stored."""
    got = _answer(request, pk, "design", "plan_simulation")
    if isinstance(got, HttpResponse):
        return got
    if not got.is_drawable:
        return redirect("console:plan_population", pk=pk)
    if got.terms is None:
        return redirect("console:plan_precision", pk=pk)
    return _show(request, got, "design", **plan_pages.design_page(got))


@allowed("sampling.manage")
def simulation(request: HttpRequest, pk: int) -> HttpResponse:
    """What each street can expect, simulated on the team's own list."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    plan = Plan(round_, request.user)
    if plan.planned is None:
        return redirect("console:new_design", pk=pk)
    return _show(request, plan, "simulation", **plan_pages.simulation_page(plan, request))


@allowed("sampling.manage")
@require_POST
def simulate(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the simulation: at once for a district, as a job for a city."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    plan = Plan(round_, request.user)
    if plan.planned is None or plan.terms is None or plan.frame is None:
        return redirect("console:new_design", pk=pk)
    if len(plan.population.streets) > AT_ONCE:
        job = start(
            kind="sampling.forecast",
            params={
                "round": round_.pk,
                "frame": plan.frame.pk,
                "spec": plan.planned.spec,
                "terms": vars(plan.terms),
                "mean": plan.mean,
                "key": plan.forecast_key,
            },
            acting_user=request.user,
        )
        return redirect("console:job", pk=job.pk)
    forecast_design(
        round=round_,
        frame=plan.frame,
        spec=plan.planned.spec,
        terms=plan.terms,
        mean=plan.mean,
        key=plan.forecast_key,
        acting_user=request.user,
    )
    return redirect("console:plan_simulation", pk=pk)


@allowed("sampling.manage")
@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Store the plan as a design, ready to be committed to."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    plan = Plan(round_, request.user)
    if plan.planned is None or plan.frame is None:
        messages.warning(request, plan.refusal or _("设计还没有填完。"))
        return redirect("console:new_design", pk=pk)
    try:
        row = create_design(round=round_, frame=plan.frame, spec=plan.planned.spec, acting_user=request.user)
    except Problem as problem:
        messages.warning(request, problem.message)
        return redirect("console:new_design", pk=pk)
    messages.success(request, _("方案存好了。抽之前还可以另做一个。"))
    return redirect("console:design", pk=pk, design_pk=row.pk)
