"""Tencent's server-to-server HTTP: /cgi-bin/… and /sns/…, as far as Minyi uses it.

Facts: protocol file, sections 5, 6, 7 and 9. Each handler takes the store and the request and returns a
reply or raises a `Refusal`.
"""

import io
from collections.abc import Callable
from typing import Any

import segno

from survey.wechat.sandbox import articles, credentials, directory, messaging
from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, json_reply

CODE_SECONDS = 300  # single use, 5 minutes [M, 3P]
WEB_TOKEN_SECONDS = 7200
REFRESH_SECONDS = 30 * 86400
TICKET_SECONDS = 7200
QR_MAX_SECONDS = 2_592_000
QR_DEFAULT_SECONDS = 60  # "30/60 s" when the caller sets none [3P]
QR_PERMANENT_LIMIT = 100_000
SCENE_MAX_LENGTH = 64
SCENE_ID_MAX = 2**32 - 1


# --- web authorisation ------------------------------------------------------------------------------
def exchange_code(store: Store, request: Request) -> Reply:
    """GET /sns/oauth2/access_token"""
    if request.query.get("grant_type") != "authorization_code":
        raise Refusal(40002)
    code = request.query.get("code")
    if not code:
        raise Refusal(41008)
    account = credentials.check_account(
        store, request, request.query.get("appid"), request.query.get("secret")
    )
    with store.transaction():
        row = store.one("SELECT * FROM codes WHERE code = ? AND app_id = ?", code, account["app_id"])
        if row is None:
            raise Refusal(40029)
        if row["used_at"] is not None:
            raise Refusal(40163)
        if store.now() - row["created_at"] > CODE_SECONDS:
            raise Refusal(42003)  # [M]: 40029 has been reported as well
        store.run("UPDATE codes SET used_at = ? WHERE code = ?", store.now(), code)
        return json_reply(_web_token(store, account, row))


def _web_token(store: Store, account: Row, code: Row) -> dict[str, Any]:
    """Make the per-user token. A snapshot page gets a virtual openid and unionid [D community 000c2c34…]."""
    identity = store.identity(account["app_id"], code["resident_id"])
    is_snapshot = bool(code["is_snapshot"])
    access, refresh = random_text(107), random_text(107)
    openid = "o" + random_text(27) if is_snapshot else identity["openid"]
    store.run(
        "INSERT INTO web_tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        access,
        refresh,
        account["app_id"],
        code["resident_id"],
        openid,
        code["scope"],
        int(is_snapshot),
        store.now() + WEB_TOKEN_SECONDS,
        store.now() + REFRESH_SECONDS,
    )
    answer: dict[str, Any] = {
        "access_token": access,
        "expires_in": WEB_TOKEN_SECONDS,
        "refresh_token": refresh,
        "openid": openid,
        "scope": code["scope"],
    }
    if is_snapshot:
        answer["is_snapshotuser"] = 1  # field name [M]
    unionid = _unionid(store, account, code["resident_id"], is_snapshot)
    # With snsapi_base only of those who follow or have authorised before [M].
    known = identity["subscribed_at"] is not None or identity["authorised"]
    if unionid and (code["scope"] == "snsapi_userinfo" or known):
        answer["unionid"] = unionid
    return answer


def _unionid(store: Store, account: Row, resident_id: str, is_snapshot: bool) -> str:
    """Only accounts bound to an open-platform account see one [3P]."""
    if not account["open_platform"]:
        return ""
    resident = store.resident(resident_id)
    if is_snapshot or resident is None:
        return "o" + random_text(27)
    return resident["unionid"]


def refresh_web_token(store: Store, request: Request) -> Reply:
    """GET /sns/oauth2/refresh_token"""
    if request.query.get("grant_type") != "refresh_token":
        raise Refusal(40002)
    if not request.query.get("appid"):
        raise Refusal(41002)
    if not request.query.get("refresh_token"):
        raise Refusal(41003)
    if store.account(request.query["appid"]) is None:
        raise Refusal(40013)
    with store.transaction():
        row = store.one(
            "SELECT * FROM web_tokens WHERE refresh_token = ? AND app_id = ?",
            request.query["refresh_token"],
            request.query["appid"],
        )
        if row is None:
            raise Refusal(40030)
        if store.now() >= row["refresh_expires_at"]:
            raise Refusal(42002)
        access = random_text(107)
        store.run(
            "UPDATE web_tokens SET access_token = ?, expires_at = ? WHERE refresh_token = ?",
            access,
            store.now() + WEB_TOKEN_SECONDS,
            row["refresh_token"],
        )
    return json_reply(
        {
            "access_token": access,
            "expires_in": WEB_TOKEN_SECONDS,
            "refresh_token": row["refresh_token"],
            "openid": row["openid"],
            "scope": row["scope"],
        }
    )


