"""The account's set-up, checked step by step against WeChat itself. Each check keeps what WeChat answered."""

import re
import secrets
import string
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.responses.models import Respondent
from survey.studies.models import Study
from survey.wechat.alarms import open_alarms, settle_alarm, settle_credential_alarms
from survey.wechat.errors import WeChatError
from survey.wechat.identity import AES_KEY_PURPOSE, CALLBACK_TOKEN_PURPOSE
from survey.wechat.models import AccessToken, ReceivedPush, WeChatAccount
from survey.wechat.publishing_models import DomainFile, SetupCheck
from survey.wechat.services import CHANNEL, save_account, wechat_for

# MP_verify_<16>.txt at the domain's root (protocol file, section 8).
FILE_NAME = re.compile(r"MP_verify_[A-Za-z0-9]{16}\.txt")
MAX_FILE_CHARACTERS = 100
TOKEN_LENGTH, KEY_LENGTH = 24, 43
_ALPHABET = string.ascii_letters + string.digits
ADDRESS, TOKEN, WHITE_LIST, DOMAINS, TEMPLATES, MENU = (
    "address",
    "token",
    "white_list",
    "domains",
    "templates",
    "menu",
)
STEPS = (TOKEN, WHITE_LIST, ADDRESS, DOMAINS, TEMPLATES, MENU)
NAMES: dict[str, Any] = {
    TOKEN: gettext_lazy("账号和密码"),
    WHITE_LIST: gettext_lazy("IP 白名单"),
    ADDRESS: gettext_lazy("服务器地址"),
    DOMAINS: gettext_lazy("域名"),
    TEMPLATES: gettext_lazy("模板和订阅通知"),
    MENU: gettext_lazy("菜单"),
}
QUOTA_ASKED = "/cgi-bin/message/custom/send"
NO_MENU, NOT_IN_WHITE_LIST = 46003, 40164


@dataclass(frozen=True)
class Found:
    """What a check found."""

    is_good: bool
    said: str
    detail: dict[str, Any]


