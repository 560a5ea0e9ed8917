"""Public pages of draws: the list, one draw with its timeline, its communities, the signing keys."""

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from survey.common.crypto import keyed_hash
from survey.common.errors import Problem
from survey.common.net import client_address
from survey.common.throttle import count_try
from survey.sampling.models import Draw
from survey.sampling.public import (
    STATE_WORDS,
    certificate_number,
    commits_of_round,
    is_simulated,
    plain_sentence,
    public_draws,
    public_state,
    signing_keys,
    summary,
    timeline,
)

PER_PAGE = 20
COMMUNITIES_PER_PAGE = 60
View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """A page for everybody: what is refused is said on a page that leads back to the draws."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            back = request.path if request.method == "POST" else reverse("draws:list")
            context = {"problem": problem, "back": back}
            return render(request, "draws/problem.html", context, status=problem.status)

    return shown


def public_draw(pk: int) -> Draw:
    """A published draw, or Problem common.not_found."""
    found = public_draws().filter(pk=pk).first()
    if found is None:
        raise Problem("common.not_found")
    return found


def page_of(draw: Draw, **more: Any) -> dict[str, Any]:
    """What every page of one draw shows."""
    state = public_state(draw)
    return {
        "draw": draw,
        "round": draw.design.round,
        "frame": draw.design.frame,
        "state": state,
        "state_words": STATE_WORDS[state],
        "number": certificate_number(draw),
        "simulated": is_simulated(draw),
        **more,
    }


def count_visitor(request: HttpRequest, scope: str, *, limit: int, window_s: int) -> None:
    """Count one try of this visitor's address; only a keyed hash is kept, while the window is open."""
    key = keyed_hash(client_address(request), "sampling.public")
    count_try(scope=scope, key=key, limit=limit, window_s=window_s)


@require_safe
@public
def draw_list(request: HttpRequest) -> HttpResponse:
    """Every commitment that was published, the void ones too."""
    page = Paginator(public_draws(), PER_PAGE).get_page(request.GET.get("page"))
    page.object_list = [summary(row) for row in page.object_list]
    return render(request, "draws/list.html", {"page": page})


@require_safe
@public
def draw(request: HttpRequest, pk: int) -> HttpResponse:
    """One draw from commitment to reveal, with everything that can be downloaded."""
    row = public_draw(pk)
    context = page_of(
        row,
        steps=timeline(row),
        sentence=plain_sentence(row),
        demo_beacon=row.beacon_kind == Draw.BeaconKind.DEMO,
        parties=row.parties.all(),
        stamps=[stamp for stamp in row.timestamps.all() if stamp.token],
        commits=commits_of_round(row),
        hashes=[
            (_("承诺"), row.commitment_hash),
            (_("名录"), row.commitment["frame_hash"]),
            (_("抽法（设计）"), row.commitment["design_hash"]),
            (_("方案"), row.commitment["plan_hash"]),
            (_("结果"), row.result_hash),
        ],
        certificate_name=f"certificate-{row.pk}.json",
        frame_name=f"frame-{row.design.frame.number}.csv.gz",
    )
    return render(request, "draws/draw.html", context)


@require_safe
@public
def communities(request: HttpRequest, pk: int) -> HttpResponse:
    """The frame's communities with their sizes and roots; `?q=` finds one by name or code."""
    row = public_draw(pk)
    rows = row.design.frame.trees.select_related("community").order_by("community__code")
    asked = request.GET.get("q", "").strip()[:60]
    if asked:
        rows = rows.filter(Q(community__name__icontains=asked) | Q(community__code__startswith=asked))
    page = Paginator(rows, COMMUNITIES_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "draws/communities.html", page_of(row, page=page, q=asked))


@require_safe
@public
def keys(request: HttpRequest) -> HttpResponse:
    """The office's public keys with their fingerprints."""
    rows = signing_keys()
    for row in rows:
        row.fingerprint = hashlib.sha256(bytes.fromhex(row.public_key)).hexdigest()
    return render(request, "draws/keys.html", {"keys": rows})
