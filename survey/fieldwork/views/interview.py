"""Consent at the door, the questionnaire, and its end."""

from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import json_script
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from survey.accounts.access import allowed
from survey.common.errors import Problem
from survey.fieldwork import requests, services
from survey.fieldwork.door import PRESENT
from survey.fieldwork.queries import asks_phone, case_of, cases_of, door_of
from survey.responses.models import Response
from survey.responses.pages import consent_words
from survey.responses.receipts import receipt_of
from survey.responses.services import standing_response
from survey.responses.submission import read_submission
from survey.responses.views import ReadableJSON
from survey.sampling.models import Case


@require_http_methods(["GET", "POST"])
@allowed("fieldwork.visit")
def consent(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """The text is read out; the chosen adult agrees; who else is there is noted.

    JSON: {"present": [keys], "language": "zh-hans"} → 200 {"form_url", "submit_url", "document_hash"}.
    """
    case = case_of(request.user, opaque_id)
    choice = services.standing_choice(case)
    if choice is None:
        if requests.is_json(request):
            raise Problem("responses.no_person")
        return redirect("fieldwork:roster", opaque_id=opaque_id)
    if request.method == "POST":
        values = requests.values_of(request, lists=["present"])
        present = services.presence(values.get("present", []))
        language = requests.words(values, "language") or get_language()
        services.give_door_consent(case=case, language=language, acting_user=request.user)
        form_url = reverse("fieldwork:form", args=[opaque_id]) + _query(present)
        if not requests.is_json(request):
            return redirect(form_url)
        submit_url = reverse("fieldwork:submit", args=[opaque_id]) + _query(present)
        version = case.round.questionnaire_version
        return JsonResponse(
            {"form_url": form_url, "submit_url": submit_url, "document_hash": version.document_hash}
        )
    _roster, person, members = choice
    context = {
        "door": door_of(case),
        "case": case,
        "round": case.round,
        "study": case.round.study,
        "words": consent_words(case.round, get_language()),
        "chosen": members[person.chosen_index - 1],
        "presences": PRESENT.items(),
    }
    return render(request, "fieldwork/consent.html", context)


def _query(present: list[str]) -> str:
    """Who is there travels with the questionnaire's address: nothing is kept between the two pages."""
    return "?" + urlencode({"present": present}, doseq=True) if present else ""


@require_safe
@allowed("fieldwork.visit")
def form(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """The published document, drawn by the same form.js as on the resident's phone, in mode door."""
    case = case_of(request.user, opaque_id)
    if standing_response(case) is not None:
        return redirect("fieldwork:door", opaque_id=opaque_id)
    if services.door_consent(case) is None:
        return redirect("fieldwork:consent", opaque_id=opaque_id)
    version = case.round.questionnaire_version
    present = services.presence(request.GET.getlist("present"))
    context = {
        "case": case,
        "round": case.round,
        "study": case.round.study,
        "version": version,
        "document": json_script(version.document, "minyi-document", encoder=ReadableJSON),
        "submit_url": reverse("fieldwork:submit", args=[opaque_id]) + _query(present),
        "csrf": get_token(request),
        "language": get_language(),
    }
    return render(request, "fieldwork/form.html", context)


@require_POST
@allowed("fieldwork.visit")
def submit(request: HttpRequest, opaque_id: UUID) -> HttpResponse:
    """Take a finished interview: the request and replies of `survey.responses.submission`."""
    sent = read_submission(request)
    case = cases_of(request.user).filter(opaque_id=opaque_id).first()
    if case is None:
        case = _already_sent(request, opaque_id, sent.client_id)
    response, created = services.submit_interview(
        case=case,
        present=request.GET.getlist("present"),
        acting_user=request.user,
        **sent._asdict(),
    )
    reply = {
        "id": str(response.id),
        "receipt": receipt_of(response.id),
        "thanks_url": reverse("fieldwork:done", args=[response.id]),
    }
    return JsonResponse(reply, status=201 if created else 200)


def _already_sent(request: HttpRequest, opaque_id: UUID, client_id: UUID) -> Case:
    """The case of an interview that this interviewer sent and that has since left his hands."""
    sent = Response.objects.filter(client_id=client_id, interviewer=request.user, case=opaque_id).first()
    if sent is None:
        raise Problem("fieldwork.not_assigned")
    return sent.case


@require_safe
@allowed("fieldwork.visit")
def done(request: HttpRequest, response_id: UUID) -> HttpResponse:
    """收好了: the receipt to leave with the household, a number to be called back at, the next door."""
    response = Response.objects.filter(pk=response_id, interviewer=request.user).first()
    if response is None:
        raise Problem("common.not_found")
    context = {
        "receipt": receipt_of(response.id),
        "round": response.round,
        "study": response.round.study,
        "case": response.case,
        "asks_phone": asks_phone(response.case, request.user),
        "tab": "today",
    }
    return render(request, "fieldwork/done.html", context)
