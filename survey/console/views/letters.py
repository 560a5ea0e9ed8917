"""Letters: prepared as a job, fetched once to be printed, printed again where one was lost."""

from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import standing
from survey.contacts.models import HouseholdCode, LetterBatch
from survey.jobs.models import Job
from survey.jobs.tasks import start
from survey.sampling.models import Case
from survey.studies.models import Round

KIND = "contacts.prepare_letters"


@allowed("console.view")
def letters(request: HttpRequest, pk: int) -> HttpResponse:
    """Printings so far, and what to do next."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    cases = Case.objects.released().filter(draw=has.draw) if has.draw else Case.objects.none()
    with_code = HouseholdCode.objects.filter(
        case__in=cases, kind=HouseholdCode.Kind.QR, replaced_at__isnull=True
    ).count()
    running = Job.objects.filter(
        kind=KIND, params__round=round_.pk, state__in=[Job.State.PENDING, Job.State.RUNNING]
    ).first()
    return render_step(
        request,
        "letters.html",
        round_,
        "letters",
        has=has,
        page=paged(request, LetterBatch.objects.filter(round=round_).select_related("created_by")),
        n_with_code=with_code,
        n_without=has.n_cases - with_code,
        running=running,
        may_print=may(request.user, "contacts.manage", round_.study.region)
        and round_.state != Round.State.CLOSED,
    )


@allowed("contacts.manage")
@require_POST
def prepare(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare letters: for all cases without one, for one case number again, or a reminder to the silent."""
    round_ = team_round(request.user, pk)
    require(request.user, "contacts.manage", round_.study.region)
    draw = standing(round_).draw
    if draw is None:
        raise Problem("study.not_ready", reason=_("还没有抽样，没有可以写信的户"))
    params: dict[str, object] = {"round": round_.pk, "step": "letter"}
    cases = Case.objects.visible_to(request.user).released().filter(draw=draw)
    do = request.POST.get("do")
    if do == "reprint":
        number = request.POST.get("number", "").strip()
        case = cases.filter(number=number).first()
        if case is None:
            messages.warning(request, _("没有 %s 号户。户号印在信的右上角。") % number)
            return redirect("console:letters", pk=pk)
        params |= {"step": "reprint", "case_ids": [case.pk]}
    else:
        lettered = HouseholdCode.objects.filter(replaced_at__isnull=True).values("case")
        params["case_ids"] = list(cases.exclude(pk__in=lettered).values_list("pk", flat=True))
        if not params["case_ids"]:
            messages.info(request, _("每一户都有信了。丢了的，填户号补印。"))
            return redirect("console:letters", pk=pk)
    job = start(kind=KIND, params=params, acting_user=request.user)
    return redirect("console:job", pk=job.pk)


@allowed("contacts.manage")
@never_cache
def download(request: HttpRequest, pk: int, batch_pk: int) -> FileResponse:
    """The PDF of a printing. It holds addresses and codes: only whoever prints gets it."""
    round_ = team_round(request.user, pk)
    require(request.user, "contacts.manage", round_.study.region)
    batch = one_of(LetterBatch.objects.filter(round=round_).exclude(file=""), pk=batch_pk)
    path = Path(settings.MEDIA_ROOT) / batch.file
    if not path.is_file():
        raise Problem("common.not_found")
    name = f"letters-{round_.pk}-{batch.pk}.pdf"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/pdf")
