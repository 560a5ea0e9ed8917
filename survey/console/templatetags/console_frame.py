"""The left column of the team's pages."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from survey.accounts.models import Grant
from survey.accounts.policies import may
from survey.console.rows import team_rounds
from survey.console.steps import round_steps
from survey.jobs.models import Job
from survey.studies.models import Round

register = template.Library()

SESSION_KEY = "console_round"
SWITCHER_LENGTH = 12


def _current_round(context: dict[str, Any], request: Any) -> Round | None:
    """The round of this page, or the one that was looked at last."""
    round_ = context.get("round")
    if isinstance(round_, Round):
        request.session[SESSION_KEY] = round_.pk
        return round_
    pk = request.session.get(SESSION_KEY)
    if pk is None:
        return None
    return team_rounds(request.user).filter(pk=pk).first()


@register.inclusion_tag("console/side.html", takes_context=True)
def console_side(context: dict[str, Any]) -> dict[str, Any]:
    """Study switcher, the steps of the current round, tasks and members."""
    request = context["request"]
    user = request.user
    team = may(user, "console.view")
    round_ = _current_round(context, request) if team else None
    current = context.get("current", "")
    steps = context.get("steps") or (round_steps(round_) if round_ else [])
    names = {step.key: step.name for step in steps} | {
        "overview": _("总览"),
        "item_bank": _("题库"),
        "texts": _("居民原话"),
        "channels": _("微信"),
        "posters": _("海报"),
        "delivery": _("送达"),
        "contact_plan": _("联系计划"),
        "jobs": _("任务"),
        "members": _("成员与留痕"),
        "boundaries": _("地图边界"),
        "me": _("我的账号"),
    }
    roles = dict(Grant.Role.choices)
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "user": user,
        "is_simulated": context.get("is_simulated"),
        "team": team,
        "round": round_,
        "rounds": team_rounds(user)[:SWITCHER_LENGTH] if team else [],
        "steps": steps,
        "current": current,
        "here": names.get(current, _("控制台")),
        "running": Job.objects.filter(
            created_by=user, state__in=[Job.State.PENDING, Job.State.RUNNING]
        ).count(),
        "may_code": may(user, "texts.code"),
        "may_wechat": may(user, "wechat.manage"),
        "may_see_jobs": may(user, "jobs.view"),
        "may_load_boundaries": may(user, "regions.import"),
        "may_manage": may(user, "accounts.manage"),
        "roles": sorted({str(roles[role]) for role in user.roles()}),
    }
