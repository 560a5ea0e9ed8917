"""The plan of contacts: what a household gets on which day, and what would go out now."""

from datetime import time
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_time
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.errors import Problem
from survey.console.page import render_step
from survey.console.rows import team_round
from survey.contacts.plan import CHANNELS, MAX_STEPS, MAX_TEXT, MODES, QUIET_FROM, QUIET_TO
from survey.contacts.services import current_plan, pause_contacts, resume_contacts, save_contact_plan
from survey.studies.models import Round
from survey.wechat.models import OutboundMessage, SetupCheck
from survey.wechat.planning import REASONS, Decision, PlanSummary, plan_round, store_plan
from survey.wechat.services import account_for
from survey.wechat.setup import TEMPLATES

MODE_NAMES: dict[str, Any] = {
    "letter": gettext_lazy("信"),
    "wechat": gettext_lazy("微信"),
    "door": gettext_lazy("上门"),
}
CHANNEL_NAMES = dict(OutboundMessage.Channel.choices)
# The names of the default plan's steps; a team's own step is shown as it was written.
STEP_NAMES: dict[str, Any] = {
    "letter": gettext_lazy("第一封信"),
    "reminder": gettext_lazy("提醒"),
    "door": gettext_lazy("上门"),
}
SHOWN_HOUSEHOLDS = 100


@allowed("contacts.manage")
@require_http_methods(["GET", "POST"])
def contact_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """The plan, its form before the field, and with ?dry=1 who would get what now, and who not and why."""
    round_ = team_round(request.user, pk)
    require(request.user, "contacts.manage", round_.study.region)
    given = None
    if request.method == "POST":
        given = _change(request, round_)
        if given is None:
            return redirect("console:contact_plan", pk=pk)
    plan = current_plan(round_)
    may_edit = round_.state == Round.State.DRAFT and may(request.user, "contacts.manage", round_.study.region)
    return render_step(
        request,
        "contact_plan.html",
        round_,
        "contact_plan",
        plan=plan,
        rows=[_shown(step) for step in plan.steps],
        form_rows=_form_rows(given or plan.steps) if may_edit else [],
        modes=MODE_NAMES,
        channels=[(name, CHANNEL_NAMES[name]) for name in CHANNELS],
        templates=_templates(round_),
        max_text=MAX_TEXT,
        dry=_dry_run(round_) if request.GET.get("dry") == "1" else None,
        status=400 if given is not None else 200,
    )


def step_name(step: str) -> Any:
    """A step's name for the team."""
    return STEP_NAMES.get(step, step)


def _shown(step: dict[str, Any]) -> dict[str, Any]:
    words = step.get("wechat") or {}
    modes = step.get("modes") or [step["step"] if step["step"] in MODES else "letter"]
    return {
        "name": step_name(step["step"]),
        "day": step["day"],
        "modes": [MODE_NAMES[mode] for mode in modes],
        "channels": [CHANNEL_NAMES[name] for name in words.get("channels", [])],
        "text": words.get("text", ""),
        "by_wechat": "wechat" in modes,
    }


