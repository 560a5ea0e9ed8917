"""`/s/…`: the address on the letter. GET has no effect; POST lets the phone in and forgets the code."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

from survey.common.errors import Problem
from survey.common.net import client_address
from survey.contacts.services import find_case_by_qr, find_case_by_typed
from survey.responses import device
from survey.responses.channels import BROWSER, channel_for, start_address
from survey.responses.pages import keep_language, speak
from survey.responses.services import enter
from survey.sampling.models import Case

# csrf_exempt: GET must not set a cookie, so there is nothing a token could be checked against. What a forged
# POST could do is let somebody in to the forger's own letter; `require_own_site` refuses it.
# See docs/decisions/0008-forms-without-a-session.md.


@gzip_page
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def by_qr(request: HttpRequest, secret: str) -> HttpResponse:
    """The QR's address: who asks, and one button."""
    speak(request)
    if request.method == "POST":
        device.require_own_site(request)
        return _let_in(request, find_case_by_qr(secret))
    study = find_case_by_qr(secret).round.study
    return render(request, "responses/entry.html", {"study": study, "language": get_language()})


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def by_typed_code(request: HttpRequest) -> HttpResponse:
    """The form for those who type the letter's twelve characters."""
    speak(request)
    context = {"language": get_language()}
    if request.method == "POST":
        device.require_own_site(request)
        try:
            case = find_case_by_typed(request.POST.get("code", ""), address=client_address(request))
        except Problem as problem:
            return render(
                request, "responses/code.html", {**context, "problem": problem}, status=problem.status
            )
        return _let_in(request, case)
    return render(request, "responses/code.html", context)


def _let_in(request: HttpRequest, case: Case) -> HttpResponse:
    """Know this phone from now on, and go to an address without the code."""
    secret = device.secret_for(request)
    channel = channel_for(request, case.round.study)
    respondent = enter(case=case, channel=channel.name if channel else BROWSER, device_secret=secret)
    if respondent.needs_identity:
        response = redirect(start_address(respondent))
    else:
        response = redirect("responses:home", key=respondent.public_id)
    device.keep_secret(response, secret)
    keep_language(response, speak(request))
    return response
