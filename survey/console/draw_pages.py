"""What the pages from the commitment on show."""

from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from survey.accounts.policies import may
from survey.common.clock import now
from survey.console.draw_forms import BeaconForm, SecretForm, TimestampForm
from survey.console.forms import ConfirmForm, ReasonForm
from survey.console.page import paged
from survey.console.plan import Plan
from survey.console.plan_steps import wizard_steps
from survey.console.steps import Standing
from survey.sampling.beacons import public_address
from survey.sampling.models import Draw
from survey.sampling.probability_summary import summarise
from survey.sampling.public import LAPSED, public_state, timeline
from survey.sampling.queries import counts_by_street
from survey.studies.models import Round


def wizard_context(request: HttpRequest, round_: Round, has: Standing, step: str) -> dict[str, Any]:
    """The seven steps, with the one that a page belongs to."""
    steps = wizard_steps(Plan(round_, request.user), has)
    return {"wizard": steps, "here": next(s for s in steps if s.key == step)}


def wait_words(left: timedelta) -> str:
    """How long until something, in words."""
    minutes = max(int(left.total_seconds() // 60), 0)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return _("还有 %(days)s 天 %(hours)s 小时") % {"days": days, "hours": hours}
    if hours:
        return _("还有 %(hours)s 小时 %(minutes)s 分") % {"hours": hours, "minutes": rest}
    return _("还有 %(minutes)s 分") % {"minutes": rest} if rest else _("不到一分钟")


def public_url(name: str, draw: Draw) -> str:
    """Address of a public page of a draw; "" while the draw has none (release 1)."""
    if not draw.commitment.get("beacon"):
        return ""
    try:
        return reverse(f"draws:{name}", args=[draw.pk])
    except NoReverseMatch:
        return ""


def commitment_page(request: HttpRequest, draw: Draw) -> dict[str, Any]:
    """The text to publish and what comes next."""
    region = draw.design.round.study.region
    return {
        "draw": draw,
        "parties": list(draw.parties.order_by("number")),
        "stamps": list(draw.timestamps.order_by("stamped_at")),
        "stamp_form": TimestampForm(),
        "may_stamp": may(request.user, "sampling.commit", region)
        and draw.state != Draw.State.VOID
        and draw.revealed_at is None,
        "public": public_url("draw", draw),
        "plan": draw.design.plan,
    }


def waiting_page(request: HttpRequest, draw: Draw) -> dict[str, Any]:
    """A commitment that waits: for its beacon, for secrets, for the button."""
    region = draw.design.round.study.region
    parties = list(draw.parties.order_by("number"))
    missing = [party for party in parties if party.given_at is None and party.secret_cipher is None]
    for party in missing:
        party.form = SecretForm(initial={"party": party.number}, prefix=None, auto_id=f"id_%s_{party.number}")
    is_time = now() >= draw.beacon_at
    lapsed = public_state(draw) == LAPSED
    return {
        "draw": draw,
        "parties": parties,
        "missing": missing,
        "is_time": is_time,
        "lapsed": lapsed,
        "wait": "" if is_time else wait_words(draw.beacon_at - now()),
        "source": public_address(draw.beacon_kind, draw.beacon_name),
        "steps_public": timeline(draw),
        "form": BeaconForm(draw=draw),
        "void_form": ReasonForm(label=_("我知道作废以后不能恢复"), auto_id="id_void_%s"),
        "may_draw": may(request.user, "sampling.draw", region)
        and draw.design.round.state != Round.State.CLOSED,
        "may_void": may(request.user, "sampling.commit", region),
        "n_stamps": draw.timestamps.count(),
        "public": public_url("draw", draw),
    }


def _chances(cases: Any) -> dict[str, str] | None:
    """Smallest and largest probability of each stage in words, and what the weights add up to."""
    found = summarise(cases)
    if found is None:
        return None

    def span(values: tuple[float, float, float]) -> str:
        low, high = f"{values[0]:.1%}", f"{values[2]:.1%}"
        return low if low == high else f"{low}–{high}"

    return {
        "stage1": span(found.stage1),
        "stage2": span(found.stage2),
        "overall": span(found.overall),
        "weights": f"{found.weights_sum:,.0f}",
    }


def drawn_page(request: HttpRequest, draw: Draw) -> dict[str, Any]:
    """What a draw took: counts, chances, communities, reserves, and what may be done next."""
    round_ = draw.design.round
    region = round_.study.region
    replicates = list(draw.replicates.order_by("number"))
    psus = (
        draw.psus.select_related("psu__street", "stratum")
        .annotate(n=Count("cases"))
        .order_by("stratum__code", "order")
    )
    released = draw.cases.filter(replicate__released_at__isnull=False)
    is_current = draw.state == Draw.State.DRAWN
    return {
        "draw": draw,
        "psus": paged(request, psus),
        "n_psus": draw.psus.count(),
        "n_cases": draw.cases.count(),
        "n_released": released.count(),
        "by_street": counts_by_street(request.user, draw) if is_current else [],
        "chances": _chances(released),
        "replicates": replicates,
        "following": next((r.number for r in replicates if r.released_at is None), None),
        "form": ReasonForm(label=_("我知道放出以后不能收回")),
        "reveal_form": ConfirmForm(label=_("我知道公开以后收不回来"), auto_id="id_reveal_%s"),
        "may_release": may(request.user, "sampling.manage", region)
        and is_current
        and round_.state != Round.State.CLOSED,
        "may_reveal": may(request.user, "sampling.reveal", region)
        and is_current
        and round_.state == Round.State.CLOSED
        and draw.revealed_at is None
        and bool(draw.commitment.get("beacon")),
        "may_redraw": may(request.user, "sampling.commit", region)
        and is_current
        and round_.state == Round.State.DRAFT,
        "public": public_url("draw", draw),
        "certificate_pdf": public_url("certificate_pdf", draw),
        "parties": list(draw.parties.order_by("number")),
    }