# --- the form ---------------------------------------------------------------------------------------
def _form_rows(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps as the form shows them, and one empty row."""
    rows = []
    for place in range(min(len(steps) + 1, MAX_STEPS)):
        step = steps[place] if place < len(steps) else {}
        words = step.get("wechat") or {}
        modes = step.get("modes") or ([step["step"]] if step.get("step") in MODES else [])
        rows.append(
            {
                "place": place,
                "name": step.get("step", ""),
                "day": step.get("day", ""),
                "first": modes[0] if modes else "",
                "second": modes[1] if len(modes) > 1 else "",
                "channels": words.get("channels", ["custom"]),
                "text": words.get("text", ""),
                "template_id": words.get("template_id", ""),
                "fields": "\n".join(f"{key}={value}" for key, value in words.get("fields", {}).items()),
                "is_notice": words.get("is_service_notice", False),
            }
        )
    return rows


def _change(request: HttpRequest, round_: Round) -> list[dict[str, Any]] | None:
    """Do what was asked; the steps as they were typed, when they cannot stand."""
    deed, user = request.POST.get("do"), request.user
    if deed == "pause":
        pause_contacts(round=round_, acting_user=user)
        messages.success(request, _("停下了：不再排新的，排好的也不发，直到恢复。"))
    elif deed == "resume":
        resume_contacts(round=round_, acting_user=user)
        messages.success(request, _("恢复了。"))
    elif deed == "plan":
        if round_.state != Round.State.OPEN:
            raise Problem("contacts.not_open" if round_.state == Round.State.DRAFT else "contacts.closed")
        summary = store_plan(round=round_, acting_user=user)
        messages.success(request, _("排好了 %(n)d 条微信消息，避开休息时间发。") % {"n": summary.n_stored})
    else:
        steps = _read(request)
        quiet_from, quiet_to = (
            parse_time(request.POST.get(name, "")) or default
            for name, default in (("quiet_from", QUIET_FROM), ("quiet_to", QUIET_TO))
        )
        return _save(request, round_, steps, quiet_from, quiet_to)
    return None


def _save(
    request: HttpRequest, round_: Round, steps: list[dict[str, Any]], quiet_from: time, quiet_to: time
) -> list[dict[str, Any]] | None:
    try:
        save_contact_plan(
            round=round_,
            steps=steps,
            quiet_from=quiet_from,
            quiet_to=quiet_to,
            acting_user=request.user,
        )
    except Problem as problem:
        messages.error(request, problem.message)
        return steps
    messages.success(request, _("联系计划存好了。"))
    return None


def _read(request: HttpRequest) -> list[dict[str, Any]]:
    steps = []
    for place in range(MAX_STEPS):
        name, day = (request.POST.get(f"{part}{place}", "").strip() for part in ("step", "day"))
        if not name and not day:
            continue
        picked = [request.POST.get(f"{part}{place}", "") for part in ("first", "second")]
        modes = [mode for mode in picked if mode]
        step: dict[str, Any] = {"step": name, "day": int(day) if day.isdecimal() else day, "modes": modes}
        if "wechat" in modes:
            step["wechat"] = _message(request, place)
        steps.append(step)
    return steps


def _message(request: HttpRequest, place: int) -> dict[str, Any]:
    lines = request.POST.get(f"fields{place}", "").splitlines()
    pairs = [line.partition("=") for line in lines if line.strip()]
    return {
        "channels": [
            name for name in ("subscribe", "custom", "template", "mass") if request.POST.get(f"{name}{place}")
        ],
        "text": request.POST.get(f"text{place}", "").strip().replace("\r\n", "\n"),
        "template_id": request.POST.get(f"template{place}", "").strip(),
        "fields": {key.strip(): value.strip() for key, _equals, value in pairs},
        "is_service_notice": bool(request.POST.get(f"notice{place}")),
    }


def _templates(round_: Round) -> list[dict[str, str]]:
    """The account's templates as the set-up page saw them last."""
    account = account_for(round_.study)
    check = SetupCheck.objects.filter(account=account, step=TEMPLATES).first() if account else None
    return check.detail.get("templates", []) if check else []


# --- the dry run ------------------------------------------------------------------------------------
def _dry_run(round_: Round) -> dict[str, Any]:
    """Count every household, and keep the first of them to be looked at."""
    summary, first = PlanSummary(), []
    for decision in plan_round(round_):
        summary.add(decision)
        if len(first) < SHOWN_HOUSEHOLDS:
            first.append(_household(decision))
    return {
        "n": summary.n_households,
        "due": [
            {
                "step": step_name(step),
                "mode": MODE_NAMES[mode],
                "channel": CHANNEL_NAMES.get(channel, ""),
                "n": n,
            }
            for (step, mode, channel), n in sorted(summary.due.items())
        ],
        "n_due": summary.due.total(),
        "n_wechat": sum(n for (_step, mode, _channel), n in summary.due.items() if mode == "wechat"),
        "reasons": [(REASONS[reason], n) for reason, n in summary.reasons.most_common()],
        "passed_over": [(REASONS[reason], n) for reason, n in summary.passed_over.most_common()],
        "first": first,
    }


def _household(decision: Decision) -> dict[str, Any]:
    return {
        "number": decision.number,
        "step": step_name(decision.step),
        "mode": MODE_NAMES.get(decision.mode, ""),
        "channel": CHANNEL_NAMES.get(decision.channel, ""),
        "reason": REASONS.get(decision.reason, ""),
    }
