"""What the account publishes: scene codes, menu, keyword replies, articles. WeChat is called before anything
is written, and never inside a transaction: a slow Tencent holds no row.
"""

import re
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.db import transaction
from django.utils.translation import gettext as _
from wechatpy import WeChatClient

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.wechat.keywords import forget_rules
from survey.wechat.models import WeChatAccount
from survey.wechat.publishing_models import Article, KeywordReply, Menu, Poster, SceneCode
from survey.wechat.services import wechat_for

# Protocol file, sections 9 and 11.
TEMPORARY_DAYS = 30
MAX_BUTTONS, MAX_SUB_BUTTONS = 3, 5
MAX_NAME, MAX_SUB_NAME = 4, 8  # Chinese characters that a phone shows [3P]
MAX_URL_BYTES, MAX_KEY_BYTES = 1024, 128
SCENE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
MAX_TITLE = 32  # Chinese characters that an article's title shows whole [M]
PUBLISHED, PUBLISHING = 0, 1  # publish_status; all others: not published (section 13)


# --- scene codes ------------------------------------------------------------------------------------
def make_scene_code(
    *,
    account: WeChatAccount,
    scene: str,
    name: str,
    card_title: str,
    card_text: str,
    poster: Poster | None,
    is_permanent: bool,
    acting_user: Actor,
) -> SceneCode:
    """Ask WeChat for a QR code that opens the chat; the same scene again renews its ticket.

    Permanent ones cannot be deleted and there are 100,000 of them in all, so the default is 30 days.

    Raises
    ------
    Problem common.invalid : a scene or a title that WeChat or the card cannot hold. WeChatError.
    """
    if not SCENE.fullmatch(scene):
        raise Problem("common.invalid", reason=_("场景值用字母、数字、点、横线，最多 64 个"))
    if not name.strip() or not card_title.strip():
        raise Problem("common.invalid", reason=_("请写名称和卡片的标题"))
    moment = now()
    made = _ask_for_code(account, scene, is_permanent=is_permanent)
    with transaction.atomic():
        code, _created = SceneCode.objects.update_or_create(
            account=account,
            scene=scene,
            defaults={
                "name": name.strip()[:60],
                "poster": poster,
                "card_title": card_title.strip()[:64],
                "card_text": card_text.strip()[:120],
                "ticket": str(made.get("ticket", ""))[:200],
                "url": str(made.get("url", ""))[:300],
                "expires_at": None if is_permanent else moment + timedelta(days=TEMPORARY_DAYS),
            },
        )
        record(
            action="wechat.scene_code.made",
            acting_user=acting_user,
            target=code,
            detail={"scene": scene, "permanent": is_permanent},
        )
    return code


def _ask_for_code(account: WeChatAccount, scene: str, *, is_permanent: bool) -> dict[str, Any]:
    """WeChat's ticket and the address that the QR holds. Raises WeChatError."""
    asked: dict[str, Any] = {
        "action_name": "QR_LIMIT_STR_SCENE" if is_permanent else "QR_STR_SCENE",
        "action_info": {"scene": {"scene_str": scene}},
    }
    if not is_permanent:
        asked["expire_seconds"] = TEMPORARY_DAYS * 86400
    return wechat_for(account).request("post", "qrcode/create", data=asked)


# --- menu -------------------------------------------------------------------------------------------
def check_menu(buttons: list[dict[str, Any]]) -> None:
    """Raise Problem common.invalid for a menu that WeChat would refuse or a phone would cut off."""
    if not 1 <= len(buttons) <= MAX_BUTTONS:
        raise Problem("common.invalid", reason=_("菜单要有 1 到 3 个按钮"))
    for button in buttons:
        below = button.get("sub_button") or []
        if len(below) > MAX_SUB_BUTTONS:
            raise Problem("common.invalid", reason=_("一个按钮下面最多 5 项"))
        _check_name(button.get("name", ""), MAX_NAME)
        for each in below or [button]:
            if below:
                _check_name(each.get("name", ""), MAX_SUB_NAME)
            _check_target(each)


