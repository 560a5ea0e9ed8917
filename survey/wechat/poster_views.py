"""`/p/<code>`: a poster's address. GET only shows who asks; the button goes on to WeChat's log-in."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_http_methods

from survey.common.errors import Problem
from survey.common.net import client_address
from survey.responses import device
from survey.responses.channels import start_address
from survey.responses.pages import keep_language, speak
from survey.wechat.channel import takes
from survey.wechat.errors import WeChatError
from survey.wechat.posters import enter_by_poster, find_poster, poster_address
from survey.wechat.services import CHANNEL, account_for
from survey.wechat.share import share_card, sign_page


# csrf_exempt: as for a letter's address (docs/decisions/0008-forms-without-a-session.md).
@gzip_page
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def poster(request: HttpRequest, code: str) -> HttpResponse:
    """Who asks, where the poster hangs, and one button; outside WeChat, how to get in."""
    speak(request)
    found = find_poster(code)
    study = found.round.study
    in_wechat = takes(request, study)
    if request.method == "POST" and in_wechat:
        device.require_own_site(request)
        secret = device.secret_for(request)
        respondent = enter_by_poster(
            poster=found, channel=CHANNEL, device_secret=secret, network=client_address(request)
        )
        if respondent.needs_identity:
            response = redirect(start_address(respondent))
        else:
            response = redirect("responses:home", key=respondent.public_id)
        device.keep_secret(response, secret)
        keep_language(response, speak(request))
        return response
    context = {
        "poster": found,
        "study": study,
        "in_wechat": in_wechat,
        "address": poster_address(found),
        "language": get_language(),
        "share": share_card(found) if in_wechat else None,
    }
    return render(request, "wechat/poster.html", context)


@require_GET
def jssdk(request: HttpRequest, code: str) -> HttpResponse:
    """What wx.config needs on this poster's page; `?page=` is the path that the phone has in its bar."""
    account = account_for(find_poster(code).round.study)
    if account is None:
        raise Problem("wechat.failed")
    try:
        signed = sign_page(account=account, page=request.GET.get("page", ""))
    except WeChatError:
        raise Problem("wechat.failed") from None
    reply = JsonResponse(signed)
    reply["Cache-Control"] = "no-store"
    return reply
