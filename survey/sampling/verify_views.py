"""Public pages where a draw is done again."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from survey.common.throttle import count_try
from survey.jobs.models import Job
from survey.sampling.services.verifying import (
    MOST_BYTES,
    find_verification,
    start_stored,
    start_uploaded,
)
from survey.sampling.verify_draw import CHECKED, DIFFERS, UNCHECKED
from survey.sampling.views import count_visitor, page_of, public, public_draw

HOUR_S = 3600
VERIFICATIONS, VERIFICATIONS_OF_ALL = 20, 200  # an hour: from one address, and altogether
MARKS = {
    DIFFERS: (gettext_lazy("不对"), "badge-void"),
    UNCHECKED: (gettext_lazy("没法查"), "badge-plain"),
    CHECKED: (gettext_lazy("对"), ""),
}
REMARKED = (gettext_lazy("注意"), "badge-note")


@require_http_methods(["GET", "HEAD", "POST"])
@public
def verify(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a draw to be done again: with the published certificate, or with one's own copy."""
    draw = public_draw(pk)
    if request.method == "POST":
        count_visitor(request, "draws.verify", limit=VERIFICATIONS, window_s=HOUR_S)
        count_try(scope="draws.verify.all", key="all", limit=VERIFICATIONS_OF_ALL, window_s=HOUR_S)
        file = request.FILES.get("certificate")
        if request.POST.get("which") == "stored":
            return _to(start_stored(draw=draw), pk)
        if file is not None:
            return _to(start_uploaded(draw=draw, file=file), pk)
    missing = request.method == "POST"
    context = page_of(draw, most=MOST_BYTES // (1024 * 1024), missing=missing)
    return render(request, "draws/verify.html", context, status=400 if missing else 200)


@require_safe
@never_cache
@public
def verdict(request: HttpRequest, pk: int, job_pk: UUID) -> HttpResponse:
    """Yes or no, and why; how far it is while it runs."""
    draw = public_draw(pk)
    job = find_verification(draw=draw, job_pk=job_pk)
    context = page_of(draw, job=job, certificate_hash=job.params["certificate_hash"])
    context["uploaded"] = job.params["uploaded"]
    if job.state == Job.State.DONE:
        found = job.result
        context |= {name: found[name] for name in ("ok", "complete", "cut", "same_as_published")}
        language = "en" if get_language() == "en" else "zh"
        # What differs comes first; sorting keeps the order of the rest.
        findings = sorted(found["findings"], key=lambda finding: finding["level"] != DIFFERS)
        context["findings"] = [_shown(finding, language) for finding in findings]
    return render(request, "draws/verdict.html", context)


@require_safe
@never_cache
@public
def verify_state(request: HttpRequest, pk: int, job_pk: UUID) -> JsonResponse:
    """How far it is, for `job.js`."""
    job = find_verification(draw=public_draw(pk), job_pk=job_pk)
    return JsonResponse(
        {"state": job.state, "over": job.is_over, "progress": job.progress, "message": job.message}
    )


def _to(job: Job, pk: int) -> HttpResponse:
    return redirect("draws:verdict", pk=pk, job_pk=job.pk)


def _shown(finding: dict[str, str], language: str) -> dict[str, str]:
    mark, badge = MARKS.get(finding["level"], REMARKED)
    return {"mark": str(mark), "badge": badge, "words": finding[language], "where": finding["where"]}
