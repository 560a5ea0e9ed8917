"""The delivery board: the funnel of a round by community and by hour, and what became of each message."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from survey.accounts.access import allowed
from survey.accounts.policies import may
from survey.console.page import paged, render_step
from survey.console.rows import team_round
from survey.console.views.contact_plan import step_name
from survey.wechat.board import STAGES, Funnel, by_community, by_hour, funnel, mass_lists, message_states
from survey.wechat.models import MassSend
from survey.wechat.reasons import reason_words
from survey.wechat.services import account_for

STAGE_NAMES: dict[str, Any] = {
    "sent": _("发出"),
    "delivered": _("送达"),
    "opened": _("打开"),
    "consented": _("同意"),
    "completed": _("完成"),
    "refused": _("拒绝"),
}


MAX_LISTS = 50


@allowed("console.view")
def delivery(request: HttpRequest, pk: int) -> HttpResponse:
    """The funnel with its bases."""
    round_ = team_round(request.user, pk)
    whole = funnel(round_)
    hours = by_hour(round_)
    busiest = max((max(row[stage] for stage in STAGES) for row in hours), default=0)
    return render_step(
        request,
        "delivery.html",
        round_,
        "delivery",
        whole=whole,
        stages=[_stage(whole, stage) for stage in STAGES],
        page=paged(request, by_community(round_)),
        hours=[row for row in hours if any(row[stage] for stage in STAGES)],
        busiest=busiest,
        stage_names=STAGE_NAMES,
        messages_sent=[{**row, "step_name": step_name(row["step"])} for row in message_states(round_)],
        mass_lists=[_list(row) for row in mass_lists(round_)[:MAX_LISTS]],
        account=account_for(round_.study),
        may_set_up=may(request.user, "wechat.manage", round_.study.region),
    )


def _list(row: MassSend) -> dict[str, Any]:
    """One list of a mass message, and what WeChat said became of it."""
    reason = row.status if row.status.startswith("err(") or row.status == "send fail" else ""
    return {
        "step_name": step_name(row.step),
        "row": row,
        "why": reason_words(reason),
        "n_missed": None if row.n_sent is None else max(row.n_listed - row.n_sent, 0),
    }


def _stage(whole: Funnel, stage: str) -> dict[str, Any]:
    """One stage with its base: delivery is known of messages only, everything else is of all households."""
    n, base = getattr(whole, stage), whole.messaged if stage == "delivered" else whole.n
    return {
        "key": stage,
        "name": STAGE_NAMES[stage],
        "n": n,
        "base": base,
        "share": n / base if base else None,
        "width": round(100 * n / whole.n, 1) if whole.n else 0,
        "of_messages": stage == "delivered",
    }
