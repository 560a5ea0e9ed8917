"""What WeChat pushed and the program could not work on: what it was, when, why, and once more where right."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from survey.accounts.access import allowed
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.console.page import paged
from survey.console.rows import one_of
from survey.console.views.channel import account_of, posted_key
from survey.wechat import inbox
from survey.wechat.models import ReceivedPush
from survey.wechat.receiving import CONTENT_PURPOSE

PER_PAGE = 20
KIND_WORDS: dict[str, Any] = {
    "text": gettext_lazy("文字消息"),
    "image": gettext_lazy("图片"),
    "voice": gettext_lazy("语音"),
    "video": gettext_lazy("视频"),
    "shortvideo": gettext_lazy("小视频"),
    "location": gettext_lazy("位置"),
    "link": gettext_lazy("链接"),
    "event:subscribe": gettext_lazy("关注"),
    "event:unsubscribe": gettext_lazy("取消关注"),
    "event:SCAN": gettext_lazy("扫带参二维码"),
    "event:CLICK": gettext_lazy("点菜单"),
    "event:VIEW": gettext_lazy("点菜单里的链接"),
    "event:TEMPLATESENDJOBFINISH": gettext_lazy("模板消息的结果"),
    "event:MASSSENDJOBFINISH": gettext_lazy("群发的结果"),
    "event:PUBLISHJOBFINISH": gettext_lazy("发布文章的结果"),
    "event:subscribe_msg_popup_event": gettext_lazy("订阅通知：点了同意或拒绝"),
    "event:subscribe_msg_change_event": gettext_lazy("订阅通知：改了设置"),
    "event:subscribe_msg_sent_event": gettext_lazy("订阅通知的结果"),
    "event:user_authorization_revoke": gettext_lazy("撤回网页授权"),
    "event:user_authorization_cancellation": gettext_lazy("注销微信"),
}
# What every push has; the rest of the names tells a developer what a new kind holds.
_COMMON = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId", "Content"})


@allowed("wechat.manage")
@require_http_methods(["GET", "POST"])
def channel_events(request: HttpRequest, pk: int) -> HttpResponse:
    """One account's unsettled pushes. Names of fields are shown, never what residents wrote."""
    account = account_of(request.user, pk)
    rows = inbox.unsettled(account)
    if request.method == "POST":
        push = one_of(rows, pk=posted_key(request, "push"))
        try:
            inbox.process_again(push=push, acting_user=request.user)
        except Problem as problem:
            messages.error(request, problem.message)
        else:
            messages.success(request, _("放回去了，几秒钟以后会再处理一次。成了就从这里消失。"))
        return redirect("console:channel_events", pk=pk)
    page = paged(request, rows, PER_PAGE)
    for push in page:
        _describe(push)
    context = {
        "current": "channels",
        "account": account,
        "page": page,
        "keep_days": inbox.KEEP_CONTENT.days,
        "keep_unknown_days": inbox.KEEP_UNKNOWN.days,
    }
    return render(request, "console/channel_events.html", context)


def _describe(push: ReceivedPush) -> None:
    """What the page says about a push."""
    push.what = KIND_WORDS.get(push.kind, _("没见过的一种"))
    push.is_gone = not bytes(push.content_cipher)
    push.may_again = inbox.may_process_again(push)
    fields = {} if push.is_gone else json.loads(decrypt(push.content_cipher, CONTENT_PURPOSE))
    push.names = sorted(set(fields) - _COMMON)
