"""Why a message was stopped, failed, or has an unknown outcome: in words for the team."""

import re
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.wechat.errors import action_for
from survey.wechat.planning import REASONS

_WORDS: dict[str, Any] = {
    "no_answer": gettext_lazy("交给了微信，没有等到读得懂的回音"),
    "worker_lost": gettext_lazy("发送的程序中途停了，不知道发出去没有"),
    "busy": gettext_lazy("微信一直说系统繁忙，隔开试了四次都没有收下"),
    "unreachable": gettext_lazy("连不上微信，试了多次"),
    "too_few": gettext_lazy("名单里只剩一个人，群发不了"),
    "settled": gettext_lazy("发之前已经答完、拒绝，或查明不合格"),
    "closed": gettext_lazy("收卷已经结束"),
    "left": gettext_lazy("已经离开公众号"),
    "unfollowed": gettext_lazy("取消了关注"),
    "revoked": gettext_lazy("撤回了授权"),
    "userblock": gettext_lazy("本人拒收公众号的消息"),
    "send fail": gettext_lazy("群发没有发成"),
}
_REFUSED = re.compile(r"refused_(-?\d{1,9})")
_REVIEWED = re.compile(r"err\((\d{1,9})\)")


def reason_words(reason: str) -> str:
    """A row's `reason` as a sentence; a status of Tencent's that nobody knows is shown as it came."""
    if reason in _WORDS:
        return str(_WORDS[reason])
    if reason in REASONS:
        return str(REASONS[reason])
    refused = _REFUSED.fullmatch(reason)
    if refused:
        return _("微信拒绝（错误码 %(code)s）：%(action)s") % {
            "code": refused[1],
            "action": action_for(int(refused[1])),
        }
    reviewed = _REVIEWED.fullmatch(reason)
    if reviewed:
        return _("微信审核没有通过（%(code)s）") % {"code": reviewed[1]}
    return _("微信报告：%(status)s") % {"status": reason} if reason else ""
