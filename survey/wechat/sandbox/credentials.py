"""Access tokens of an account: /cgi-bin/token and /cgi-bin/stable_token, and the check of both.

Facts: protocol file, section 4. /token: a new call ends the old token after 5 minutes, 2,000 a day [3P].
stable_token: the same token until its last 5 minutes, never mixed with /token; force_refresh at most 20
a day, at least 30 s apart, otherwise nothing is refreshed [D getStableAccessToken].
"""

import hmac
import json
from datetime import UTC, datetime, timedelta

from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, json_reply

TOKEN_SECONDS = 7200
GRACE_SECONDS = 300
FORCE_GAP_SECONDS = 30
FORCED_PER_DAY = 20
# Callers must be able to keep 512 characters [D]: the sandbox makes use of it.
TOKEN_LENGTH = 512

DAILY_LIMITS = {
    "/cgi-bin/token": 2_000,  # [3P]
    "/cgi-bin/stable_token": 500_000,  # [D]
    "/cgi-bin/user/info": 5_000_000,  # [3P]
    "/cgi-bin/qrcode/create": 100_000,  # [3P]
    "/cgi-bin/message/custom/send": 500_000,  # [3P]
    "/cgi-bin/message/template/send": 100_000,  # [D]
    "/cgi-bin/message/mass/sendall": 100,  # [3P]
    "/cgi-bin/message/mass/send": 100,  # [3P]
    "/cgi-bin/user/get": 500,  # [3P]
    "/cgi-bin/menu/create": 1_000,  # [3P]
    "/cgi-bin/menu/get": 10_000,  # [3P]
    "/cgi-bin/menu/delete": 1_000,  # [3P]
}
OTHER_DAILY_LIMIT = 100_000  # what quota/get says of APIs without a limit here [M]
MINUTE_LIMITS = {
    "/cgi-bin/stable_token": 10_000,  # [D]
    "/cgi-bin/message/mass/sendall": 60,  # [D]
    "/cgi-bin/message/mass/send": 60,  # [D]
}
_BEIJING = timedelta(hours=8)  # quotas end with the Chinese day [M]


def count_call(store: Store, app_id: str, api: str) -> None:
    """Count one call, and refuse it beyond the day's or the minute's quota."""
    moment = datetime.fromtimestamp(store.now(), UTC) + _BEIJING
    _count(store, app_id, api, moment.strftime("%Y-%m-%d"), DAILY_LIMITS.get(api), 45009)
    if api in MINUTE_LIMITS:
        _count(store, app_id, api, moment.strftime("%Y-%m-%d %H:%M"), MINUTE_LIMITS[api], 45011)


def _count(store: Store, app_id: str, api: str, period: str, limit: int | None, code: int) -> None:
    with store.transaction():
        store.run(
            "INSERT INTO calls VALUES (?, ?, ?, 1) "
            "ON CONFLICT (app_id, api, period) DO UPDATE SET count = count + 1",
            app_id,
            api,
            period,
        )
        row = store.one(
            "SELECT count FROM calls WHERE app_id = ? AND api = ? AND period = ?", app_id, api, period
        )
    if limit is not None and row is not None and row["count"] > limit:
        raise Refusal(code)


def check_account(store: Store, request: Request, app_id: object, secret: object) -> Row:
    """The account that these credentials open, from an address that it allows.

    Order of the checks: [M].
    """
    if not app_id:
        raise Refusal(41002)
    if not secret:
        raise Refusal(41004)
    account = store.account(app_id) if isinstance(app_id, str) else None
    if account is None:
        raise Refusal(40013)
    if not isinstance(secret, str) or not hmac.compare_digest(secret.encode(), account["secret"].encode()):
        raise Refusal(40125)
    allowed = account["ip_white_list"]
    if allowed is not None and request.remote_address not in json.loads(allowed):
        raise Refusal(40164, request.remote_address)
    return account


