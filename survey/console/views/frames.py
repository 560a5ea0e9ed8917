"""The population: frame versions, what they cover, and the import of a new one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.accounts.views.members import region_choices
from survey.common.errors import Problem
from survey.console.forms import FrameForm
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import frames_for, standing
from survey.console.uploads import TABLE_KINDS, TABLE_MAX_BYTES, keep_upload
from survey.jobs.models import Job
from survey.jobs.tasks import start
from survey.sampling.models import FrameVersion

CHECK = "sampling.check_frame"


@allowed("console.view")
def frame(request: HttpRequest, pk: int) -> HttpResponse:
    """Frame versions that serve this round, and the coverage checks of one of them (`?version=`)."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    mine = FrameVersion.objects.visible_to(request.user)
    versions = mine.filter(pk__in=frames_for(round_)).select_related("region")
    chosen = None
    if request.GET.get("version", "").isdigit():
        chosen = one_of(versions, pk=int(request.GET["version"]))
    elif has.frame is not None:
        chosen = versions.filter(pk=has.frame.pk).first() or versions.first()
    checks = chosen.checks if chosen else {}
    return render_step(
        request,
        "population.html",
        round_,
        "frame",
        has=has,
        versions=versions,
        chosen=chosen,
        checks=checks,
        streets=paged(request, checks.get("by_street", [])),
        may_import=may(request.user, "sampling.manage", round_.study.region),
        last_check=_last_check(chosen) if chosen else None,
    )


def _last_check(frame: FrameVersion) -> Job | None:
    """The newest finished check of a frame, whoever asked for it."""
    done = Job.objects.filter(kind=CHECK, state=Job.State.DONE, params__frame=frame.pk)
    return done.order_by("-finished_at").first()


@allowed("sampling.manage")
@require_POST
def check_frame(request: HttpRequest, pk: int, frame_pk: int) -> HttpResponse:
    """Open every line of a frame again: a job, whose outcome the population's page shows."""
    round_ = team_round(request.user, pk)
    mine = FrameVersion.objects.visible_to(request.user).filter(pk__in=frames_for(round_))
    frame = one_of(mine, pk=frame_pk)
    require(request.user, "sampling.manage", frame.region)
    job = start(kind=CHECK, params={"frame": frame.pk, "round": round_.pk}, acting_user=request.user)
    return redirect("console:job", pk=job.pk)


@allowed("sampling.manage")
@require_http_methods(["GET", "POST"])
def import_frame(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a household list and start its import; the job's page shows progress and refused rows."""
    round_ = team_round(request.user, pk)
    initial = {"region": round_.study.region.code}
    form = FrameForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        region = form.cleaned_data["region"]
        require(request.user, "sampling.manage", region)
        try:
            path = keep_upload(form.cleaned_data["file"], kinds=TABLE_KINDS, max_bytes=TABLE_MAX_BYTES)
        except Problem as problem:
            form.add_error("file", problem.message)
        else:
            job = start(
                kind="sampling.import_households",
                params={
                    "path": str(path),
                    "name": form.cleaned_data["name"],
                    "region_code": region.code,
                    "is_simulated": round_.is_simulated,
                    "delete_file": True,
                    "round": round_.pk,
                },
                acting_user=request.user,
            )
            return redirect("console:job", pk=job.pk)
    return render_step(request, "import_frame.html", round_, "frame", form=form, regions=region_choices())
