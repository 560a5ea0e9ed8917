"""Posters of a round: made, printed, taken down, counted apart."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console.page import render_step
from survey.console.rows import one_of, team_round
from survey.console.views.channel import posted_key
from survey.contacts.sheet_page import PER_PAGE
from survey.regions.models import Region
from survey.responses.volunteers import KIND_NAMES, rule_words, volunteer_tally
from survey.studies.models import Round
from survey.wechat.models import Poster
from survey.wechat.posters import close_poster, make_posters, poster_rows, print_posters
from survey.wechat.services import account_for

MAX_FOUND = 60


@allowed("wechat.manage")
@require_http_methods(["GET", "POST"])
def posters(request: HttpRequest, pk: int) -> HttpResponse:
    """The round's posters with their counts, and the form of new ones."""
    round_ = team_round(request.user, pk)
    require(request.user, "wechat.manage", round_.study.region)
    if request.method == "POST":
        _change(request, round_)
        return redirect("console:posters", pk=pk)
    search = request.GET.get("q", "").strip()
    tally = volunteer_tally(round_)
    return render_step(
        request,
        "posters.html",
        round_,
        "posters",
        rows=poster_rows(_of(request, round_).order_by("closed_at", "region__code", "pk")),
        found=_places(round_, search),
        search=search,
        max_found=MAX_FOUND,
        tally=tally,
        doubts=[(KIND_NAMES[kind], n) for kind, n in tally.kinds.items()],
        rule=rule_words(),
        account=account_for(round_.study),
        may_make=may(request.user, "wechat.manage", round_.study.region)
        and round_.state != Round.State.CLOSED,
    )


def _of(request: HttpRequest, round_: Round):
    return Poster.objects.visible_to(request.user).filter(round=round_)


def _places(round_: Round, search: str) -> list[Region]:
    """Communities and grids of the study whose name or code was searched for; the drawn ones first."""
    places = Region.objects.within(round_.study.region.path).current().filter(level__in=("community", "grid"))
    if search:
        places = places.filter(name__contains=search) | places.filter(code__startswith=search)
    else:
        places = places.filter(pk__in=round_.cases.values("community"))
    return list(places.select_related("parent").order_by("code")[:MAX_FOUND])


def _change(request: HttpRequest, round_: Round) -> None:
    try:
        if request.POST.get("do") == "close":
            poster = one_of(_of(request, round_), pk=posted_key(request, "poster"))
            close_poster(poster=poster, acting_user=request.user)
            messages.success(request, _("这张海报的码不再能用。已经收到的回答还在。"))
            return
        codes = request.POST.getlist("region")
        regions = list(Region.objects.filter(code__in=codes, path__startswith=round_.study.region.path))
        made = make_posters(
            round=round_,
            regions=regions,
            label=request.POST.get("label", ""),
            acting_user=request.user,
        )
        messages.success(request, _("做好了 %(n)d 张海报。") % {"n": len(made)})
    except Problem as problem:
        messages.error(request, problem.message)


@allowed("wechat.manage")
@require_safe
def print_sheet(request: HttpRequest, pk: int, per_page: int) -> HttpResponse:
    """The posters that hang, as PDF: eight on a page, or one."""
    round_ = team_round(request.user, pk)
    require(request.user, "wechat.manage", round_.study.region)
    if per_page not in PER_PAGE:
        raise Problem("common.not_found")
    rows = list(
        _of(request, round_)
        .filter(closed_at__isnull=True)
        .select_related("round__study", "region__parent__parent__parent")
    )
    if not rows:
        messages.info(request, _("还没有海报，先做一张再打印。"))
        return redirect("console:posters", pk=pk)
    document = print_posters(posters=rows, per_page=per_page)
    reply = HttpResponse(document, content_type="application/pdf")
    reply["Content-Disposition"] = f'attachment; filename="posters-{round_.pk}-{per_page}.pdf"'
    return reply
