"""`/r/…`: consent, who answers, the questionnaire, thanks, and one's own data."""

from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import json_script
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from survey.common.clock import now, today
from survey.regions.models import Region
from survey.responses import services
from survey.responses.birthdays import is_day, next_birthdays
from survey.responses.models import DataRequest, Respondent, Response
from survey.responses.own_data import readable_answers
from survey.responses.pages import consent_words, length_of, resident_page, show
from survey.responses.receipts import receipt_of


class ReadableJSON(DjangoJSONEncoder):
    """Chinese as it is: the page weighs less than with escapes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


MAX_ADULTS = 12  # offered as keys; a larger household is a collective one, which the frame leaves out
RECENT = timedelta(hours=1)
PLACES_SHOWN = 3


def _go(respondent: Respondent, name: str) -> HttpResponse:
    return redirect(f"responses:{name}", key=respondent.public_id)


def own_response(respondent: Respondent) -> Response | None:
    """The standing response, if this respondent gave it."""
    response = services.standing_for(respondent)
    return response if response is not None and services.proves(respondent, response) else None


def next_step(respondent: Respondent) -> str:
    """The name of the page that a respondent belongs on."""
    if services.standing_for(respondent) is not None:
        return "mine" if own_response(respondent) else "answered"
    if services.current_consent(respondent) is None:
        return "home"
    if respondent.case_id is None:
        return "form"  # a volunteer answers for herself: nobody is chosen in her household
    return "form" if respondent.selected_person_id else "who"


@gzip_page
@require_GET
@resident_page
def home(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """The welcome: everything that somebody should know before agreeing."""
    step = next_step(respondent)
    if step in ("mine", "answered"):
        return _go(respondent, step)
    services.require_open(respondent.round)
    return show(
        request,
        "welcome.html",
        respondent,
        words=consent_words(respondent.round, get_language()),
        length=length_of(respondent.round),
        places=_places(respondent),
        goes_on=step != "home",
        step=step,
    )


def _places(respondent: Respondent) -> list[Region]:
    """The household's community (a volunteer's poster) and the two regions above it."""
    place = respondent.case.community if respondent.case_id else respondent.region
    found = [place] if place else []
    while found and found[0].parent and len(found) < PLACES_SHOWN:
        found.insert(0, found[0].parent)
    return found


@require_POST
@resident_page
def consent(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """我愿意，开始答题."""
    services.give_consent(respondent=respondent, language=get_language(), mode="web")
    return _go(respondent, next_step(respondent))


@require_http_methods(["GET", "POST"])
@resident_page
def refuse(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """不想参加，以后别再寄信: one tap, as easy as agreeing, and as easy to take back."""
    if request.method == "POST":
        services.refuse_participation(respondent=respondent)
        return _go(respondent, "refuse")
    return show(request, "refused.html", respondent)


@require_GET
@resident_page
def privacy(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """The full text on personal information."""
    return show(request, "privacy.html", respondent, words=consent_words(respondent.round, get_language()))


@require_GET
@resident_page
def answered(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """您家已经答过了: without a word of what was answered."""
    if services.standing_for(respondent) is None:
        return _go(respondent, "home")
    return show(request, "answered.html", respondent)


# --- who answers --------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
@resident_page
def who(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """How many adults live here, and whose birthday comes next."""
    if services.current_consent(respondent) is None or next_step(respondent) in ("mine", "answered"):
        return _go(respondent, next_step(respondent))
    n = _count(request)
    if request.method == "GET" or n is None:
        return _who_page(request, respondent, n)
    answer = request.POST.get("who", "")
    if n == 1 or answer == "me":
        services.choose_by_birthday(respondent=respondent, n_eligible=n)
        return _go(respondent, "form")
    if answer == "help":
        return _birthdays_page(request, respondent, n)
    if answer in ("other", "later"):
        return show(request, "hand_over.html", respondent, n=n, later=answer == "later")
    error = _("请选一项。") if "step" in request.POST else ""
    return _who_page(request, respondent, n, error)


def _count(request: HttpRequest) -> int | None:
    """The number of adults in the request, or None."""
    text = request.POST.get("n") or request.GET.get("n", "")
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_ADULTS else None


def _who_page(
    request: HttpRequest, respondent: Respondent, n: int | None, error: str = "", **context: Any
) -> HttpResponse:
    if n is None:
        if request.method == "POST":
            error = _("请点一个数字：您家常住的、年满 18 岁的有几位？")
        return show(
            request,
            "adults.html",
            respondent,
            numbers=range(1, MAX_ADULTS + 1),
            error=error,
            status=400 if error else 200,
        )
    return show(
        request, "birthday.html", respondent, n=n, error=error, status=400 if error else 200, **context
    )


def _birthdays_page(request: HttpRequest, respondent: Respondent, n: int) -> HttpResponse:
    """帮我算一下: months and days typed in, worked out, and forgotten."""
    rows = [
        {"place": i + 1, "month": request.POST.get(f"month{i}", ""), "day": request.POST.get(f"day{i}", "")}
        for i in range(n)
    ]
    context: dict[str, Any] = {"n": n, "rows": rows, "months": range(1, 13), "days": range(1, 32)}
    if request.POST.get("step") != "birthdays":
        return show(request, "birthdays.html", respondent, **context)
    given = [(_number(row["month"]), _number(row["day"])) for row in rows]
    wrong = next((i for i, pair in enumerate(given) if not is_day(*pair)), None)
    if wrong is not None:
        error = _("第 %(place)s 位的生日不对，请选好月和日。") % {"place": wrong + 1}
        return show(request, "birthdays.html", respondent, status=400, error=error, **context)
    places = next_birthdays(given, today())
    found = [{"place": i + 1, "month": given[i][0], "day": given[i][1]} for i in places]
    return _who_page(request, respondent, n, found=found)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0


# --- the questionnaire --------------------------------------------------------------------------------
@gzip_page
@require_GET
@resident_page
def form(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """The questionnaire: the published document, drawn by form.js."""
    step = next_step(respondent)
    if step != "form":
        return _go(respondent, step)
    services.require_open(respondent.round)
    version = respondent.round.questionnaire_version
    return show(
        request,
        "form.html",
        respondent,
        version=version,
        document=json_script(version.document, "minyi-document", encoder=ReadableJSON),
        language=get_language(),
    )


# --- afterwards ---------------------------------------------------------------------------------------
@require_GET
@resident_page
def thanks(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """收到了，谢谢您: with the receipt, to the device that answered."""
    response = own_response(respondent)
    if response is None:
        return _go(respondent, next_step(respondent))
    return show(request, "thanks.html", respondent, receipt=receipt_of(response.id))


@require_http_methods(["GET", "POST"])
@resident_page
def mine(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """One's own data: to see, to withdraw; a request where the device cannot prove the answer is hers."""
    if request.method == "POST":
        kind = request.POST.get("kind", "")
        if kind == "draft":
            services.discard_drafts(respondent=respondent)
        elif kind in DataRequest.Kind.values:
            services.request_data(respondent=respondent, kind=kind)
        return _go(respondent, "mine")
    response = own_response(respondent)
    last_request = respondent.data_requests.order_by("-received_at").first()
    return show(
        request,
        "mine.html",
        respondent,
        response=response,
        receipt=receipt_of(response.id) if response else "",
        answers=readable_answers(response, get_language()) if response else [],
        last_request=last_request,
        just_withdrawn=_was_withdrawn_just_now(last_request),
        asking=request.GET.get("withdraw") == "1",
        is_answered=services.standing_for(respondent) is not None,
        has_draft=services.drafts_of(respondent).exists(),
    )


def _was_withdrawn_just_now(request: DataRequest | None) -> bool:
    done = request is not None and request.kind == DataRequest.Kind.DELETION and request.done_at
    return bool(done) and now() - request.done_at < RECENT
