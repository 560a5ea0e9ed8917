"""Sampling at a glance: designs and draws of a round, a stored design, what a draw took, its reserves."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.console.draw_pages import drawn_page, waiting_page, wizard_context
from survey.console.forms import ReasonForm
from survey.console.page import paged, render_step
from survey.console.plan_pages import joining_words
from survey.console.rows import one_of, team_round
from survey.console.steps import standing
from survey.console.views.drawing import draw_of
from survey.sampling.models import Design, DesignStratum, Draw
from survey.sampling.services import release_replicate
from survey.studies.models import Round


def _designs(request: HttpRequest, round_: Round) -> Any:
    return Design.objects.visible_to(request.user).filter(round=round_).select_related("frame")


@allowed("sampling.view")
def sampling(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the wizard stands, designs of the round, and every draw that was ever made of them."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    designs = _designs(request, round_)
    draws = Draw.objects.filter(design__in=designs).select_related("drawn_by").annotate(n=Count("cases"))
    return render_step(
        request,
        "sampling.html",
        round_,
        "sampling",
        has=has,
        designs=designs,
        draws=draws.order_by("-committed_at"),
        may_design=may(request.user, "sampling.manage", round_.study.region)
        and round_.state != Round.State.CLOSED,
        wizard=wizard_context(request, round_, has, "population")["wizard"],
    )


def _plan_rows(design: Design, strata: Any) -> None:
    """Add to each stratum of a page what the plan expects: chance and weight of a household."""
    take = design.spec["stages"][1]["take"]
    for stratum in strata:
        n = stratum.n_households_frame
        chance = min(1.0, stratum.n_psus_take * take / n) if n else None
        stratum.weight = 1 / chance if chance else None
        stratum.is_certainty = stratum.kind == DesignStratum.Kind.CERTAINTY
        stratum.n_cases = stratum.n_psus_take * take
        stratum.joined = joining_words(stratum.joining_rule.partition(": ")[2].split(", "))


@allowed("sampling.view")
def design(request: HttpRequest, pk: int, design_pk: int) -> HttpResponse:
    """A stored design's plan: strata, certainty communities, what a household will stand for."""
    round_ = team_round(request.user, pk)
    row = one_of(_designs(request, round_), pk=design_pk)
    strata = paged(request, row.strata.order_by("-kind", "code"))
    _plan_rows(row, strata)
    has = standing(round_)
    is_open = round_.state == Round.State.DRAFT or (has.draw is None and round_.state == Round.State.OPEN)
    return render_step(
        request,
        "design.html",
        round_,
        "sampling",
        has=has,
        design=row,
        plan=row.plan,
        take=row.spec["stages"][1]["take"],
        strata=strata,
        n_certainty=row.strata.filter(kind=DesignStratum.Kind.CERTAINTY).count(),
        n_joined=row.strata.exclude(joining_rule="").count(),
        may_commit=may(request.user, "sampling.commit", round_.study.region)
        and is_open
        and has.pending is None,
        **wizard_context(request, round_, has, "commit"),
    )


@allowed("sampling.view")
def drawn(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """What a draw took; while it waits for its beacon, what it waits for."""
    round_ = team_round(request.user, pk)
    row = draw_of(request, round_, draw_pk)
    has = standing(round_)
    waits = row.state == Draw.State.COMMITTED
    return render_step(
        request,
        "draw_waiting.html" if waits else "drawn.html",
        round_,
        "sampling",
        has=has,
        **wizard_context(request, round_, has, "draw" if waits else "cases"),
        **(waiting_page(request, row) if waits else drawn_page(request, row)),
    )


@allowed("sampling.manage")
@require_POST
def release(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Release the next reserve replicate, whole."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    row = draw_of(request, round_, draw_pk)
    form = ReasonForm(request.POST)
    number = request.POST.get("number", "")
    if form.is_valid() and number.isdigit():
        replicate = release_replicate(
            draw=row,
            number=int(number),
            reason=form.cleaned_data["reason"],
            acting_user=request.user,
        )
        messages.success(request, _("备用样本放出了 %(n)s 户。记得给它们备信。") % {"n": replicate.n_cases})
    else:
        messages.warning(request, _("请写明理由，并勾选确认。"))
    return redirect("console:drawn", pk=pk, draw_pk=draw_pk)
