"""What WeChat calls: the callback for its pushes, and the two addresses of the log-in.

The log-in's addresses only move the browser; what is shown has a clean address.
"""

import logging
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from survey.common.crypto import same
from survey.common.errors import Problem
from survey.responses.device import hash_device, read_secret
from survey.responses.models import Respondent
from survey.wechat import receiving, services
from survey.wechat.errors import WeChatError
from survey.wechat.models import OAuthState
from survey.wechat.push import MAX_PUSH_BYTES, ParseError
from survey.wechat.signature import SignatureError

logger = logging.getLogger(__name__)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def push(request: HttpRequest, account: str) -> HttpResponse:
    """Tencent's check of the address (GET), and its pushes (POST). Answers in plain words, never in pages."""
    held = receiving.accounts.find(account)
    if held is None:
        return _plain("no such account", 404)
    try:
        if request.method != "POST":
            return _plain(receiving.verify_address(held, request.GET))
        if _length(request) > MAX_PUSH_BYTES:
            return _plain("too large", 413)
        answer = receiving.receive(held, request.GET, request.body)
    except SignatureError as refusal:
        logger.warning("push to %s refused: %s", account, refusal)
        return _plain("not proven", 403)
    except (ParseError, OSError) as refusal:  # OSError: the sender went away
        logger.warning("push to %s not understood: %s", account, refusal)
        return _plain("not understood", 400)
    xml = answer.startswith("<xml>")
    return HttpResponse(answer, content_type=f"{'application/xml' if xml else 'text/plain'}; charset=utf-8")


def _length(request: HttpRequest) -> int:
    stated = request.META.get("CONTENT_LENGTH") or "0"
    return int(stated) if stated.isascii() and stated.isdigit() else 0


def _plain(text: str, status: int = 200) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")


def _own_respondent(key: uuid.UUID | str, device_secret: str) -> Respondent:
    """The respondent whom this device is; Problem responses.session_lost otherwise."""
    respondent = Respondent.objects.select_related("case__round__study").filter(public_id=key).first()
    if (
        respondent is None
        or not device_secret
        or not same(respondent.device_hash, hash_device(device_secret))
    ):
        raise Problem("responses.session_lost")
    return respondent


@require_GET
def start(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Send the browser to WeChat's log-in (snsapi_base: nothing is asked of the resident)."""
    secret = read_secret(request)
    respondent = _own_respondent(key, secret)
    account = services.account_for(respondent.round.study)
    if account is None:
        raise Problem("wechat.failed")
    return redirect(services.start_login(account=account, respondent=respondent, device_secret=secret))


@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Exchange the code once, then leave for a clean address.

    Android opens this address twice, and a refresh opens it again (protocol file, section 5): the second
    visit never exchanges; it finds the log-in done, or starts it anew, once.
    """
    secret = read_secret(request)
    started, is_first = services.take_state(state=request.GET.get("state", ""), device_secret=secret)
    respondent = Respondent.objects.filter(public_id=started.destination).first()
    if not is_first:
        if respondent is not None and not respondent.needs_identity:
            return redirect("responses:home", key=respondent.public_id)
        return _restart(request, started, secret)
    code = request.GET.get("code", "")
    if not code:
        return _stopped(request, "refused", 403)
    try:
        identity = services.wechat_for(started.account).exchange_code(code)
    except WeChatError as error:
        if error.restart:
            return _restart(request, started, secret)
        raise Problem("wechat.failed") from None
    if identity.is_snapshot:
        return _stopped(request, "snapshot", 403)
    identified = services.finish_login(
        account=started.account,
        respondent=_own_respondent(started.destination, secret),
        openid=identity.openid,
        device_secret=secret,
    )
    return redirect("responses:home", key=identified.public_id)


def _restart(request: HttpRequest, started: OAuthState, secret: str) -> HttpResponse:
    """Once more from the start, but never in a circle."""
    if started.restarts >= services.MAX_RESTARTS:
        raise Problem("wechat.failed")
    respondent = _own_respondent(started.destination, secret)
    return redirect(
        services.start_login(
            account=started.account,
            respondent=respondent,
            device_secret=secret,
            restarts=started.restarts + 1,
        )
    )


def _stopped(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    """A page that says how to go on without this log-in."""
    return render(request, "wechat/stopped.html", {"reason": reason}, status=status)