def begin_account(
    *, name: str, app_id: str, app_secret: str, studies: Iterable[Study], acting_user: Actor
) -> WeChatAccount:
    """A new account with a callback token and an AES key of our making, in secure mode.

    Raises
    ------
    Problem common.invalid : a value that Tencent could not have given, or an AppID that is here already.
    """
    app_id, slug = app_id.strip(), app_id.strip().lower()[:40]
    if WeChatAccount.objects.filter(slug=slug).exists():
        raise Problem("common.invalid", reason=_("这个 AppID 已经登记过，请在列表里打开它"))
    return save_account(
        slug=slug,
        name=name.strip(),
        app_id=app_id,
        app_secret=app_secret.strip(),
        callback_token=_random(TOKEN_LENGTH),
        encoding_aes_key=_random(KEY_LENGTH),
        message_mode=WeChatAccount.MessageMode.SECURE,
        studies=studies,
        acting_user=acting_user,
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def change_account(
    *, account: WeChatAccount, name: str, app_secret: str, studies: Iterable[Study], acting_user: Actor
) -> WeChatAccount:
    """Change name, secret (empty: as it is) and studies."""
    return save_account(
        slug=account.slug,
        name=name.strip() or account.name,
        app_id=account.app_id,
        app_secret=app_secret.strip(),
        studies=studies,
        is_active=account.is_active,
        acting_user=acting_user,
    )


def callback_address(account: WeChatAccount) -> str:
    """What is typed into 服务器地址(URL)."""
    return settings.PUBLIC_URL + reverse("wechat:push", args=[account.slug])


def server_secrets(account: WeChatAccount, *, acting_user: Actor) -> tuple[str, str]:
    """The callback's token and AES key, for Tencent's back office; that they were shown is recorded."""
    with transaction.atomic():
        record(action="wechat.account.secrets_shown", acting_user=acting_user, target=account)
    return (
        decrypt(account.callback_token_cipher, CALLBACK_TOKEN_PURPOSE)
        if account.callback_token_cipher
        else "",
        decrypt(account.encoding_aes_key_cipher, AES_KEY_PURPOSE) if account.encoding_aes_key_cipher else "",
    )


def site_host() -> str:
    """What is typed into the three kinds of domain: the host, without scheme and path."""
    return urlsplit(settings.PUBLIC_URL).netloc


@transaction.atomic
def keep_domain_file(*, account: WeChatAccount, name: str, content: str, acting_user: Actor) -> DomainFile:
    """Serve Tencent's check file at the root of the site.

    Raises
    ------
    Problem common.invalid : not such a file, or another account's.
    """
    name, content = name.strip(), content.strip()
    if not FILE_NAME.fullmatch(name) or not content or len(content) > MAX_FILE_CHARACTERS:
        raise Problem(
            "common.invalid",
            reason=_("文件名要像 MP_verify_ 加 16 个字母数字再加 .txt，内容照抄文件里的一行"),
        )
    if DomainFile.objects.filter(name=name).exclude(account=account).exists():
        raise Problem("common.invalid", reason=_("这个文件已经登记在别的账号下"))
    file, _created = DomainFile.objects.update_or_create(
        name=name, defaults={"account": account, "content": content}
    )
    record(action="wechat.domain_file.kept", acting_user=acting_user, target=account, detail={"name": name})
    return file


# --- checks -----------------------------------------------------------------------------------------
def check_step(*, account: WeChatAccount, step: str, acting_user: Actor) -> SetupCheck:
    """Run one step's check now and keep what was found. Calls WeChat; never inside a transaction.

    Raises
    ------
    Problem common.invalid : no such step.
    """
    if step not in _CHECKS:
        raise Problem("common.invalid", reason=_("没有这一步"))
    try:
        found = _CHECKS[step](account)
    except WeChatError as refusal:
        found = Found(False, refusal.action, {"code": int(refusal.code), "rid": refusal.rid})
    with transaction.atomic():
        check, _created = SetupCheck.objects.update_or_create(
            account=account,
            step=step,
            defaults={
                "state": SetupCheck.State.GOOD if found.is_good else SetupCheck.State.BAD,
                "said": found.said[:400],
                "detail": found.detail,
                "checked_at": now(),
            },
        )
        if found.is_good and step == WHITE_LIST:  # credentials and address are both right now
            settle_credential_alarms(account)
            for alarm in open_alarms(account).filter(code=NOT_IN_WHITE_LIST):
                settle_alarm(alarm=alarm, acting_user=acting_user)
        record(
            action="wechat.setup.checked",
            acting_user=acting_user,
            target=account,
            detail={"step": step, "good": found.is_good},
        )
    return check


def check_all(*, account: WeChatAccount, acting_user: Actor) -> list[SetupCheck]:
    """Every step in order."""
    return [check_step(account=account, step=step, acting_user=acting_user) for step in STEPS]


def _fresh_token(account: WeChatAccount) -> None:
    """A call that shows the secret: the stored token would hide a changed secret or address."""
    AccessToken.objects.filter(account=account).delete()
    wechat_for(account).access_token()


def _check_token(account: WeChatAccount) -> Found:
    try:
        _fresh_token(account)
    except WeChatError as refusal:
        if refusal.code != NOT_IN_WHITE_LIST:
            raise
        return Found(True, _("AppID 和 AppSecret 对。下一步把本机的地址加进白名单。"), {})
    return Found(True, _("取到了 access_token：AppID 和 AppSecret 都对。"), {})


def _check_white_list(account: WeChatAccount) -> Found:
    _fresh_token(account)
    answer = wechat_for(account).request("post", "openapi/quota/get", data={"cgi_path": QUOTA_ASKED})
    quota = answer.get("quota") or {}
    return Found(
        True,
        _("微信认得本机的地址。客服消息今天还能发 %(left)s 条（每天 %(limit)s 条）。")
        % {"left": quota.get("remain", "—"), "limit": quota.get("daily_limit", "—")},
        {"remain": quota.get("remain"), "daily_limit": quota.get("daily_limit")},
    )


def _check_address(account: WeChatAccount) -> Found:
    last = ReceivedPush.objects.filter(account=account).aggregate(at=Max("received_at"))["at"]
    if account.verified_at is None and last is None:
        return Found(False, _("微信还没有来核对过这个地址。请按下面的步骤提交服务器配置，再检查一次。"), {})
    said = _("微信来核对过这个地址。") if account.verified_at else ""
    said += _("收到过消息推送。") if last else _("还没有收到过消息，用手机关注一次就有了。")
    return Found(True, said, {})


def _check_domains(account: WeChatAccount) -> Found:
    """The JS-SDK's ticket can be had, and a phone has come back from the log-in."""
    if not account.domain_files.exists():
        return Found(False, _("还没有放校验文件。请按下面的步骤从公众平台下载，填到这里。"), {})
    wechat_for(account).jsapi_ticket()
    came_back = (
        Respondent.objects.filter(channel=CHANNEL, round__study__in=account.studies.all())
        .exclude(identity_hash="")
        .exists()
    )
    if not came_back:
        return Found(
            False,
            _("文件放好了，还没有手机走通过网页授权。三个域名都填好以后，用手机扫一张海报或一封信试试。"),
            {},
        )
    return Found(True, _("有手机从微信的网页授权回来过，JS-SDK 的票据也取到了。"), {})


def _check_templates(account: WeChatAccount) -> Found:
    wechat = wechat_for(account)
    listed = wechat.request("get", "template/get_all_private_template").get("template_list") or []
    templates = [_template("template", row.get("template_id"), row) for row in listed]
    # Another path than /cgi-bin/, so it is asked for by its whole address.
    answer = wechat.call(
        "newtmpl/gettemplate",
        lambda client: client.get("https://api.weixin.qq.com/wxaapi/newtmpl/gettemplate"),
    )
    templates += [_template("subscribe", row.get("priTmplId"), row) for row in answer.get("data") or []]
    if not templates:
        return Found(
            False,
            _("还没有选用模板。没有模板也能收卷，只是不能主动提醒关注的人；48 小时内互动过的人仍可提醒。"),
            {"templates": []},
        )
    return Found(True, _("选用了 %(n)d 个模板。") % {"n": len(templates)}, {"templates": templates})


def _template(kind: str, template_id: object, row: dict[str, Any]) -> dict[str, str]:
    return {
        "kind": kind,
        "id": str(template_id or ""),
        "title": str(row.get("title", "")),
        "content": str(row.get("content", "")),
    }


def _check_menu(account: WeChatAccount) -> Found:
    try:
        answer = wechat_for(account).request("get", "menu/get")
    except WeChatError as refusal:
        if refusal.code != NO_MENU:
            raise
        return Found(False, _("还没有菜单。到“发布”页做一个，关注的人就能从菜单进来。"), {})
    names = [button.get("name", "") for button in (answer.get("menu") or {}).get("button", [])]
    return Found(True, _("微信上的菜单：%(names)s。") % {"names": "、".join(names)}, {"buttons": names})


_CHECKS: dict[str, Callable[[WeChatAccount], Found]] = {
    TOKEN: _check_token,
    WHITE_LIST: _check_white_list,
    ADDRESS: _check_address,
    DOMAINS: _check_domains,
    TEMPLATES: _check_templates,
    MENU: _check_menu,
}
