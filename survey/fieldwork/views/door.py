"""One door: its history, a visit's result, the household's list and who was chosen."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from survey.accounts.access import allowed
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts import dispositions
from survey.contacts.models import Contact
from survey.fieldwork import requests, services
from survey.fieldwork.door import BY_KEY, PRESENT, grouped
from survey.fieldwork.queries import asks_phone, case_of, door_of
from survey.fieldwork.rules import attempts_of, rules_of
from survey.responses.models import Response
from survey.sampling.models import Case

FIRST_ROWS, MOST_ROWS = 3, 30


@require_safe
@allowed("fieldwork.visit")
def door(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """What happened here so far, and the buttons for what happens now."""
    found = door_of(case_of(request.user, opaque_id))
    choice = services.standing_choice(found.case)
    rules = rules_of(found.case.round)
    return render(
        request,
        "fieldwork/door.html",
        {
            "door": found,
            "case": found.case,
            "groups": grouped(somebody_chosen=choice is not None),
            "attempts": attempts_of([found.case], rules)[found.case.pk],
            "min_attempts": rules.min_attempts,
            "choice": choice,
            "asks_phone": asks_phone(found.case, request.user),
            "now": now(),
            "round": found.case.round,
        },
    )


@require_POST
@allowed("fieldwork.visit")
def leave(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """Leave a door for good, once the contact rules are met; a word for whoever comes may stay behind."""
    case = case_of(request.user, opaque_id)
    note = request.POST.get("safety", "").strip()
    if note:
        services.write_safety_note(case=case, text=note, acting_user=request.user)
        messages.success(request, _("提醒记下了，下一位上门的人会看到"))
        return redirect("fieldwork:door", opaque_id=opaque_id)
    services.close_door(case=case, acting_user=request.user)
    messages.success(request, _("这一户结束了"))
    return redirect("fieldwork:today")


@require_http_methods(["GET", "POST"])
@allowed("fieldwork.visit")
def visit(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """Record an attempt: which result, who else was there, a note, the time agreed.

    JSON: {"result": key of a button or "", "disposition": AAPOR code (without a result), "present": [keys],
    "note", "at": time (default now), "appointment": time or ""} → 201 {"id", "status"}. A form may bring the
    door's picture along, as the file "plate".
    """
    case = case_of(request.user, opaque_id)
    if request.method != "POST":
        return _visit_page(request, case, {"result": request.GET.get("result", "")})
    values = requests.values_of(request, lists=["present"])
    try:
        contact = _record_visit(request, case, values)
    except Problem as problem:
        if requests.is_json(request):
            raise
        return _visit_page(request, case, values, problem)
    if requests.is_json(request):
        case.refresh_from_db()
        return JsonResponse({"id": str(contact.pk), "status": case.status}, status=201)
    messages.success(request, _("记下了：%(address)s") % {"address": door_of(case).address})
    return redirect("fieldwork:today")


def _record_visit(request: HttpRequest, case: Case, values: dict[str, Any]) -> Contact:
    result = BY_KEY.get(requests.words(values, "result"))
    disposition = result.disposition if result else requests.words(values, "disposition")
    if not disposition:
        raise Problem("common.invalid", reason=_("请选一项结果"))
    appointment = requests.moment(values, "appointment")
    if result and result.key == "appointment" and appointment is None:
        raise Problem("common.invalid", reason=_("请写约好的时间"))
    plate = request.FILES.get("plate")
    return services.record_visit(
        case=case,
        at=requests.moment(values, "at") or now(),
        disposition=disposition,
        present=values.get("present", []),
        note=requests.words(values, "note"),
        acting_user=request.user,
        result=result.key if result else "",
        appointment=appointment,
        photo=plate.read() if plate else None,
    )


@require_POST
@allowed("fieldwork.visit")
def phone(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """Keep the number that the household gives after the interview. JSON: {"phone"} → 204."""
    case = case_of(request.user, opaque_id)
    given = requests.words(requests.values_of(request), "phone")
    try:
        if door_of(case).answered_mode != Response.Mode.DOOR:
            raise Problem("common.invalid", reason=_("访完再问电话"))
        services.keep_phone(case=case, phone=given, acting_user=request.user)
    except Problem as problem:
        if requests.is_json(request):
            raise
        messages.error(request, problem.message)
        return redirect("fieldwork:door", opaque_id=opaque_id)
    if requests.is_json(request):
        return HttpResponse(status=204)
    messages.success(request, _("电话记下了，谢谢这一家"))
    return redirect("fieldwork:today")


def _visit_page(
    request: HttpRequest, case: Case, values: dict[str, Any], problem: Problem | None = None
) -> HttpResponse:
    context = {
        "door": door_of(case),
        "case": case,
        "round": case.round,
        "result": BY_KEY.get(str(values.get("result", ""))),
        "values": values,
        "choices": dispositions.choices("door"),
        "presences": PRESENT.items(),
        "problem": problem,
        "now": now(),
    }
    return render(request, "fieldwork/visit.html", context, status=problem.status if problem else 200)


@require_http_methods(["GET", "POST"])
@allowed("fieldwork.visit")
def roster(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """List the adults, lock the list, see who was chosen; correct it with a reason.

    JSON: {"members": [{"label", "sex": "male"|"female", "age"}], "reason": "" or why the list is corrected}
    → 200 {"n_eligible", "members" in the locked order, "chosen_index" (1-based), "probability"}.
    """
    case = case_of(request.user, opaque_id)
    if request.method != "POST":
        return _roster_page(request, case)
    values = requests.values_of(request, lists=["members"] if requests.is_json(request) else [])
    members = values["members"] if requests.is_json(request) else _rows(request)
    if "add" in values:
        return _roster_page(request, case, rows=_padded(members, len(members) + 1))
    if not all(isinstance(member, dict) for member in members):
        raise Problem("common.invalid", reason=_("“members”应当是家庭成员的列表"))
    reason = requests.words(values, "reason")
    try:
        if reason or "correct" in values:
            services.correct_roster(case=case, members=members, reason=reason, acting_user=request.user)
        else:
            services.list_and_choose(case=case, members=members, acting_user=request.user)
    except Problem as problem:
        if requests.is_json(request):
            raise
        return _roster_page(request, case, rows=members, problem=problem, reason=reason)
    if requests.is_json(request):
        return JsonResponse(_choice_json(case), json_dumps_params={"ensure_ascii": False})
    return redirect("fieldwork:roster", opaque_id=opaque_id)


def _rows(request: HttpRequest) -> list[dict[str, str]]:
    """The form's lines label-0, sex-0, age-0 …; those left empty are dropped."""
    rows = []
    for place in range(MOST_ROWS + 1):
        row = {name: request.POST.get(f"{name}-{place}", "").strip() for name in ("label", "sex", "age")}
        if any(row.values()):
            rows.append(row)
    return rows


