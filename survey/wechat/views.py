"""The log-in inside WeChat. Its addresses only move the browser; what is shown has a clean address."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from survey.common.crypto import same
from survey.common.errors import Problem
from survey.responses.device import hash_device, read_secret
from survey.responses.models import Respondent
from survey.wechat import services
from survey.wechat.errors import WeChatError
from survey.wechat.models import OAuthState


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