def _check_name(name: str, most: int) -> None:
    if not name or len(name) > most:
        raise Problem(
            "common.invalid",
            reason=_("“%(name)s”：按钮的名字要有 1 到 %(most)d 个字，再长手机上显示不全")
            % {"name": name, "most": most},
        )


def _check_target(button: dict[str, Any]) -> None:
    url, key = button.get("url", ""), button.get("key", "")
    if button.get("type") == "view":
        if not url.startswith(("https://", "http://")) or len(url.encode()) > MAX_URL_BYTES:
            raise Problem(
                "common.invalid", reason=_("“%(name)s”的网址不对") % {"name": button.get("name", "")}
            )
    elif button.get("type") != "click" or not key or len(key.encode()) > MAX_KEY_BYTES:
        raise Problem(
            "common.invalid",
            reason=_("“%(name)s”要么打开网址，要么回复一个关键词") % {"name": button.get("name", "")},
        )


def publish_menu(*, account: WeChatAccount, buttons: list[dict[str, Any]], acting_user: Actor) -> Menu:
    """Check the menu, hand it to WeChat, and keep what was taken. Phones show it within minutes.

    Raises
    ------
    Problem common.invalid : see `check_menu`. WeChatError.
    """
    check_menu(buttons)
    wechat_for(account).request("post", "menu/create", data={"button": buttons})
    with transaction.atomic():
        menu, _created = Menu.objects.update_or_create(
            account=account, defaults={"buttons": buttons, "published_at": now()}
        )
        record(
            action="wechat.menu.published",
            acting_user=acting_user,
            target=account,
            detail={"buttons": [button["name"] for button in buttons]},
        )
    return menu


# --- keyword replies --------------------------------------------------------------------------------
@transaction.atomic
def save_keyword(
    *, account: WeChatAccount, keyword: str, match: str, text: str, acting_user: Actor
) -> KeywordReply:
    """Create or change the answer to a word.

    Raises
    ------
    Problem common.invalid : an empty word or answer, or an unknown way to match.
    """
    keyword, text = keyword.strip(), text.strip()
    if not keyword or len(keyword) > 30 or not text or len(text) > 600:
        raise Problem("common.invalid", reason=_("关键词要有 1 到 30 个字，回复要有 1 到 600 个字"))
    if match not in KeywordReply.Match.values:
        raise Problem("common.invalid", reason=_("请选怎样才算对上"))
    rule, _created = KeywordReply.objects.update_or_create(
        account=account, keyword=keyword, defaults={"match": match, "text": text}
    )
    forget_rules()
    record(action="wechat.keyword.saved", acting_user=acting_user, target=rule, detail={"keyword": keyword})
    return rule


@transaction.atomic
def remove_keyword(*, rule: KeywordReply, acting_user: Actor) -> None:
    """Answer this word no more."""
    record(
        action="wechat.keyword.removed",
        acting_user=acting_user,
        target=rule,
        detail={"keyword": rule.keyword},
    )
    rule.delete()
    forget_rules()


# --- articles ---------------------------------------------------------------------------------------
@transaction.atomic
def write_article(
    *, account: WeChatAccount, title: str, digest: str, body: str, link: str, acting_user: Actor
) -> Article:
    """Write an article; nothing reaches WeChat yet.

    Raises
    ------
    Problem common.invalid : no title or text, a title too long, a link that is none.
    """
    title, body, link = title.strip(), body.strip(), link.strip()
    if not title or not body or len(title) > MAX_TITLE:
        raise Problem("common.invalid", reason=_("请写标题（不超过 32 个字）和正文"))
    if link and not link.startswith(("https://", "http://")):
        raise Problem("common.invalid", reason=_("“阅读原文”的网址要以 https:// 开头"))
    article = Article.objects.create(
        account=account, title=title, digest=digest.strip()[:120], body=body, link=link[:300]
    )
    record(action="wechat.article.written", acting_user=acting_user, target=article)
    return article


