"""Tasks: what runs, how far it is, how it ended."""

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.console.job_words import job_name
from survey.console.page import paged
from survey.console.rows import one_of, team_rounds, visible_jobs
from survey.jobs.models import Job
from survey.jobs.services import request_cancel
from survey.sampling.services import refused_file


@allowed("jobs.view")
def jobs(request: HttpRequest) -> HttpResponse:
    """One's tasks, newest first."""
    page = paged(request, visible_jobs(request.user))
    for job in page:
        job.name = job_name(job.kind)
    return render(request, "console/jobs.html", {"page": page, "current": "jobs"})


ONWARD = {
    "sampling.import_households": "frame",
    "sampling.check_frame": "frame",
    "sampling.forecast": "plan_simulation",
    "contacts.prepare_letters": "letters",
    "reports.run": "weighting",
}


def _onward(job: Job, round_pk: int) -> str:
    """Where the outcome of a job is to be seen; "" when nowhere."""
    if job.kind == "sampling.draw":
        return reverse("console:drawn", args=[round_pk, job.params["draw"]])
    return reverse(f"console:{ONWARD[job.kind]}", args=[round_pk]) if job.kind in ONWARD else ""


@allowed("jobs.view")
@never_cache
def job(request: HttpRequest, pk: str) -> HttpResponse:
    """One task: progress while it runs, outcome and refused rows afterwards."""
    row = one_of(visible_jobs(request.user), pk=pk)
    round_pk = row.params.get("round")
    round_ = team_rounds(request.user).filter(pk=round_pk).first() if round_pk else None
    onward = _onward(row, round_.pk) if round_ is not None else ""
    context = {
        "job": row,
        "name": job_name(row.kind),
        "onward": onward,
        "current": "jobs",
        "percent": round(row.progress * 100),
        "has_refused_file": refused_file(row).is_file(),
    }
    if round_ is not None:
        context["round"] = round_
    return render(request, "console/job.html", context)


@allowed("jobs.view")
@never_cache
def refused(request: HttpRequest, pk: str) -> FileResponse:
    """Every row that an import refused, as a table; the page lists the first 500."""
    row = one_of(visible_jobs(request.user), pk=pk)
    path = refused_file(row)
    if not path.is_file():
        raise Problem("common.not_found")
    name = _("有问题的行") + ".csv"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv")


@allowed("jobs.view")
@never_cache
def state(request: HttpRequest, pk: str) -> JsonResponse:
    """How far a task is, for `job.js`."""
    row = one_of(visible_jobs(request.user), pk=pk)
    return JsonResponse(
        {
            "state": row.state,
            "over": row.is_over,
            "progress": row.progress,
            "message": row.message,
        }
    )


@allowed("jobs.view")
@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    """Ask a task to stop."""
    row = one_of(visible_jobs(request.user), pk=pk)
    if row.is_over:
        messages.info(request, _("它已经结束了。"))
    else:
        request_cancel(job=Job.objects.get(pk=row.pk), acting_user=request.user)
        messages.success(request, _("已经请它停下。做到一半的不会留下。"))
    return redirect("console:job", pk=pk)
