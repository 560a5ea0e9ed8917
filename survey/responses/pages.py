"""What residents' pages share: language, the guard at the door, the form's token, the words of consent."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _

from survey.common.crypto import same
from survey.common.errors import Problem
from survey.questionnaires.document import MODES, items_of, total_seconds
from survey.questionnaires.queries import published_version
from survey.responses.channels import start_address
from survey.responses.device import form_token, hash_device, read_secret, require_form_token
from survey.responses.models import Respondent
from survey.responses.senders import read_sender
from survey.studies.models import Round

View = Callable[..., HttpResponse]
LANGUAGE_CODES = tuple(code for code, _name in settings.LANGUAGES)
MIN_MINUTES = 1


def chosen_language(request: HttpRequest) -> str:
    """The language asked for by ?lang= or the form's field; "" when none is."""
    asked = request.GET.get("lang") or request.POST.get("lang", "")
    return asked if asked in LANGUAGE_CODES else ""


def speak(request: HttpRequest) -> str:
    """Switch this request to the language it asks for; returns that language, or ""."""
    language = chosen_language(request)
    if language:
        translation.activate(language)
        request.LANGUAGE_CODE = language
    return language


def keep_language(response: HttpResponse, language: str) -> None:
    """Remember a chosen language on the device. Never called for GET of a letter's address."""
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=180 * 24 * 3600,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )


def resident_page(view: View, find: Callable[..., Respondent] | None = None) -> View:
    """The guard of `/r/<key>/…`: the device's secret must fit, a WeChat identity must be proven, and a POST
    or PUT must carry the form's token. The view gets the respondent in place of the key."""

    @wraps(view)
    def guarded(request: HttpRequest, key: uuid.UUID, **kwargs: Any) -> HttpResponse:
        language = speak(request)
        respondent = (find or find_respondent)(request, key)
        if request.method in ("POST", "PUT"):
            require_form_token(request)
        if respondent.needs_identity:
            if request.method in ("POST", "PUT"):
                raise Problem("responses.session_lost")
            return redirect(start_address(respondent))
        response = view(request, respondent, **kwargs)
        keep_language(response, language)
        return response

    # Django's own CSRF check cannot pass here: see `device`. The token above takes its place.
    guarded.csrf_exempt = True
    return guarded


def resident_sends(view: View) -> View:
    """`resident_page` for what a phone sends by itself."""
    return resident_page(view, find_sender)


def find_respondent(request: HttpRequest, key: uuid.UUID) -> Respondent:
    """The respondent of this address, if this device is hers; otherwise Problem responses.session_lost."""
    rows = Respondent.objects.select_related(
        "round__study", "round__consent_text", "case__community__parent__parent"
    )
    return _prove(request, rows.filter(public_id=key).first())


def find_sender(request: HttpRequest, key: uuid.UUID) -> Respondent:
    """As `find_respondent`, with no more than saving and handing in need: phones do that all the time."""
    return _prove(request, read_sender(key))


def _prove(request: HttpRequest, respondent: Respondent | None) -> Respondent:
    secret = read_secret(request)
    if respondent is None or not secret or not same(respondent.device_hash, hash_device(secret)):
        raise Problem("responses.session_lost")
    round_ = respondent.round
    if round_.questionnaire_version_id is not None:
        round_.questionnaire_version = published_version(round_.questionnaire_version_id)
    return respondent


def show(
    request: HttpRequest, template: str, respondent: Respondent, status: int = 200, **context: Any
) -> HttpResponse:
    """Render a resident's page with what each of them needs."""
    round_ = respondent.round
    base = {
        "respondent": respondent,
        "round": round_,
        "study": round_.study,
        "form_token": form_token(read_secret(request)),
        "languages": settings.LANGUAGES,
    }
    return render(request, f"responses/{template}", {**base, **context}, status=status)


def consent_words(round: Round, language: str) -> dict[str, str]:
    """The round's consent text in a language; Simplified Chinese where it has no such version.

    What the study left out is said in the program's own words, so that nothing the law asks for is missing.
    """
    study, texts = round.study, round.consent_text.texts if round.consent_text else {}
    own = {
        "lead": _("您家的门牌是随机抽中的。每个街道只抽几百户，您的一份回答，也替没抽到的邻居说了话。"),
        "who": study.sponsor,
        "why": study.purpose,
        "kept": _("不问姓名，不问证件号。回答会保密：只公布汇总数字，街道和社区看不到您个人的回答。"),
        "how_long": retention_words(round),
        "voluntary": _("可以不参加，也可以跳过任何一题，不会有任何影响。"),
        "rights": _("交了以后，可以随时查看、删除自己的回答，或者撤回同意。"),
        "full": "",
    }
    given = texts.get(language) or texts.get("zh-hans") or {}
    return {**own, **{name: text for name, text in given.items() if text}}


def retention_words(round: Round) -> str:
    """How long contact data is kept, from the round's own date."""
    if round.retention_until is None:
        return _("住址和微信标识只用来联系您和防止重复，调查结束后销毁。")
    return _("住址和微信标识只用来联系您和防止重复，%(day)s前销毁。") % {
        "day": translation.gettext("%(y)s 年 %(m)s 月 %(d)s 日")
        % {
            "y": round.retention_until.year,
            "m": round.retention_until.month,
            "d": round.retention_until.day,
        }
    }


def length_of(round: Round) -> dict[str, int]:
    """How many questions the web mode has at most, and how many minutes they take."""
    document = round.questionnaire_version.document
    asked = [
        item
        for item in items_of(document)
        if item["type"] not in ("note", "calculate") and "web" in item.get("modes", MODES)
    ]
    seconds = total_seconds(document) or 15 * len(asked)
    return {"questions": len(asked), "minutes": max(MIN_MINUTES, round_up(seconds / 60))}


def round_up(value: float) -> int:
    """The next whole number."""
    return -int(-value // 1)
