"""Who follows the account, and how much of the quotas is used.

Facts: protocol file, sections 6 and 14.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from survey.wechat.sandbox import credentials
from survey.wechat.sandbox.messaging import body_of, receiver
from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.web import Reply, Request, json_reply

PAGE = 10_000  # [M]
BATCH = 100
CLEARS_PER_MONTH = 10
_BEIJING = timedelta(hours=8)


def list_followers(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/user/get"""
    app_id = credentials.check_access_token(store, request)
    rows = store.all(
        "SELECT openid FROM identities WHERE app_id = ? AND subscribed_at IS NOT NULL ORDER BY openid", app_id
    )
    after = request.query.get("next_openid", "")
    found = [row["openid"] for row in rows if row["openid"] > after][:PAGE]
    answer: dict[str, Any] = {"total": len(rows), "count": len(found), "next_openid": ""}
    if found:
        answer |= {"data": {"openid": found}, "next_openid": found[-1]}
    return json_reply(answer)


def describe(identity: Row) -> dict[str, Any]:
    """user/info without what Tencent took away: no name, picture, sex, place since 2021-12-27."""
    if identity["subscribed_at"] is None:
        return {"subscribe": 0, "openid": identity["openid"]}
    return {
        "subscribe": 1,
        "openid": identity["openid"],
        "language": "zh_CN",
        "subscribe_time": identity["subscribed_at"],
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": identity["subscribe_scene"],
        "qr_scene": 0,
        "qr_scene_str": identity["qr_scene"] or "",
    }


def describe_many(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/user/info/batchget: up to 100."""
    app_id = credentials.check_access_token(store, request)
    listed = body_of(request).get("user_list")
    if not isinstance(listed, list) or not 1 <= len(listed) <= BATCH:
        raise Refusal(40032)
    people = [receiver(store, app_id, each.get("openid")) for each in listed if isinstance(each, dict)]
    return json_reply({"user_info_list": [describe(row) for row in people]})


def quota(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/openapi/quota/get: 76022 for paths below /sns/."""
    app_id = credentials.check_access_token(store, request)
    path = body_of(request).get("cgi_path")
    if not isinstance(path, str) or not path.startswith("/cgi-bin/"):
        raise Refusal(76022)
    limit = credentials.DAILY_LIMITS.get(path, credentials.OTHER_DAILY_LIMIT)
    today = (datetime.fromtimestamp(store.now(), UTC) + _BEIJING).strftime("%Y-%m-%d")
    row = store.one(
        "SELECT count FROM calls WHERE app_id = ? AND api = ? AND period = ?", app_id, path, today
    )
    used = row["count"] if row else 0
    counts = {"daily_limit": limit, "used": used, "remain": max(0, limit - used)}
    return json_reply({"errcode": 0, "errmsg": "ok", "quota": counts})


def clear_quota(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/clear_quota and /cgi-bin/clear_quota/v2 (with the secret): 10 a month together."""
    fields = body_of(request)
    if request.path.endswith("/v2"):
        app_id = credentials.check_account(store, request, fields.get("appid"), fields.get("appsecret"))[
            "app_id"
        ]
    else:
        app_id = credentials.check_access_token(store, request)
    month = (datetime.fromtimestamp(store.now(), UTC) + _BEIJING).strftime("%Y-%m")
    with store.transaction():
        row = store.one(
            "SELECT count FROM calls WHERE app_id = ? AND api = 'clear_quota' AND period = ?", app_id, month
        )
        if row is not None and row["count"] >= CLEARS_PER_MONTH:
            raise Refusal(48006)
        store.run("DELETE FROM calls WHERE app_id = ? AND api <> 'clear_quota'", app_id)
        store.run(
            "INSERT INTO calls VALUES (?, 'clear_quota', ?, 1) "
            "ON CONFLICT (app_id, api, period) DO UPDATE SET count = count + 1",
            app_id,
            month,
        )
    return json_reply({"errcode": 0, "errmsg": "ok"})