def _checked_web_token(store: Store, request: Request) -> Row:
    if not request.query.get("access_token"):
        raise Refusal(41001)
    if not request.query.get("openid"):
        raise Refusal(41009)
    row = store.one("SELECT * FROM web_tokens WHERE access_token = ?", request.query["access_token"])
    if row is None:
        raise Refusal(40001)
    if store.now() >= row["expires_at"]:
        raise Refusal(42001)
    if row["openid"] != request.query["openid"]:
        raise Refusal(40003)
    return row


def check_web_token(store: Store, request: Request) -> Reply:
    """GET /sns/auth"""
    _checked_web_token(store, request)
    return json_reply({"errcode": 0, "errmsg": "ok"})


def web_user_info(store: Store, request: Request) -> Reply:
    """GET /sns/userinfo: sex and places are empty since 2021-10-20 [D]."""
    row = _checked_web_token(store, request)
    if row["scope"] != "snsapi_userinfo":
        raise Refusal(48001)
    resident, account = store.resident(row["resident_id"]), store.account(row["app_id"])
    if resident is None or account is None:
        raise Refusal(40003)
    answer = {
        "openid": row["openid"],
        "nickname": "微信用户" if row["is_snapshot"] else resident["name"],
        "sex": 0,
        "language": "",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "privilege": [],
    }
    unionid = _unionid(store, account, row["resident_id"], bool(row["is_snapshot"]))
    return json_reply({**answer, "unionid": unionid} if unionid else answer)


