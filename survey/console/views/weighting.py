"""Weighting: start a run, and look at what the weights did before anything is published."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.jobs.models import Job
from survey.regions.models import Region
from survey.reports.models import Run
from survey.reports.tasks import KIND, start_run
from survey.responses.volunteers import volunteer_tally

STEP_NAMES = {
    "base": _("每户被抽中机会的倒数"),
    "unknown_eligibility": _("情况不明的户，分给同街道的"),
    "household_response": _("没答的户，由同街道答了的代表"),
    "person_selection": _("家里人越多，被选中的机会越小"),
    "person_response": _("选中没答的人，由同街道答了的代表"),
    "trimming": _("过大的权数截到上限"),
    "poststratification": _("对齐普查：区县、性别、年龄"),
    "calibration": _("校准到普查的各个边际"),
}
SEX_NAMES = {"male": _("男"), "female": _("女"), "male+female": _("男和女"), "unknown": _("没说性别或年龄")}


@allowed("console.view")
def weighting(request: HttpRequest, pk: int) -> HttpResponse:
    """Runs of the round; the chosen one's steps, margins and effect of the weights."""
    round_ = team_round(request.user, pk)
    runs = Run.objects.visible_to(request.user).filter(round=round_).select_related("recipe")
    chosen = one_of(runs, pk=request.GET["run"]) if _is_uuid(request.GET.get("run")) else runs.first()
    weights = chosen.document.get("weights", {}) if chosen else {}
    running = Job.objects.filter(
        kind=KIND, params__round=round_.pk, state__in=[Job.State.PENDING, Job.State.RUNNING]
    ).first()
    return render_step(
        request,
        "weighting.html",
        round_,
        "weighting",
        runs=runs,
        run=chosen,
        response=chosen.document.get("response", {}) if chosen else {},
        weight_steps=[
            row | {"name": STEP_NAMES.get(row["step"], row["step"])} for row in weights.get("steps", [])
        ],
        cells=paged(request, _cells(weights)),
        running=running,
        may_compute=may(request.user, "reports.compute", round_.study.region),
        volunteers=volunteer_tally(round_),
        may_data=may(request.user, "microdata.view", round_.study.region),
        may_fine=may(request.user, "microdata.fine", round_.study.region),
    )


def _is_uuid(text: str | None) -> bool:
    return bool(text) and len(text or "") == 36 and (text or "").replace("-", "").isalnum()


def _cells(weights: dict[str, Any]) -> list[dict[str, Any]]:
    """Post-strata in words: district, sex, ages; people before and after."""
    bands = weights.get("spec", {}).get("poststratification", {}).get("bands", [])
    rows = weights.get("cells", [])
    codes = {row["district"] for row in rows}
    names = dict(Region.objects.filter(path__in=codes).values_list("path", "name"))
    found = []
    for row in rows:
        ages = [bands[b] for b in row["bands"] if b < len(bands)]
        last = ages[-1][1] if ages else None
        found.append(
            row
            | {
                "district_name": names.get(row["district"], row["district"]),
                "sex_name": SEX_NAMES.get(row["sex"], row["sex"]),
                "ages": f"{ages[0][0]}–{last}" if ages and last else (f"{ages[0][0]}+" if ages else "—"),
            }
        )
    return found


@allowed("reports.compute")
@require_POST
def compute(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the computation; the box adds the volunteers' part."""
    round_ = team_round(request.user, pk)
    require(request.user, "reports.compute", round_.study.region)
    job = start_run(round=round_, acting_user=request.user, volunteers="volunteers" in request.POST)
    return redirect("console:job", pk=job.pk)