def _padded(rows: list[dict[str, Any]], n: int) -> list[dict[str, Any]]:
    return rows + [{} for _place in range(len(rows), min(n, MOST_ROWS))]


def _choice_json(case: Case) -> dict[str, Any]:
    _locked, person, members = services.standing_choice(case)
    return {
        "n_eligible": person.n_eligible,
        "members": [member._asdict() for member in members],
        "chosen_index": person.chosen_index,
        "probability": person.probability,
    }


def _roster_page(
    request: HttpRequest,
    case: Case,
    *,
    rows: list[dict[str, Any]] | None = None,
    problem: Problem | None = None,
    reason: str = "",
) -> HttpResponse:
    choice = services.standing_choice(case)
    if rows is None:
        rows = [member._asdict() for member in choice[2]] if choice else []
        rows = _padded(rows, FIRST_ROWS)
    context: dict[str, Any] = {
        "door": door_of(case),
        "case": case,
        "round": case.round,
        "study": case.round.study,
        "rows": rows,
        "bad_row": problem.errors[0]["row"] if problem and problem.errors else 0,
        "problem": problem,
        "reason": reason,
        "correcting": bool(problem and choice) or "correct" in request.GET or "add" in request.POST,
    }
    if choice:
        locked, person, members = choice
        context |= {
            "roster": locked,
            "person": person,
            "members": members,
            "chosen": members[person.chosen_index - 1],
            "may_change": not door_of(case).is_closed,
        }
    return render(request, "fieldwork/roster.html", context, status=problem.status if problem else 200)
