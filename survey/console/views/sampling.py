"""Sampling: the design and its plan, the draw, and what it took."""

from functools import reduce
from operator import or_
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console.forms import ConfirmForm, DesignForm, ReasonForm
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import frames_for, standing
from survey.regions.models import Region
from survey.sampling.models import Design, DesignStratum, Draw, FrameVersion
from survey.sampling.services import create_design, draw_sample, release_replicate
from survey.studies.models import Round


def _designs(request: HttpRequest, round_: Round) -> Any:
    return Design.objects.visible_to(request.user).filter(round=round_).select_related("frame")


@allowed("sampling.view")
def sampling(request: HttpRequest, pk: int) -> HttpResponse:
    """Designs of the round, and every draw that was ever made of them."""
    round_ = team_round(request.user, pk)
    designs = _designs(request, round_)
    draws = Draw.objects.filter(design__in=designs).select_related("drawn_by").annotate(n=Count("cases"))
    return render_step(
        request,
        "sampling.html",
        round_,
        "sampling",
        designs=designs,
        draws=draws.order_by("-committed_at"),
        may_design=may(request.user, "sampling.manage", round_.study.region)
        and round_.state != Round.State.CLOSED,
    )


@allowed("sampling.manage")
@require_http_methods(["GET", "POST"])
def new_design(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what to draw; the plan that follows can be looked at and replaced until it is drawn."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    frames = FrameVersion.objects.visible_to(request.user).filter(pk__in=frames_for(round_))
    form = DesignForm(request.POST or None, frames=frames, streets=_streets(round_))
    if request.method == "POST" and form.is_valid():
        try:
            row = create_design(
                round=round_,
                frame=form.cleaned_data["frame"],
                spec=form.spec(),
                acting_user=request.user,
            )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("console:design", pk=pk, design_pk=row.pk)
    return render_step(request, "new_design.html", round_, "sampling", form=form, has_frames=frames.exists())


def _streets(round_: Round) -> Any:
    """Streets of the study's scope."""
    parts = [part.path for part in round_.study.scope.all()] or [round_.study.region.path]
    inside = reduce(or_, (Q(path__startswith=part) for part in parts))
    return Region.objects.current().filter(inside, level=Region.Level.STREET)


JOINING = {
    "few-psus": gettext_lazy("社区太少"),
    "budget": gettext_lazy("要抽的社区不够分"),
    "dominant-psu": gettext_lazy("一个社区占了大半"),
    "allocation": gettext_lazy("分到的社区不够"),
}


def _plan_rows(design: Design, strata: Any) -> None:
    """Add to each stratum of a page what the plan expects: chance and weight of a household."""
    take = design.spec["stages"][1]["take"]
    for stratum in strata:
        n = stratum.n_households_frame
        chance = min(1.0, stratum.n_psus_take * take / n) if n else None
        stratum.weight = 1 / chance if chance else None
        stratum.is_certainty = stratum.kind == DesignStratum.Kind.CERTAINTY
        stratum.n_cases = stratum.n_psus_take * take
        rule = stratum.joining_rule.partition(": ")[2]
        stratum.joined = "、".join(str(JOINING.get(name, name)) for name in rule.split(", ") if name)


@allowed("sampling.view")
def design(request: HttpRequest, pk: int, design_pk: int) -> HttpResponse:
    """A design's plan: strata, certainty communities, what a household will stand for; the button to draw."""
    round_ = team_round(request.user, pk)
    row = one_of(_designs(request, round_), pk=design_pk)
    strata = paged(request, row.strata.order_by("-kind", "code"))
    _plan_rows(row, strata)
    has = standing(round_)
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
        form=_draw_form(request, has.draw),
        may_draw=may(request.user, "sampling.manage", round_.study.region)
        and (round_.state == Round.State.DRAFT or (has.draw is None and round_.state == Round.State.OPEN)),
    )


def _draw_form(request: HttpRequest, before: Draw | None) -> ConfirmForm:
    """A first draw is confirmed; another one needs its reason too."""
    data = request.POST or None
    if before is None:
        return ConfirmForm(data, label=_("我看过方案了，知道抽样不能重来"))
    return ReasonForm(data, label=_("我知道原来抽的会作废，但一直留在记录里"))


@allowed("sampling.manage")
@require_POST
def draw(request: HttpRequest, pk: int, design_pk: int) -> HttpResponse:
    """Draw the sample of a design."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    row = one_of(_designs(request, round_), pk=design_pk)
    form = _draw_form(request, standing(round_).draw)
    if not form.is_valid():
        messages.warning(request, _("请先勾选确认（再次抽样还要写明理由）。"))
        return redirect("console:design", pk=pk, design_pk=design_pk)
    done = draw_sample(design=row, acting_user=request.user, reason=form.cleaned_data.get("reason", ""))
    messages.success(request, _("抽好了。每一户的机会都已存档。"))
    return redirect("console:drawn", pk=pk, draw_pk=done.pk)


@allowed("sampling.view")
def drawn(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """What a draw took, with its fingerprints and its reserve."""
    round_ = team_round(request.user, pk)
    row = one_of(
        Draw.objects.filter(design__in=_designs(request, round_)).select_related("design__frame", "drawn_by"),
        pk=draw_pk,
    )
    psus = (
        row.psus.select_related("psu__street", "stratum")
        .annotate(n=Count("cases"))
        .order_by("stratum__code", "order")
    )
    replicates = list(row.replicates.order_by("number"))
    following = next((r.number for r in replicates if r.released_at is None), None)
    return render_step(
        request,
        "drawn.html",
        round_,
        "sampling",
        draw=row,
        psus=paged(request, psus),
        n_psus=row.psus.count(),
        n_cases=row.cases.count(),
        n_released=row.cases.released().count(),
        replicates=replicates,
        following=following,
        form=ReasonForm(label=_("我知道放出以后不能收回")),
        may_release=may(request.user, "sampling.manage", round_.study.region)
        and row.state == Draw.State.DRAWN
        and round_.state != Round.State.CLOSED,
    )


@allowed("sampling.manage")
@require_POST
def release(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Release the next reserve replicate, whole."""
    round_ = team_round(request.user, pk)
    require(request.user, "sampling.manage", round_.study.region)
    row = one_of(Draw.objects.filter(design__in=_designs(request, round_)), pk=draw_pk)
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