# --- with the account's token -----------------------------------------------------------------------
def get_ticket(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/ticket/getticket: the same ticket while it lives [M]."""
    app_id = credentials.check_access_token(store, request)
    kind = request.query.get("type")
    if kind != "jsapi":
        raise Refusal(40097)  # [M]
    with store.transaction():
        row = store.one("SELECT * FROM tickets WHERE app_id = ? AND kind = ?", app_id, kind)
        if row is not None and row["expires_at"] > store.now():
            ticket, expires_at = row["ticket"], row["expires_at"]
        else:
            ticket, expires_at = random_text(86), store.now() + TICKET_SECONDS
            store.run("INSERT OR REPLACE INTO tickets VALUES (?, ?, ?, ?)", app_id, kind, ticket, expires_at)
    return json_reply(
        {"errcode": 0, "errmsg": "ok", "ticket": ticket, "expires_in": int(expires_at - store.now())}
    )


def user_info(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/user/info: without name, picture, sex and place since 2021-12-27 [3P, D]."""
    app_id = credentials.check_access_token(store, request)
    openid = request.query.get("openid")
    if not openid:
        raise Refusal(41009)
    row = store.one("SELECT * FROM identities WHERE app_id = ? AND openid = ?", app_id, openid)
    account = store.account(app_id)
    if row is None or account is None:
        raise Refusal(40003)
    answer: dict[str, Any] = {"subscribe": int(row["subscribed_at"] is not None), "openid": openid}
    unionid = _unionid(store, account, row["resident_id"], is_snapshot=False)
    if unionid:
        answer["unionid"] = unionid
    if row["subscribed_at"] is not None:
        scene = row["qr_scene"] or ""
        answer |= {
            "language": "zh_CN",
            "subscribe_time": row["subscribed_at"],
            "remark": "",
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": row["subscribe_scene"],
            "qr_scene": int(scene) if scene.isdigit() else 0,
            "qr_scene_str": "" if scene.isdigit() else scene,
        }
    return json_reply(answer)


def create_qr(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/qrcode/create"""
    if request.method != "POST":
        raise Refusal(43002)
    app_id = credentials.check_access_token(store, request)
    fields = request.json_object()
    if fields is None:
        raise Refusal(47001 if request.body else 44002)
    permanent, scene = _scene(fields)
    ticket, url = random_text(96), "http://weixin.qq.com/q/02" + random_text(22)
    answer: dict[str, Any] = {"ticket": ticket, "url": url}
    expires_at = None
    with store.transaction():
        if permanent:
            made = store.one(
                "SELECT COUNT(*) AS n FROM qr_codes WHERE app_id = ? AND expires_at IS NULL", app_id
            )
            if made is not None and made["n"] >= QR_PERMANENT_LIMIT:
                raise Refusal(45029)
        else:
            seconds = fields.get("expire_seconds", QR_DEFAULT_SECONDS)
            if not isinstance(seconds, int) or not 1 <= seconds <= QR_MAX_SECONDS:
                raise Refusal(40097)  # [M]
            expires_at = store.now() + seconds
            answer["expire_seconds"] = seconds
        store.run("INSERT INTO qr_codes VALUES (?, ?, ?, ?, ?)", ticket, url, app_id, scene, expires_at)
    return json_reply(answer)


def _scene(fields: dict[str, Any]) -> tuple[bool, str]:
    """Whether the code is permanent, and its scene as text."""
    action, info = fields.get("action_name"), fields.get("action_info")
    scene = info.get("scene") if isinstance(info, dict) else None
    if not isinstance(scene, dict):
        raise Refusal(40169)
    if action in ("QR_STR_SCENE", "QR_LIMIT_STR_SCENE"):
        text = scene.get("scene_str")
        if not isinstance(text, str) or not 1 <= len(text) <= SCENE_MAX_LENGTH:
            raise Refusal(40169)
        return action == "QR_LIMIT_STR_SCENE", text
    limits = {"QR_SCENE": SCENE_ID_MAX, "QR_LIMIT_SCENE": QR_PERMANENT_LIMIT}
    if action not in limits:
        raise Refusal(40097)  # [M]
    number = scene.get("scene_id")
    if not isinstance(number, int) or not 1 <= number <= limits[action]:
        raise Refusal(40129)
    return action == "QR_LIMIT_SCENE", str(number)


def show_qr(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/showqrcode (at mp.weixin.qq.com): PNG here, JPEG there; 404 for a bad ticket [M]."""
    row = store.one("SELECT url FROM qr_codes WHERE ticket = ?", request.query.get("ticket", ""))
    if row is None:
        return Reply(b"", 404)
    image = io.BytesIO()
    segno.make(row["url"], error="m").save(image, kind="png", scale=8)
    return Reply(image.getvalue(), content_type="image/png")


HANDLERS: dict[str, Callable[[Store, Request], Reply]] = {
    "/cgi-bin/token": credentials.token,
    "/cgi-bin/stable_token": credentials.stable_token,
    "/cgi-bin/ticket/getticket": get_ticket,
    "/cgi-bin/user/info": user_info,
    "/cgi-bin/qrcode/create": create_qr,
    "/cgi-bin/showqrcode": show_qr,
    "/cgi-bin/user/get": directory.list_followers,
    "/cgi-bin/user/info/batchget": directory.describe_many,
    "/cgi-bin/openapi/quota/get": directory.quota,
    "/cgi-bin/clear_quota": directory.clear_quota,
    "/cgi-bin/clear_quota/v2": directory.clear_quota,
    "/cgi-bin/message/custom/send": messaging.send_custom,
    "/cgi-bin/message/template/send": messaging.send_template,
    "/cgi-bin/message/subscribe/bizsend": messaging.send_subscribed,
    "/cgi-bin/message/mass/sendall": messaging.send_to_all,
    "/cgi-bin/message/mass/send": messaging.send_to_list,
    "/cgi-bin/template/get_all_private_template": messaging.list_templates,
    "/wxaapi/newtmpl/gettemplate": messaging.list_subscribe_templates,
    "/cgi-bin/menu/create": articles.create_menu,
    "/cgi-bin/menu/get": articles.get_menu,
    "/cgi-bin/menu/delete": articles.delete_menu,
    "/cgi-bin/material/add_material": articles.add_material,
    "/cgi-bin/media/uploadimg": articles.upload_picture,
    "/cgi-bin/draft/add": articles.add_draft,
    "/cgi-bin/draft/update": articles.update_draft,
    "/cgi-bin/draft/get": articles.get_draft,
    "/cgi-bin/draft/delete": articles.delete_draft,
    "/cgi-bin/draft/count": articles.count_drafts,
    "/cgi-bin/draft/batchget": articles.list_drafts,
    "/cgi-bin/freepublish/submit": articles.submit,
    "/cgi-bin/freepublish/get": articles.publish_state,
    "/cgi-bin/freepublish/getarticle": articles.get_article,
    "/cgi-bin/freepublish/delete": articles.delete_article,
    "/cgi-bin/freepublish/batchget": articles.list_published,
    "/sns/oauth2/access_token": exchange_code,
    "/sns/oauth2/refresh_token": refresh_web_token,
    "/sns/userinfo": web_user_info,
    "/sns/auth": check_web_token,
}


def handle(store: Store, request: Request) -> Reply:
    """Answer a call as Tencent does: HTTP 200 with errcode for every refusal."""
    handler = HANDLERS.get(request.path)
    try:
        if handler is None:
            raise Refusal(40066)
        return handler(store, request)
    except Refusal as refusal:
        return refusal.reply()
