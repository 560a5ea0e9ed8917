"""The browser leg of web authorisation: open.weixin.qq.com/connect/oauth2/authorize.

Facts: protocol file, section 5, and developers.weixin.qq.com/doc/oplatform/developers/troubleshooting/
auth.html (10003 for a redirect host that is not exactly the configured one; scope refused when the
parameters are not in the documented order).
"""

import json
import re
from urllib.parse import parse_qsl, quote, urlsplit

from survey.wechat.sandbox import pages
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, is_web_address, redirect

AUTHORIZE = "/connect/oauth2/authorize"
CONFIRM = "/connect/oauth2/confirm"
# What must follow the address; browsers do not send it, so phones check it. [M]
FRAGMENT = "wechat_redirect"
PARAMETER_ORDER = ("appid", "redirect_uri", "response_type", "scope", "state")
SCOPES = ("snsapi_base", "snsapi_userinfo")
_STATE = re.compile(r"[A-Za-z0-9]{0,128}")
SNAPSHOT_OFF, SNAPSHOT_USERINFO, SNAPSHOT_ALL = "off", "userinfo", "all"


def authorize(store: Store, request: Request, resident_id: str | None) -> Reply:
    """Send this resident back with a code; ask first when the scope is snsapi_userinfo."""
    refusal = _refusal(store, request)
    if refusal is not None:
        return refusal
    if "MicroMessenger" not in request.user_agent:
        return pages.message("请在微信客户端打开链接", "这个链接只能在微信里打开。")
    resident = store.resident(resident_id) if resident_id else None
    if resident is None:
        return pages.message(
            "先选一部手机", "这里还不知道是谁的手机。请回到模拟微信的首页选一位居民，再扫一次码。", status=403
        )
    account = store.account(request.query["appid"])
    if account is None:
        return _error(10016, "AppID 不存在")
    is_snapshot = _is_snapshot(account, request.query["scope"])
    if request.query["scope"] == "snsapi_base" or is_snapshot:
        return _send_back(store, request, resident["id"], is_snapshot)
    if request.path == CONFIRM:
        return _decided(store, request, resident["id"])
    return _ask(account, resident, request)


def _refusal(store: Store, request: Request) -> Reply | None:
    """Tencent's error page for a wrong address, or None."""
    given = [name for name, _ in parse_qsl(request.query_string, keep_blank_values=True)]
    known = [name for name in given if name in PARAMETER_ORDER]
    query = request.query
    account = store.account(query.get("appid", ""))
    if account is None:
        return _error(10016, "AppID 不存在")
    if not query.get("redirect_uri"):
        return _error(10011, "redirect_uri 不能为空")
    if query.get("response_type") != "code" or query.get("scope") not in SCOPES:
        return _error(10005, "Scope 参数错误或没有 Scope 权限")
    if known != [name for name in PARAMETER_ORDER if name in query]:
        return _error(10005, f"Scope 参数错误或没有 Scope 权限。参数的顺序要是 {'、'.join(PARAMETER_ORDER)}")
    if not _STATE.fullmatch(query.get("state", "")):
        return _error(10013, "state 只能是字母和数字，最多 128 字节")
    if not _redirects_home(account, query["redirect_uri"]):
        return _error(10003, "redirect_uri 域名与后台配置不一致")
    return None


def _redirects_home(account: Row, address: str) -> bool:
    """Exact host. A port must be configured with it; at Tencent no port is allowed at all."""
    if not is_web_address(address):
        return False
    parts = urlsplit(address)
    return "@" not in parts.netloc and parts.netloc.lower() in json.loads(account["oauth_domains"])


def _is_snapshot(account: Row, scope: str) -> bool:
    """Whether the account's pages are being opened as snapshots; the switch says for which scope."""
    if account["snapshot"] == SNAPSHOT_USERINFO:
        return scope == "snsapi_userinfo"
    return account["snapshot"] == SNAPSHOT_ALL


def _send_back(store: Store, request: Request, resident_id: str, is_snapshot: bool) -> Reply:
    query = request.query
    code = "0" + random_text(31)
    store.run(
        "INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?, NULL)",
        code,
        query["appid"],
        resident_id,
        query["scope"],
        int(is_snapshot),
        store.now(),
    )
    return redirect(_with_parameters(query["redirect_uri"], f"code={code}&{_state(query)}"))


def _decided(store: Store, request: Request, resident_id: str) -> Reply:
    """A refusal comes back with the state and without a code [3P]."""
    query = request.query
    if query.get("decision") != "allow":
        return redirect(_with_parameters(query["redirect_uri"], _state(query)))
    store.identity(query["appid"], resident_id)
    store.run(
        "UPDATE identities SET authorised = 1 WHERE app_id = ? AND resident_id = ?",
        query["appid"],
        resident_id,
    )
    return _send_back(store, request, resident_id, is_snapshot=False)


def _state(query: dict[str, str]) -> str:
    return f"state={quote(query.get('state', ''))}"


def _with_parameters(address: str, parameters: str) -> str:
    before, mark, fragment = address.partition("#")
    return f"{before}{'&' if '?' in before else '?'}{parameters}{mark}{fragment}"


def _ask(account: Row, resident: Row, request: Request) -> Reply:
    decide = f"{CONFIRM}?{request.query_string}&decision="
    return pages.message(
        f"{account['name']} 申请使用",
        f"你的昵称、头像（{resident['name']}）",
        links=pages.link(decide + "allow", "允许") + pages.link(decide + "refuse", "拒绝", "button quiet"),
    )


def _error(code: int, text: str) -> Reply:
    return pages.message("出错了", f"{text}（错误码 {code}）")
