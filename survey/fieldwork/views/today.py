"""Today's doors and the appointments."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from survey.accounts.access import allowed
from survey.common.clock import now
from survey.contacts.queries import spoken_name
from survey.fieldwork.queries import Door, doors_of, split_today
from survey.studies.models import Round


@require_safe
@allowed("fieldwork.visit")
def today(request: HttpRequest) -> HttpResponse:
    """The interviewer's open cases, community by community, and what he finished today."""
    doors = doors_of(request.user)
    waiting, finished = split_today(doors)
    return render(
        request,
        "fieldwork/today.html",
        {
            "waiting": waiting,
            "finished": finished,
            "n_waiting": sum(len(doors) for doors in waiting.values()),
            "now": now(),
            "round": _round_to_mark(doors),
            "tab": "today",
        },
    )


@require_safe
@allowed("fieldwork.visit")
def appointments(request: HttpRequest) -> HttpResponse:
    """Doors with an agreed time, the next one first."""
    doors = [door for door in doors_of(request.user) if door.appointment and not door.is_closed]
    doors.sort(key=lambda door: door.appointment)
    context = {"doors": doors, "now": now(), "round": _round_to_mark(doors), "tab": "appointments"}
    return render(request, "fieldwork/appointments.html", context)


def _round_to_mark(doors: list[Door]) -> Round | None:
    """A simulated round among the doors: the page then says 模拟数据."""
    return next((door.case.round for door in doors if door.case.round.is_simulated), None)


@require_safe
@allowed("fieldwork.visit")
def cases_json(request: HttpRequest) -> HttpResponse:
    """The same list for programs: {"cases": [{"id", "number", "community", "address", "status", …}]}."""
    cases = [
        {
            "id": str(door.case.opaque_id),
            "number": door.case.number,
            "community_code": door.case.community.code,
            "community": spoken_name(door.case.community.name),
            "address": door.address,
            "status": door.case.status,
            "closed": door.is_closed,
            "attempts": len(door.visits),
            "min_attempts": door.min_attempts,
            "appointment": door.appointment.isoformat() if door.appointment else None,
            "url": reverse("fieldwork:door", args=[door.case.opaque_id]),
        }
        for door in doors_of(request.user)
    ]
    return JsonResponse({"cases": cases}, json_dumps_params={"ensure_ascii": False})
