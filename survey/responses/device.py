"""The resident's phone proves itself by a random secret in a cookie; the database knows only its hash.

Residents have no Django session. The pages send `Referrer-Policy: no-referrer`, under which browsers write
`Origin: null` on form posts, which Django's CSRF check refuses. So residents' forms carry a token derived
from the device's secret instead (docs/decisions/0008-forms-without-a-session.md).
"""

import json
import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from survey.common.crypto import keyed_hash, same
from survey.common.errors import Problem

COOKIE = "minyi_device"
COOKIE_AGE_S = 180 * 24 * 3600  # longer than a round is in the field
MAX_TOKEN_BODY = 256 * 1024  # as large as a questionnaire may be
SECRET_CHARACTERS = 43  # 32 random bytes in base64url


def read_secret(request: HttpRequest) -> str:
    """The device's secret, or "" when this browser has none."""
    value = request.COOKIES.get(COOKIE, "")
    return value if len(value) == SECRET_CHARACTERS else ""


def secret_for(request: HttpRequest) -> str:
    """The device's secret; a new one for a browser that has none (`keep_secret` must set it)."""
    return read_secret(request) or secrets.token_urlsafe(32)


def keep_secret(response: HttpResponse, secret: str) -> None:
    """Put the secret on the device. Lax: it comes along when WeChat's log-in returns the resident."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=COOKIE_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def hash_device(secret: str) -> str:
    """What the database keeps of a secret."""
    return keyed_hash(secret, "responses.device")


def form_token(secret: str) -> str:
    """The token that the device's own forms carry; another site cannot know it."""
    return keyed_hash(secret, "responses.form")


def require_form_token(request: HttpRequest) -> None:
    """Refuse a POST or PUT that does not come from a page of ours on this device.

    The token comes as X-CSRFToken, as a form's field, or in a JSON body: sendBeacon can set no header.
    """
    secret = read_secret(request)
    given = (
        request.headers.get("X-CSRFToken") or request.POST.get("form_token", "") or _token_in_json(request)
    )
    if not secret or not same(given, form_token(secret)):
        raise Problem("responses.session_lost")


def _token_in_json(request: HttpRequest) -> str:
    if request.content_type != "application/json" or len(request.body) > MAX_TOKEN_BODY:
        return ""
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return ""
    token = body.get("form_token") if isinstance(body, dict) else None
    return token if isinstance(token, str) else ""


def require_own_site(request: HttpRequest) -> None:
    """Refuse a POST that another site sent, where the browser tells. For forms of pages without a cookie.

    Sec-Fetch-Site tells it in every current browser. Older ones send Origin, which is "null" for our own
    forms too, because the page has no referrer: so "null" passes, another site's name does not.
    """
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin", "null")
    foreign = (
        site not in ("same-origin", "none")
        if site
        else origin != "null" and urlsplit(origin).netloc != request.get_host()
    )
    if foreign:
        raise Problem("responses.session_lost")
