"""The board: figures of now, communities against plan, outcomes by class, doubts, requests."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.accounts.access import allowed
from survey.accounts.policies import may, require
from survey.common.clock import now, today
from survey.console.field.board_map import board_map
from survey.console.field.words import CLASSES, claim, class_name, evidence_lines, interview_words
from survey.console.figures import field_rates
from survey.console.page import render_step
from survey.console.rows import one_of, team_round
from survey.console.steps import standing
from survey.fieldwork import board
from survey.fieldwork.models import FieldOutcome
from survey.fieldwork.rules import rules_of
from survey.fieldwork.services import answer_request
from survey.fieldwork.tasks import RAISE_DOUBTS, start_raising
from survey.jobs.models import Job
from survey.responses.models import DataRequest, Flag
from survey.sampling.drafts import PlanDraft
from survey.sampling.models import Case
from survey.studies.models import Round

# The wizard's own first guess of the share of households that answer (console.plan_forms).
USUAL_RESPONSE_PCT = 30.0
SHOWN_FLAGS = 5


@allowed("console.view")
def fieldwork(request: HttpRequest, pk: int) -> HttpResponse:
    """The field's page; who may not see cases gets the round's figures only."""
    round_ = team_round(request.user, pk)
    has = standing(round_)
    context: dict[str, object] = {}
    if has.draw:
        figures = field_rates(round_)
        context |= {"figures": figures, "classes": _classes(figures), "frozen": frozen_outcome(round_)}
    if has.draw and may(request.user, "cases.view"):
        context |= _for_the_team(request, round_)
    return render_step(
        request,
        "fieldwork.html",
        round_,
        "fieldwork",
        has=has,
        may_assign=may(request.user, "fieldwork.manage"),
        may_manage=may(request.user, "studies.manage", round_.study.region),
        may_close=may(request.user, "fieldwork.close", round_.study.region),
        now=now(),
        **context,
    )


def _for_the_team(request: HttpRequest, round_: Round) -> dict[str, object]:
    goal = goal_of(round_)
    tree = board.tiles(round_, request.user, goal=goal)
    workers = board.workers(round_, request.user)
    cases = Case.objects.visible_to(request.user).filter(round=round_)
    flags = board.open_flags(round_, request.user)
    districts = _districts(tree)
    return {
        "districts": districts,
        "map": board_map(districts),
        "goal": goal,
        "passed": board.elapsed_share(round_),
        "days_left": (round_.closes_on - today()).days if round_.closes_on else None,
        "n_workers": len(workers),
        "n_visits": sum(worker.n_visits for worker in workers),
        "attempts_left": sum(worker.attempts_left for worker in workers),
        "helpless": [worker for worker in workers if worker.needs_help],
        "rules": rules_of(round_),
        "n_flags": flags.count(),
        "flags": [shown(flag) for flag in flags[:SHOWN_FLAGS]],
        "requests": DataRequest.objects.filter(round=round_, case__in=cases, done_at__isnull=True)
        .select_related("case")
        .order_by("due_on"),
        "running": Job.objects.filter(
            kind=RAISE_DOUBTS, params__round=round_.pk, state__in=[Job.State.PENDING, Job.State.RUNNING]
        ).first(),
        "today": today(),
        "sees_cases": True,
    }


def goal_of(round_: Round) -> float:
    """Share of the cases that should answer by the end: what the plan assumed, else the wizard's guess."""
    draft = PlanDraft.objects.filter(round=round_).first()
    typed = (draft.answers.get("precision") or {}).get("response_rate", "") if draft else ""
    try:
        share = float(typed) / 100
    except (TypeError, ValueError):
        share = USUAL_RESPONSE_PCT / 100
    return share if 0 < share <= 1 else USUAL_RESPONSE_PCT / 100


def frozen_outcome(round_: Round) -> FieldOutcome | None:
    """What the field came to, once it was closed."""
    return FieldOutcome.objects.filter(round=round_).first()


def _classes(figures: dict[str, Any] | None) -> list[dict[str, Any]]:
    if not figures or not figures["total"]:
        return []
    counts, total = figures["counts"], figures["total"]
    most = max(counts.values()) or 1
    return [
        {
            "code": code,
            "name": class_name(code),
            "n": counts.get(code, 0),
            "share": counts.get(code, 0) / total,
            "width": f"{100 * counts.get(code, 0) / most:.1f}",
        }
        for code in CLASSES
    ]


def _districts(tree: dict[Any, dict[Any, list[board.Tile]]]) -> list[dict[str, Any]]:
    """Districts with a tile for each street, and the communities of each street behind it."""
    found = []
    for district, streets in tree.items():
        rows = []
        for street, tiles in streets.items():
            whole = board.Tile(
                street,
                sum(tile.n_cases for tile in tiles),
                sum(tile.n_done for tile in tiles),
                sum(tile.target for tile in tiles),
                sum(tile.planned for tile in tiles),
                sum(tile.n_flags for tile in tiles),
            )
            rows.append({"tile": whole, "communities": tiles})
        found.append({"region": district, "streets": rows})
    return found


def shown(flag: Flag) -> Flag:
    """A doubt with its words."""
    flag.claim, flag.lines = claim(flag), evidence_lines(flag)
    flag.listed = [
        {**one, "words": interview_words(one)}
        for one in flag.evidence.get("interviews", [])
        if "response" in one
    ]
    if flag.response_id and not flag.listed:
        flag.listed = [{"response": str(flag.response_id), "words": ""}]
    return flag


@allowed("fieldwork.manage")
@require_POST
def look(request: HttpRequest, pk: int) -> HttpResponse:
    """Look through the interviews now; otherwise it happens every night."""
    round_ = team_round(request.user, pk)
    require(request.user, "fieldwork.manage", round_.study.region)
    job = start_raising(round=round_, acting_user=request.user)
    return redirect("console:job", pk=job.pk)


@allowed("fieldwork.manage")
@require_POST
def settle_request(request: HttpRequest, pk: int, request_pk: int) -> HttpResponse:
    """Record that a resident's request was done, or why not."""
    round_ = team_round(request.user, pk)
    mine = Case.objects.visible_to(request.user).filter(round=round_)
    wanted = one_of(DataRequest.objects.filter(round=round_, case__in=mine), pk=request_pk)
    granted = request.POST.get("do") == "grant"
    answer_request(
        request=wanted, granted=granted, note=request.POST.get("note", ""), acting_user=request.user
    )
    messages.success(request, _("办好了，已经留痕。") if granted else _("记下了为什么没有办。"))
    return redirect("console:fieldwork", pk=pk)