def token(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/token"""
    if request.query.get("grant_type") != "client_credential":
        raise Refusal(40002)
    account = check_account(store, request, request.query.get("appid"), request.query.get("secret"))
    app_id = account["app_id"]
    count_call(store, app_id, request.path)
    with store.transaction():
        store.run(
            "UPDATE tokens SET killed_at = ? WHERE app_id = ? AND kind = 'token' AND killed_at IS NULL",
            store.now() + GRACE_SECONDS,
            app_id,
        )
        return _issued(store, _issue(store, app_id, "token", forced=False))


def stable_token(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/stable_token"""
    if request.method != "POST":
        raise Refusal(43002)
    if not request.body:
        raise Refusal(44002)
    fields = request.json_object()
    if fields is None:
        raise Refusal(47001)
    if fields.get("grant_type") != "client_credential":
        raise Refusal(40002)
    account = check_account(store, request, fields.get("appid"), fields.get("secret"))
    app_id = account["app_id"]
    count_call(store, app_id, request.path)
    with store.transaction():
        current = _current(store, app_id)
        if fields.get("force_refresh") is True and _may_force(store, app_id):
            kill_tokens(store, app_id, "stable")
            return _issued(store, _issue(store, app_id, "stable", forced=True))
        if current is not None and current["expires_at"] - store.now() > GRACE_SECONDS:
            return _issued(store, current)
        return _issued(store, _issue(store, app_id, "stable", forced=False))


def kill_tokens(store: Store, app_id: str, kind: str) -> None:
    """End every token of this kind at once: what a forced refresh elsewhere does to ours."""
    store.run(
        "UPDATE tokens SET killed_at = ? "
        "WHERE app_id = ? AND kind = ? AND (killed_at IS NULL OR killed_at > ?)",
        store.now(),
        app_id,
        kind,
        store.now(),
    )


def check_access_token(store: Store, request: Request) -> str:
    """The app id that the request's access_token belongs to; counts the call."""
    text = request.query.get("access_token")
    if not text:
        raise Refusal(41001)
    row = store.one("SELECT * FROM tokens WHERE token = ?", text)
    now = store.now()
    if row is None or (row["killed_at"] is not None and now >= row["killed_at"]):
        raise Refusal(40001)
    if now >= row["expires_at"]:
        raise Refusal(42001)
    count_call(store, row["app_id"], request.path)
    return row["app_id"]


def _current(store: Store, app_id: str) -> Row | None:
    return store.one(
        "SELECT * FROM tokens WHERE app_id = ? AND kind = 'stable' AND killed_at IS NULL AND expires_at > ? "
        "ORDER BY issued_at DESC, rowid DESC LIMIT 1",
        app_id,
        store.now(),
    )


def _may_force(store: Store, app_id: str) -> bool:
    """Whether a forced refresh takes place. Beyond 20 a day: 45009 [M]; within 30 s: silently not [D]."""
    now = store.now()
    forced = (
        "SELECT COUNT(*) AS n FROM tokens WHERE app_id = ? AND kind = 'stable' AND forced AND issued_at > ?"
    )
    today = store.one(forced, app_id, now - 86400)
    recent = store.one(forced, app_id, now - FORCE_GAP_SECONDS)
    if today is not None and today["n"] >= FORCED_PER_DAY:
        raise Refusal(45009)
    return recent is None or recent["n"] == 0


def _issue(store: Store, app_id: str, kind: str, *, forced: bool) -> Row:
    text, now = random_text(TOKEN_LENGTH), store.now()
    store.run(
        "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, NULL)",
        text,
        app_id,
        kind,
        int(forced),
        now,
        now + TOKEN_SECONDS,
    )
    row = store.one("SELECT * FROM tokens WHERE token = ?", text)
    if row is None:
        raise LookupError("a token that was just written is gone")
    return row


def _issued(store: Store, row: Row) -> Reply:
    return json_reply({"access_token": row["token"], "expires_in": int(row["expires_at"] - store.now())})
