"""Posters: one public code for a community or a grid, and who came in through it.

Whoever scans one is a volunteer (docs/glossary.md), apart from the drawn households up to the report.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common import pdf
from survey.common.clock import now
from survey.common.errors import Problem
from survey.common.throttle import count_try
from survey.contacts import sheet_page
from survey.contacts.codes import ALPHABET
from survey.contacts.queries import place_of
from survey.regions.models import Region
from survey.responses.models import Respondent
from survey.responses.services import enter_as_volunteer
from survey.responses.volunteers import volunteer_tally
from survey.studies.models import Round
from survey.wechat.publishing_models import Poster, PosterEntry

CODE_LENGTH = 10  # 50 random bits: the code is public, but nobody should hit another community's by chance
LEVELS = (Region.Level.COMMUNITY, Region.Level.GRID)
MAX_AT_ONCE = 500
# A wall newspaper in front of a school has one address for many phones; a script has one for all of them.
NETWORK_LIMIT, NETWORK_WINDOW_S = 120, 600
DEVICE_LIMIT, DEVICE_WINDOW_S = 6, 600


@transaction.atomic
def make_posters(*, round: Round, regions: Sequence[Region], label: str, acting_user: Actor) -> list[Poster]:
    """One poster for each community or grid.

    Raises
    ------
    Problem common.invalid : no region, too many, one of another level, or outside the study's region.
    Problem contacts.closed : the round's field period is over.
    """
    if round.state == Round.State.CLOSED:
        raise Problem("contacts.closed")
    if not regions or len(regions) > MAX_AT_ONCE:
        raise Problem("common.invalid", reason=_("请选 1 到 %(most)s 个社区或网格") % {"most": MAX_AT_ONCE})
    for region in regions:
        if region.level not in LEVELS or not region.path.startswith(round.study.region.path):
            raise Problem(
                "common.invalid",
                reason=_("“%(name)s”不是这个项目里的社区或网格") % {"name": region.name},
            )
    posters = Poster.objects.bulk_create(
        Poster(
            round=round,
            region=region,
            label=label.strip()[:60],
            code="".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)).lower(),
            created_by_id=acting_user.pk or None,
        )
        for region in regions
    )
    record(
        action="wechat.posters.made",
        acting_user=acting_user,
        target=round,
        region_code=round.study.region.code,
        detail={"count": len(posters), "label": label[:60]},
    )
    return posters


@transaction.atomic
def close_poster(*, poster: Poster, acting_user: Actor) -> None:
    """The poster was taken down: its code opens nothing any more. Answers that came through it stay."""
    Poster.objects.filter(pk=poster.pk, closed_at__isnull=True).update(closed_at=now())
    record(
        action="wechat.poster.closed",
        acting_user=acting_user,
        target=poster,
        region_code=poster.region.code,
    )


def find_poster(code: str) -> Poster:
    """The poster with this code, if it hangs and its round is open.

    Raises
    ------
    Problem wechat.poster_unknown, contacts.not_open, contacts.closed.
    """
    poster = Poster.objects.select_related("round__study", "region").filter(code=code.lower()[:16]).first()
    if poster is None or poster.closed_at is not None:
        raise Problem("wechat.poster_unknown")
    if poster.round.state == Round.State.CLOSED:
        raise Problem("contacts.closed")
    if poster.round.state != Round.State.OPEN:
        raise Problem("contacts.not_open")
    return poster


@transaction.atomic
def enter_by_poster(*, poster: Poster, channel: str, device_secret: str, network: str) -> Respondent:
    """Let a phone in through a poster; the channel's log-in proves the identity afterwards.

    `network` is the client's address; tries of one network and of one phone are counted.

    Raises
    ------
    Problem common.too_many
    """
    count_try(
        scope="wechat.poster.network",
        key=f"{poster.pk}:{network}",
        limit=NETWORK_LIMIT,
        window_s=NETWORK_WINDOW_S,
    )
    count_try(
        scope="wechat.poster.device",
        key=f"{poster.pk}:{device_secret[:12]}",
        limit=DEVICE_LIMIT,
        window_s=DEVICE_WINDOW_S,
    )
    respondent = enter_as_volunteer(
        round=poster.round, region=poster.region, channel=channel, device_secret=device_secret
    )
    PosterEntry.objects.update_or_create(respondent=respondent, defaults={"poster": poster})
    return respondent


def poster_address(poster: Poster) -> str:
    """What the QR holds."""
    return settings.PUBLIC_URL + reverse("posters:poster", args=[poster.code])


def print_posters(*, posters: Sequence[Poster], per_page: int, language: str = "zh-hans") -> bytes:
    """The posters as PDF, eight on a page or one.

    Raises
    ------
    Problem common.invalid : nothing to print. Problem reports.font : a character that no font draws.
    """
    if not posters:
        raise Problem("common.invalid", reason=_("还没有海报，先做一张再打印"))
    round_ = posters[0].round
    study = round_.study
    with translation.override(language):
        cells = [
            sheet_page.Cell(
                study=str(round_),
                title=_("说说您对这里的看法"),
                lines=tuple(filter(None, (place_of(poster.region), poster.label, _("自愿参加，随时可停。")))),
                qr=poster_address(poster),
                under=_("微信扫一扫"),
                foot=_("%(sponsor)s · 拨 %(phone)s 核实 · 不抽奖，不收费")
                % {"sponsor": study.sponsor, "phone": study.contact_phone},
            )
            for poster in posters
        ]
    missing = pdf.undrawable(sheet_page.strings_of(cells), language=language)
    if missing:
        characters = "".join(dict.fromkeys("".join(missing.values())))
        raise Problem("reports.font", characters=characters)
    return sheet_page.render(round_, cells, per_page=per_page, language=language)


def poster_rows(posters: QuerySet[Poster]) -> list[dict[str, Any]]:
    """Posters of one round: phones that opened each, and the place's (counted, flagged) answers."""
    rows = list(
        posters.select_related("round", "region").annotate(
            n_opened=Count("entries", distinct=True),
            n_answered=Count("entries__respondent__responses", distinct=True),
        )
    )
    tally = volunteer_tally(rows[0].round) if rows else None
    return [
        {
            "poster": row,
            "address": poster_address(row),
            "n_opened": row.n_opened,
            "n_answered": row.n_answered,
            "place_counts": tally.by_region.get(row.region_id, (0, 0)) if tally else (0, 0),
        }
        for row in rows
    ]
