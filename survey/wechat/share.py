"""The share card of a poster's page, through the JS-SDK.

A household's letter is never offered for sharing: its code is the household's own.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.utils.translation import gettext as _

from survey.common.clock import now
from survey.common.errors import Problem
from survey.wechat.models import WeChatAccount
from survey.wechat.posters import poster_address
from survey.wechat.publishing_models import Poster
from survey.wechat.services import wechat_for
from survey.wechat.signature import jssdk_signature

MAX_PAGE = 500


@dataclass(frozen=True)
class ShareCard:
    """What WeChat shows when the page is passed on."""

    title: str
    text: str
    link: str
    picture: str
    script: str


def share_card(poster: Poster) -> ShareCard:
    """The card of a poster: its title has no reward and no urging (外部链接规范)."""
    return ShareCard(
        title=str(poster.round.study),
        text=_("说说您对%(place)s的看法") % {"place": poster.region.name},
        link=poster_address(poster),
        picture=settings.PUBLIC_URL + static("wechat/card.png"),
        script=settings.WECHAT_JS_URL,
    )


def sign_page(*, account: WeChatAccount, page: str) -> dict[str, Any]:
    """The arguments of wx.config for one of our pages.

    Parameters
    ----------
    page : path and query as the phone's address bar has them; the site's own address is put before it, so
        that nobody gets a signature for another site.

    Raises
    ------
    Problem common.invalid : not a path. WeChatError : no ticket to be had.
    """
    if not page.startswith("/") or page.startswith("//") or len(page) > MAX_PAGE:
        raise Problem("common.invalid", reason=_("页面地址不对"))
    url = settings.PUBLIC_URL + page.split("#")[0]
    timestamp, nonce = int(now().timestamp()), secrets.token_hex(8)
    signature = jssdk_signature(
        ticket=wechat_for(account).jsapi_ticket(), noncestr=nonce, timestamp=timestamp, url=url
    )
    return {
        "appId": account.app_id,
        "timestamp": timestamp,
        "nonceStr": nonce,
        "signature": signature,
    }
