"""What is answered in the chat at once: a scan's card, a keyword's text, a menu key, a welcome.

A responder of `chat`: asked while WeChat waits, so it reads a few rows at most and writes nothing.
"""

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from survey.audit.services import SYSTEM
from survey.studies.models import Round
from survey.wechat.chat import Answer, Incoming, NewsAnswer, TextAnswer, register_responder
from survey.wechat.inbox import on_push
from survey.wechat.keywords import rules_of
from survey.wechat.models import ReceivedPush, WeChatAccount
from survey.wechat.posters import poster_address
from survey.wechat.publishing import settle_article
from survey.wechat.publishing_models import KeywordReply, SceneCode

TYPED_KEY = "typed_code"  # a menu key: where the letter's code is typed


def answer_in_chat(push: Incoming) -> Answer | None:
    """The team's own answer to a push, if it has one."""
    if push.kind == "text":
        return _to_text(push)
    if push.kind == "event:CLICK":
        return TextAnswer(_typed()) if push.key == TYPED_KEY else _of_keyword(push.account_id, push.key)
    if push.kind in ("event:subscribe", "event:SCAN"):
        card = _to_scene(push) if push.key else None
        return card or (_welcome(push.account_id) if push.kind == "event:subscribe" else None)
    return None


def _to_scene(push: Incoming) -> Answer | None:
    """The card of a scene code: its scan lands in the chat, so the way on is sent there (section 9)."""
    code = (
        SceneCode.objects.select_related("poster__round")
        .filter(account=push.account_id, scene=push.key)
        .first()
    )
    if code is None:
        return None
    poster = code.poster
    if poster is not None and (poster.closed_at is not None or poster.round.state != Round.State.OPEN):
        return TextAnswer(_("这次调查已经结束，谢谢您的关心。"))
    return NewsAnswer(
        title=code.card_title,
        description=code.card_text,
        url=poster_address(poster) if poster is not None else _typed_address(),
        picture_url=settings.PUBLIC_URL + static("wechat/card.png"),
    )


def _to_text(push: Incoming) -> Answer | None:
    """The rule whose word is the whole message, else the longest word that the message holds."""
    if not push.text:
        return None
    rules = rules_of(push.account_id)
    whole = [rule for rule in rules if rule.keyword == push.text]
    part = [r for r in rules if r.match == KeywordReply.Match.PART and r.keyword in push.text]
    found = whole or sorted(part, key=lambda rule: -len(rule.keyword))
    return TextAnswer(found[0].text) if found else None


def _of_keyword(account_id: int, keyword: str) -> Answer | None:
    found = (TextAnswer(rule.text) for rule in rules_of(account_id) if rule.keyword == keyword)
    return next(found, None)


def _welcome(account_id: int) -> Answer:
    account = WeChatAccount.objects.only("name").get(pk=account_id)
    return TextAnswer(_("欢迎关注%(name)s。") % {"name": account.name} + _typed())


def _typed() -> str:
    return _("收到调查信的住户，请打开 %(site)s 输入信上的 12 位码。码在信的中间，分成三组。") % {
        "site": _typed_address()
    }


def _typed_address() -> str:
    return settings.PUBLIC_URL + reverse("entry:typed")


@on_push("event:PUBLISHJOBFINISH")
def _published(account: WeChatAccount, fields: dict[str, object], push: ReceivedPush) -> None:
    info = fields.get("PublishEventInfo")
    if isinstance(info, dict):
        settle_article(account=account, event=info, acting_user=SYSTEM)


def register() -> None:
    """Called when the app is ready; after 退订, before nobody."""
    register_responder(answer_in_chat)
