"""The wizard from the commitment on: commit, have it stamped, take secrets, draw, reveal, give up."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import require
from survey.common.clock import now
from survey.common.errors import Problem
from survey.console.draw_forms import BeaconForm, CommitForm, SecretForm, TimestampForm
from survey.console.draw_pages import commitment_page, wizard_context
from survey.console.forms import ReasonForm
from survey.console.page import render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import standing
from survey.jobs.tasks import start
from survey.sampling.beacons import DEMO, Unreadable, normalise_value
from survey.sampling.certificate import commitment_file
from survey.sampling.models import Design, Draw
from survey.sampling.services import commit_draw, give_secret, record_timestamp, reveal_draw, void_draw
from survey.sampling.services.commits import beacon_words
from survey.studies.models import Round

TOKEN_MAX = 64 * 1024  # bytes; a response of a time-stamping authority has a few thousand


def draw_of(request: HttpRequest, round_: Round, draw_pk: int) -> Draw:
    """One draw of a round that the user may see."""
    rows = Draw.objects.visible_to(request.user).filter(design__round=round_)
    return one_of(rows.select_related("design__frame", "design__round__study", "drawn_by"), pk=draw_pk)


def _may(request: HttpRequest, round_: Round, action: str) -> None:
    require(request.user, action, round_.study.region)


@allowed("sampling.commit")
@require_http_methods(["GET", "POST"])
def commit(request: HttpRequest, pk: int, design_pk: int) -> HttpResponse:
    """Fix design, parties, beacon and the day of the reveal; then it can be published."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.commit")
    row = one_of(
        Design.objects.visible_to(request.user).filter(round=round_).select_related("frame"), pk=design_pk
    )
    has = standing(round_)
    if has.pending is not None:
        return redirect("console:drawn", pk=pk, draw_pk=has.pending.pk)
    form = CommitForm(
        request.POST or None,
        round_=round_,
        is_simulated=row.frame.is_simulated,
        again=has.draw is not None,
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            draw = commit_draw(
                design=row,
                beacon_kind=data["kind"],
                beacon_name=form.beacon_name(),
                beacon_at=now() if data["kind"] == DEMO else data["at"],
                reveal_by=data["reveal_by"],
                parties=form.parties(),
                reason=data.get("reason", ""),
                acting_user=request.user,
            )
        except Problem as problem:
            form.add_error(None, problem.message)
        else:
            return redirect("console:commitment", pk=pk, draw_pk=draw.pk)
    context = wizard_context(request, round_, has, "commit")
    return render_step(request, "commit.html", round_, "sampling", has=has, design=row, form=form, **context)


@allowed("sampling.view")
def commitment(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """The commitment as it is published, and who bears witness to it."""
    round_ = team_round(request.user, pk)
    draw = draw_of(request, round_, draw_pk)
    has = standing(round_)
    return render_step(
        request,
        "commitment.html",
        round_,
        "sampling",
        has=has,
        **wizard_context(request, round_, has, "commit"),
        **commitment_page(request, draw),
    )


@allowed("sampling.view")
def commitment_text(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """The file that a third party stamps."""
    draw = draw_of(request, team_round(request.user, pk), draw_pk)
    answer = HttpResponse(commitment_file(draw), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="commitment-{draw.pk}.json"'
    return answer


def _done(request: HttpRequest, deed: Any, words: str) -> bool:
    """Do a deed; say what came of it."""
    try:
        deed()
    except Problem as problem:
        messages.warning(request, problem.message)
        return False
    messages.success(request, words)
    return True


@allowed("sampling.commit")
@require_POST
def timestamp(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Keep a third party's word."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.commit")
    draw = draw_of(request, round_, draw_pk)
    form = TimestampForm(request.POST, request.FILES)
    file = request.FILES.get("token")
    if not form.is_valid():
        messages.warning(request, _("请选是哪一种证明，并写明由谁作证。"))
    elif file is not None and (file.size or 0) > TOKEN_MAX:
        messages.warning(request, _("这个文件太大，不是时间戳回执。"))
    else:
        data = form.cleaned_data
        _done(
            request,
            lambda: record_timestamp(
                draw=draw,
                kind=data["kind"],
                authority=data["authority"],
                stamped_at=data["stamped_at"],
                token=file.read() if file is not None else b"",
                address=data["address"],
                note=data["note"],
                acting_user=request.user,
            ),
            _("作证的记下来了，公开页上能看到。"),
        )
    return redirect("console:commitment", pk=pk, draw_pk=draw_pk)


@allowed("sampling.draw")
@require_POST
def secret(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Take a party's secret."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.draw")
    draw = draw_of(request, round_, draw_pk)
    form = SecretForm(request.POST)
    if form.is_valid():
        _done(
            request,
            lambda: give_secret(
                draw=draw,
                party_number=form.cleaned_data["party"],
                secret_hex=form.cleaned_data["secret"],
                acting_user=request.user,
            ),
            _("对上了，秘密收下了。"),
        )
    else:
        messages.warning(request, _("请填这一方的秘密。"))
    return redirect("console:drawn", pk=pk, draw_pk=draw_pk)


@allowed("sampling.draw")
@require_POST
def draw_now(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Draw as a job, once the beacon's value is typed in."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.draw")
    draw = draw_of(request, round_, draw_pk)
    form = BeaconForm(request.POST, draw=draw)
    if not form.is_valid():
        messages.warning(request, _("请填开出来的号码。"))
        return redirect("console:drawn", pk=pk, draw_pk=draw_pk)
    value = form.cleaned_data["value"]
    try:
        normalise_value(draw.beacon_kind, draw.beacon_name, value)
    except Unreadable as error:
        messages.warning(request, _("%(why)s。") % {"why": beacon_words(error)})
        return redirect("console:drawn", pk=pk, draw_pk=draw_pk)
    if draw.state != Draw.State.COMMITTED or round_.state == Round.State.CLOSED:
        raise Problem("common.locked", what=_("这次抽样"))
    if now() < draw.beacon_at:
        messages.warning(request, _("还没有揭晓，抽不了。"))
        return redirect("console:drawn", pk=pk, draw_pk=draw_pk)
    job = start(
        kind="sampling.draw",
        params={"draw": draw.pk, "beacon": value, "round": round_.pk},
        acting_user=request.user,
    )
    return redirect("console:job", pk=job.pk)


@allowed("sampling.reveal")
@require_POST
def reveal(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Open everything, after the field has closed."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.reveal")
    draw = draw_of(request, round_, draw_pk)
    if request.POST.get("sure"):
        _done(
            request,
            lambda: reveal_draw(draw=draw, acting_user=request.user),
            _("公开了。现在谁都能重算这次抽样。"),
        )
    else:
        messages.warning(request, _("请先勾选确认。"))
    return redirect("console:drawn", pk=pk, draw_pk=draw_pk)


@allowed("sampling.commit")
@require_POST
def void(request: HttpRequest, pk: int, draw_pk: int) -> HttpResponse:
    """Give a commitment or a draw up, with a reason that everybody will read."""
    round_ = team_round(request.user, pk)
    _may(request, round_, "sampling.commit")
    draw = draw_of(request, round_, draw_pk)
    form = ReasonForm(request.POST)
    if form.is_valid():
        _done(
            request,
            lambda: void_draw(draw=draw, reason=form.cleaned_data["reason"], acting_user=request.user),
            _("作废了。记录和理由一直留着。"),
        )
    else:
        messages.warning(request, _("请写明理由，并勾选确认。"))
    return redirect("console:sampling", pk=pk)
