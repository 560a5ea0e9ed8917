"""Writes down how a round reaches its households, before the field; pauses and resumes it."""

from datetime import time
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts.models import ContactPlan
from survey.contacts.plan import (
    DEFAULT_STEPS,
    MAX_DAY,
    MAX_FIELD,
    MAX_STEPS,
    MAX_TEXT,
    QUIET_FROM,
    QUIET_TO,
    PlanError,
    read_steps,
)
from survey.studies.models import Round


def _words(error: PlanError) -> str:
    reasons = {
        "empty": _("联系计划是空的，至少要有一封信"),
        "many": _("联系计划最多 %(count)s 步") % {"count": MAX_STEPS},
        "name": _("每一步要有名字：小写英文字母开头，只用字母、数字和下划线，最多 30 个"),
        "twice": _("和前面某一步重名，请换个名字"),
        "day": _("第几天请填 0 到 %(count)s 的整数") % {"count": MAX_DAY},
        "order": _("日子要一步比一步晚，或同一天"),
        "first": _("第一步必须是第 0 天的信：每一户都要以同样的方式得到答题的机会"),
        "mode": _("方式请从信（letter）、微信（wechat）、上门（door）里选，不要重复"),
        "channel": _(
            "微信渠道请从客服消息（custom）、订阅通知（subscribe）、模板消息（template）、群发（mass）里选"
        ),
        "text": _("微信消息最多 %(count)s 个字") % {"count": MAX_TEXT},
        "link": _("微信消息里要有 {link}，发送时换成答题的链接"),
        "template": _("订阅通知和模板消息要填模板编号"),
        "fields": _("模板的每个字段要有 1 到 %(count)s 个字，不能换行") % {"count": MAX_FIELD},
        "notice": _("模板消息只能用于服务通知。请确认这条是服务通知，否则去掉这个渠道"),
    }
    reason = reasons[error.reason]
    return _("第 %(step)s 步：%(reason)s") % {"step": error.step, "reason": reason} if error.step else reason


@transaction.atomic
def save_contact_plan(
    *,
    round: Round,
    steps: list[dict[str, Any]],
    acting_user: Actor,
    quiet_from: time = QUIET_FROM,
    quiet_to: time = QUIET_TO,
) -> ContactPlan:
    """Keep a new version of the round's plan; the same plan again returns the version that is there.

    Raises
    ------
    Problem common.invalid : a step that cannot stand, with its number.
    Problem common.locked : the field has begun; who is reached how must not change halfway.
    """
    try:
        read_steps(steps)
    except PlanError as error:
        reason = _words(error)
        raise Problem(
            "common.invalid", errors=[{"row": error.step, "reason": reason}], reason=reason
        ) from None
    round_ = Round.objects.select_for_update().get(pk=round.pk)
    if round_.state != Round.State.DRAFT:
        raise Problem("common.locked", what=_("联系计划"))
    last = ContactPlan.objects.filter(round=round_).order_by("-number").first()
    if last is not None and (last.steps, last.quiet_from, last.quiet_to) == (steps, quiet_from, quiet_to):
        return last
    plan = ContactPlan.objects.create(
        round=round_,
        number=(ContactPlan.objects.filter(round=round_).aggregate(last=Max("number"))["last"] or 0) + 1,
        steps=steps,
        quiet_from=quiet_from,
        quiet_to=quiet_to,
        created_by_id=acting_user.pk or None,
    )
    record(
        action="contacts.plan.saved",
        acting_user=acting_user,
        target=plan,
        region_code=round_.study.region.code,
        detail={"number": plan.number, "hash": sha256_of(steps), "steps": [step["step"] for step in steps]},
    )
    return plan


@transaction.atomic
def current_plan(round: Round) -> ContactPlan:
    """The plan that holds; a round without one gets its first version from what the round itself says.

    Rounds made before plans had versions keep a short list in `Round.contact_plan`; where that is empty or
    cannot be read, the default plan is taken.
    """
    plan = ContactPlan.objects.filter(round=round).order_by("-number").first()
    if plan is not None:
        return plan
    steps: Any = round.contact_plan
    try:
        read_steps(steps)
    except PlanError:
        steps = DEFAULT_STEPS
    plan, _new = ContactPlan.objects.get_or_create(
        round=round, number=1, defaults={"steps": steps, "quiet_from": QUIET_FROM, "quiet_to": QUIET_TO}
    )
    return plan


@transaction.atomic
def pause_contacts(*, round: Round, acting_user: Actor) -> ContactPlan:
    """Let everything stand still: nothing is planned and nothing planned is sent until it is resumed."""
    return _set_pause(round, paused=True, acting_user=acting_user)


@transaction.atomic
def resume_contacts(*, round: Round, acting_user: Actor) -> ContactPlan:
    """Go on."""
    return _set_pause(round, paused=False, acting_user=acting_user)


def _set_pause(round: Round, *, paused: bool, acting_user: Actor) -> ContactPlan:
    plan = current_plan(round)
    if (plan.paused_at is not None) == paused:
        return plan
    plan.paused_at = now() if paused else None
    plan.save(update_fields=["paused_at"])
    record(
        action="contacts.plan.paused" if paused else "contacts.plan.resumed",
        acting_user=acting_user,
        target=plan,
        region_code=round.study.region.code,
    )
    return plan
