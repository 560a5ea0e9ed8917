"""Letters: prepared as a job, fetched part by part to be printed, printed again where one was lost."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.console.page import paged, render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import standing
from survey.contacts.models import LetterBatch
from survey.contacts.queries import cases_for_letters, drawn_cases
from survey.contacts.services import remove_letters
from survey.contacts.tasks import PREPARE_LETTERS, start_letters
from survey.jobs.models import Job
from survey.sampling.models import Case
from survey.studies.models import Round

LETTER, REMINDER = "letter", "reminder"


@allowed("console.view")
def letters(request: HttpRequest, pk: int) -> HttpResponse:
    """Printings so far, and what to do next."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    batches = LetterBatch.objects.visible_to(request.user).filter(round=round_).select_related("created_by")
    page = paged(request, batches)
    for batch in page:
        batch.parts = range(1, batch.n_parts + 1) if batch.file else ()
    n_waiting = cases_for_letters(round_, step=LETTER).count()
    running = Job.objects.filter(
        kind=PREPARE_LETTERS,
        params__round=round_.pk,
        state__in=[Job.State.PENDING, Job.State.RUNNING],
    ).first()
    return render_step(
        request,
        "letters.html",
        round_,
        "letters",
        has=has,
        page=page,
        n_waiting=n_waiting,
        n_sent=drawn_cases(round_).count() - n_waiting,
        n_silent=cases_for_letters(round_, step=REMINDER).count() if not n_waiting else 0,
        running=running,
        may_print=may(request.user, "contacts.manage", round_.study.region)
        and round_.state != Round.State.CLOSED,
    )


@allowed("contacts.manage")
@require_POST
def prepare(request: HttpRequest, pk: int) -> HttpResponse:
    """Prepare letters: the first one, a reminder to the silent, or one household's again."""
    round_ = team_round(request.user, pk)
    require(request.user, "contacts.manage", round_.study.region)
    skip = bool(request.POST.get("skip_unprintable"))
    case_ids = None
    if request.POST.get("do") == "reprint":
        number = request.POST.get("number", "").strip()
        case = drawn_cases(round_).filter(pk__in=Case.objects.visible_to(request.user), number=number).first()
        if case is None:
            messages.warning(request, _("没有 %s 号户。户号印在信的右上角。") % number)
            return redirect("console:letters", pk=pk)
        case_ids = [case.pk]
    step = REMINDER if request.POST.get("do") == REMINDER else LETTER
    if not cases_for_letters(round_, step=step, case_ids=case_ids).exists():
        messages.info(request, _("没有要备信的户：该备的都备过了，或者已经有了结果。"))
        return redirect("console:letters", pk=pk)
    job = start_letters(
        round=round_,
        acting_user=request.user,
        step=step,
        case_ids=case_ids,
        skip_unprintable=skip,
        as_sheet=bool(request.POST.get("as_sheet")),
    )
    return redirect("console:job", pk=job.pk)


@allowed("contacts.manage")
@require_POST
def remove(request: HttpRequest, pk: int, batch_pk: int) -> HttpResponse:
    """Destroy the files of a printing."""
    round_ = team_round(request.user, pk)
    require(request.user, "contacts.manage", round_.study.region)
    batch = one_of(LetterBatch.objects.visible_to(request.user).filter(round=round_), pk=batch_pk)
    remove_letters(batch=batch, acting_user=request.user)
    messages.success(request, _("文件已经销毁。码仍然有效，信照常能用。"))
    return redirect("console:letters", pk=pk)
