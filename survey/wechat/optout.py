"""Leaving messages without leaving the account: 退订 stops them at once, 恢复 lets them come again."""

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from survey.common.clock import now
from survey.wechat.chat import Incoming, TextAnswer, register_responder
from survey.wechat.identity import stop_messages
from survey.wechat.inbox import on_push
from survey.wechat.models import ReceivedPush, WeChatAccount, WeChatUser

STOP_WORDS = frozenset({"退订", "TD", "T", "不要再发", "别再发了", "停止提醒"})
RESUME_WORDS = frozenset({"恢复", "恢复提醒"})
_STOPPED = _("好的，以后不再给您发提醒。想再收到，请回复“恢复”。")
_RESUMED = _("好的，提醒已经恢复。不想要了，请回复“退订”。")


def _word(text: str) -> str:
    return text.strip().strip("。.!！“”\"'").upper()


def answer_opt_out(push: Incoming) -> TextAnswer | None:
    """Say that it is done; the work itself follows from the stored push."""
    if push.kind != "text":
        return None
    word = _word(push.text)
    if word in STOP_WORDS:
        return TextAnswer(str(_STOPPED))
    return TextAnswer(str(_RESUMED)) if word in RESUME_WORDS else None


@on_push("text")
def _opt_out_or_in(account: WeChatAccount, fields: dict[str, Any], push: ReceivedPush) -> None:
    word = _word(str(fields.get("Content", "")))
    user = WeChatUser.objects.filter(account=account, openid_hash=push.openid_hash)
    if word in STOP_WORDS:
        user.update(opted_out_at=now())
        stop_messages(Q(user__account=account, user__openid_hash=push.openid_hash), reason="opted_out")
    elif word in RESUME_WORDS:
        user.update(opted_out_at=None)


def register() -> None:
    """Called when the app is ready. First of all responders: nobody's keyword may hide the way out."""
    register_responder(answer_opt_out, order=0)