def draft_article(*, article: Article, acting_user: Actor) -> Article:
    """Put an article into WeChat's draft box, with the program's own picture as its cover.

    Raises
    ------
    Problem common.invalid : it is there already. WeChatError.
    """
    if article.state not in (Article.State.WRITTEN, Article.State.FAILED):
        raise Problem("common.invalid", reason=_("这篇文章已经送到微信了"))
    wechat = wechat_for(article.account)
    cover = wechat.call("material/add_material", _add_cover)
    # Not wechatpy's draft.add: it drops fields (shared/wechatpy notes, 11).
    content = {
        "title": article.title,
        "author": article.account.name[:16],
        "digest": article.digest,
        "content": _as_html(article.body),
        "content_source_url": article.link,
        "thumb_media_id": str(cover.get("media_id", "")),
        "need_open_comment": 0,
    }
    made = wechat.request("post", "draft/add", data={"articles": [content]})
    _change(
        article, acting_user, "drafted", state=Article.State.DRAFT, media_id=str(made.get("media_id", ""))
    )
    return article


def _add_cover(client: WeChatClient) -> Any:
    found = finders.find("wechat/card.png")
    with Path(str(found)).open("rb") as picture:
        return client.post("material/add_material", params={"type": "image"}, files={"media": picture})


def _as_html(body: str) -> str:
    """A paragraph a line; everything else is text."""
    return "".join(f"<p>{escape(line)}</p>" for line in body.splitlines() if line.strip())


def publish_article(*, article: Article, acting_user: Actor) -> Article:
    """Hand the draft in for publishing; the outcome comes later (`settle_article`).

    Published is not sent: followers get no message, and it is not on the account's page (section 13).

    Raises
    ------
    Problem common.invalid : it is not a draft. WeChatError.
    """
    if article.state != Article.State.DRAFT:
        raise Problem("common.invalid", reason=_("先把文章送到草稿箱，再发布"))
    taken = wechat_for(article.account).request(
        "post", "freepublish/submit", data={"media_id": article.media_id}
    )
    publish_id = str(taken.get("publish_id", ""))
    _change(article, acting_user, "submitted", state=Article.State.PUBLISHING, publish_id=publish_id)
    return article


def refresh_article(*, article: Article, acting_user: Actor) -> Article:
    """Ask WeChat how the publishing went. Raises WeChatError."""
    if article.state == Article.State.PUBLISHING:
        answer = wechat_for(article.account).request(
            "post", "freepublish/get", data={"publish_id": article.publish_id}
        )
        settle_article(account=article.account, event=answer, acting_user=acting_user)
        article.refresh_from_db()
    return article


def settle_article(*, account: WeChatAccount, event: dict[str, Any], acting_user: Actor) -> None:
    """Note how a publishing ended: a PUBLISHJOBFINISH event's PublishEventInfo, or freepublish/get's answer.

    Numbers are text in events and numbers in answers. Safe to repeat.
    """
    article = Article.objects.filter(
        account=account, publish_id=str(event.get("publish_id", "")), state=Article.State.PUBLISHING
    ).first()
    status = str(event.get("publish_status", ""))
    if article is None or not status.isdigit() or int(status) == PUBLISHING:
        return
    if int(status) == PUBLISHED:
        items = (event.get("article_detail") or {}).get("item") or []
        first = items[0] if isinstance(items, list) and items else items or {}
        url = str(first.get("article_url", ""))[:500]
        _change(article, acting_user, "published", state=Article.State.PUBLISHED, url=url, published_at=now())
        return
    why = _("微信没有发布（状态 %(status)s：2 原创审核没过，3 普通失败，4 平台审核没过）") % {
        "status": status
    }
    _change(article, acting_user, "failed", state=Article.State.FAILED, why=why)


@transaction.atomic
def _change(article: Article, acting_user: Actor, deed: str, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(article, name, value)
    article.save(update_fields=list(fields))
    record(action=f"wechat.article.{deed}", acting_user=acting_user, target=article)
