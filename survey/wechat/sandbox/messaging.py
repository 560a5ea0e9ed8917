"""What an account may say, to whom, how often: customer-service, template, subscription and mass messages.

Facts: protocol file, section 10. Each handler takes the store and the request, as in `api`.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from survey.wechat.sandbox import credentials
from survey.wechat.sandbox.pushing import new_message_id, push
from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.web import Reply, Request, json_reply

# Since 2023-06-12 [3P]: a message opens 48 h for 5 messages; a tap, a scan, a new follower 1 min for 3.
WINDOWS = {"message": (48 * 3600, 5), "action": (60, 3)}
FIELD_MAX = 20  # characters of a template's field [D]
CLIENT_ID_SECONDS = 600  # client_msg_id of a template message [M]
MASS_PER_MONTH = 4  # per follower of a service account [D]
MASS_PER_MINUTE = 60
_FIELD = re.compile(r"\{\{(\w+)\.DATA\}\}")
_BEIJING = timedelta(hours=8)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON of a POST."""
    if request.method != "POST":
        raise Refusal(43002)
    if not request.body:
        raise Refusal(44002)
    fields = request.json_object()
    if fields is None:
        raise Refusal(47001)
    return fields


def receiver(store: Store, app_id: str, openid: object) -> Row:
    """The person behind `touser`."""
    identity = store.person(app_id, openid) if isinstance(openid, str) else None
    if identity is None:
        raise Refusal(40003)
    return identity


def is_blocked(store: Store, identity: Row) -> bool:
    """Whether the person refuses this account's messages."""
    query = "SELECT 1 FROM blocks WHERE app_id = ? AND resident_id = ?"
    return store.one(query, identity["app_id"], identity["resident_id"]) is not None


# --- windows ----------------------------------------------------------------------------------------
def open_window(store: Store, app_id: str, resident_id: str, kind: str) -> None:
    """The person did something: the account may answer for a while. Windows do not add up [3P]."""
    store.run("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, 0)", app_id, resident_id, kind, store.now())


def _use_window(store: Store, identity: Row) -> None:
    """Count one message against a window that is open; 45015 without one, 45047 when it is used up."""
    code = 45015
    with store.transaction():
        for kind, (seconds, limit) in WINDOWS.items():
            row = store.one(
                "SELECT * FROM windows WHERE app_id = ? AND resident_id = ? AND kind = ?",
                identity["app_id"],
                identity["resident_id"],
                kind,
            )
            if row is None or store.now() - row["opened_at"] > seconds:
                continue
            if row["sent"] >= limit:
                code = 45047
                continue
            store.run(
                "UPDATE windows SET sent = sent + 1 WHERE app_id = ? AND resident_id = ? AND kind = ?",
                identity["app_id"],
                identity["resident_id"],
                kind,
            )
            return
    raise Refusal(code)


def send_custom(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/message/custom/send"""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    identity = receiver(store, app_id, fields.get("touser"))
    kind = fields.get("msgtype")
    content = fields.get(kind) if isinstance(kind, str) else None
    if kind not in ("text", "news", "link", "msgmenu") or not isinstance(content, dict):
        raise Refusal(40008)
    _use_window(store, identity)
    if kind == "text":
        store.say(app_id, identity["resident_id"], "text", {"Content": str(content.get("content", ""))})
    elif kind == "news":
        articles = [
            {"Title": a.get("title", ""), "Description": a.get("description", ""), "Url": a.get("url", "")}
            for a in content.get("articles", [])[:1]
        ]
        store.say(app_id, identity["resident_id"], "news", {"articles": articles})
    else:
        store.say(app_id, identity["resident_id"], kind, content)
    return json_reply({"errcode": 0, "errmsg": "ok"})


# --- template and subscription messages -------------------------------------------------------------
def _template(store: Store, app_id: str, template_id: object, kind: str) -> Row:
    row = store.one(
        "SELECT * FROM templates WHERE template_id = ? AND app_id = ? AND kind = ?",
        template_id if isinstance(template_id, str) else "",
        app_id,
        kind,
    )
    if row is None:
        raise Refusal(40037)
    return row


def _filled(template: Row, data: object) -> dict[str, str]:
    """The template's fields with what the account gives; 47003 names the first that does not fit [M]."""
    given = data if isinstance(data, dict) else {}
    filled = {}
    for name in _FIELD.findall(template["content"]):
        value = given.get(name, {})
        text = value.get("value") if isinstance(value, dict) else None
        if not isinstance(text, str) or not text or len(text) > FIELD_MAX or "\n" in text:
            raise Refusal(47003, f"data.{name}.value")
        filled[name] = text
    return filled


def _shown(template: Row, filled: dict[str, str], url: object) -> dict[str, Any]:
    lines = _FIELD.sub(lambda found: filled[found[1]], template["content"])
    return {"title": template["title"], "lines": lines, "url": url if isinstance(url, str) else ""}


def send_template(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/message/template/send; the outcome comes as TEMPLATESENDJOBFINISH."""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    identity = receiver(store, app_id, fields.get("touser"))
    client_id = fields.get("client_msg_id")
    with store.transaction():
        if isinstance(client_id, str) and client_id:
            known = store.one(
                "SELECT msg_id FROM sent_ids WHERE app_id = ? AND client_id = ? AND at > ?",
                app_id,
                client_id,
                store.now() - CLIENT_ID_SECONDS,
            )
            if known is not None:
                return json_reply({"errcode": 0, "errmsg": "ok", "msgid": known["msg_id"]})
        template = _template(store, app_id, fields.get("template_id"), "template")
        if identity["subscribed_at"] is None:
            raise Refusal(43004)
        filled = _filled(template, fields.get("data"))
        msg_id = new_message_id()
        if isinstance(client_id, str) and client_id:
            store.run(
                "INSERT OR REPLACE INTO sent_ids VALUES (?, ?, ?, ?)", app_id, client_id, msg_id, store.now()
            )
        blocked = is_blocked(store, identity)
        if not blocked:
            shown = _shown(template, filled, fields.get("url"))
            store.say(app_id, identity["resident_id"], "template", shown)
        push(
            store,
            app_id,
            identity["resident_id"],
            "TEMPLATESENDJOBFINISH",
            {"MsgID": msg_id, "Status": "failed:user block" if blocked else "success"},
        )
    return json_reply({"errcode": 0, "errmsg": "ok", "msgid": msg_id})


def send_subscribed(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/message/subscribe/bizsend: one send for each consent; 43101 without one [M]."""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    identity = receiver(store, app_id, fields.get("touser"))
    template = _template(store, app_id, fields.get("template_id"), "subscribe")
    filled = _filled(template, fields.get("data"))
    with store.transaction():
        used = store.run(
            "UPDATE grants SET left_over = left_over - 1 "
            "WHERE app_id = ? AND resident_id = ? AND template_id = ? AND left_over > 0",
            app_id,
            identity["resident_id"],
            template["template_id"],
        )
        if not used:
            raise Refusal(43101)
        msg_id = new_message_id()
        store.say(app_id, identity["resident_id"], "template", _shown(template, filled, fields.get("page")))
        sent = {
            "TemplateId": template["template_id"],
            "MsgID": msg_id,
            "ErrorCode": 0,
            "ErrorStatus": "success",
        }
        push(
            store,
            app_id,
            identity["resident_id"],
            "subscribe_msg_sent_event",
            {"SubscribeMsgSentEvent": {"List": [sent]}},
        )
    return json_reply({"errcode": 0, "errmsg": "ok", "msgid": msg_id})


def decide_subscription(
    store: Store, app_id: str, resident_id: str, template_id: str, *, accepts: bool
) -> None:
    """The person answers the pop-up of wx-open-subscribe; consents of one template add up here [M]."""
    with store.transaction():
        if accepts:
            store.run(
                "INSERT INTO grants VALUES (?, ?, ?, 1) "
                "ON CONFLICT (app_id, resident_id, template_id) DO UPDATE SET left_over = left_over + 1",
                app_id,
                resident_id,
                template_id,
            )
        chosen = {
            "TemplateId": template_id,
            "SubscribeStatusString": "accept" if accepts else "reject",
            "PopupScene": "1",
        }
        push(
            store,
            app_id,
            resident_id,
            "subscribe_msg_popup_event",
            {"SubscribeMsgPopupEvent": {"List": [chosen]}},
        )


def list_templates(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/template/get_all_private_template"""
    app_id = credentials.check_access_token(store, request)
    rows = store.all("SELECT * FROM templates WHERE app_id = ? AND kind = 'template' ORDER BY rowid", app_id)
    found = [
        {
            "template_id": row["template_id"],
            "title": row["title"],
            "primary_industry": "",
            "deputy_industry": "",
            "content": row["content"],
            "example": "",
        }
        for row in rows
    ]
    return json_reply({"template_list": found})


def list_subscribe_templates(store: Store, request: Request) -> Reply:
    """GET /wxaapi/newtmpl/gettemplate; type 2: once, 3: for long."""
    app_id = credentials.check_access_token(store, request)
    rows = store.all("SELECT * FROM templates WHERE app_id = ? AND kind = 'subscribe' ORDER BY rowid", app_id)
    found = [
        {
            "priTmplId": row["template_id"],
            "title": row["title"],
            "content": row["content"],
            "example": "",
            "type": 2,
        }
        for row in rows
    ]
    return json_reply({"errcode": 0, "errmsg": "ok", "data": found})


# --- mass messages ----------------------------------------------------------------------------------
def _month(store: Store) -> str:
    return (datetime.fromtimestamp(store.now(), UTC) + _BEIJING).strftime("%Y-%m")


def _mass(store: Store, app_id: str, fields: dict[str, Any], people: list[Row]) -> Reply:
    kind = fields.get("msgtype")
    content = fields.get(kind) if isinstance(kind, str) else None
    if kind not in ("text", "mpnews") or not isinstance(content, dict):
        raise Refusal(40008)
    client_id, month, reached = fields.get("clientmsgid"), _month(store), 0
    with store.transaction():
        if isinstance(client_id, str) and client_id:
            known = store.one("SELECT 1 FROM sent_ids WHERE app_id = ? AND client_id = ?", app_id, client_id)
            if known is not None:
                raise Refusal(45065)
        msg_id = new_message_id()
        if isinstance(client_id, str) and client_id:
            store.run("INSERT INTO sent_ids VALUES (?, ?, ?, ?)", app_id, client_id, msg_id, store.now())
        for identity in people:
            if is_blocked(store, identity) or not _takes_mass(store, identity, month):
                continue
            reached += 1
            shown = {"Content": str(content.get("content", ""))} if kind == "text" else content
            store.say(app_id, identity["resident_id"], "text" if kind == "text" else "mpnews", shown)
        if people:
            counts = {
                "TotalCount": len(people),
                "FilterCount": reached,  # without those who refuse, or had four this month [3P]
                "SentCount": reached,
                "ErrorCount": 0,
            }
            push(
                store,
                app_id,
                people[0]["resident_id"],
                "MASSSENDJOBFINISH",
                {"MsgID": msg_id, "Status": "send success", **counts},
            )
    answer = {"errcode": 0, "errmsg": "send job submission success", "msg_id": msg_id, "msg_data_id": msg_id}
    return json_reply(answer)


def _takes_mass(store: Store, identity: Row, month: str) -> bool:
    """Count one message of the month; beyond the fourth the person silently gets none [D]."""
    key = (identity["app_id"], identity["resident_id"], month)
    row = store.one(
        "SELECT count FROM mass_received WHERE app_id = ? AND resident_id = ? AND month = ?", *key
    )
    if row is not None and row["count"] >= MASS_PER_MONTH:
        return False
    store.run(
        "INSERT INTO mass_received VALUES (?, ?, ?, 1) "
        "ON CONFLICT (app_id, resident_id, month) DO UPDATE SET count = count + 1",
        *key,
    )
    return True


def send_to_all(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/message/mass/sendall: to every follower (`is_to_all`)."""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    chosen = fields.get("filter")
    if not isinstance(chosen, dict) or chosen.get("is_to_all") is not True:
        raise Refusal(40130)
    rows = store.all("SELECT * FROM identities WHERE app_id = ? AND subscribed_at IS NOT NULL", app_id)
    return _mass(store, app_id, fields, rows)


def send_to_list(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/message/mass/send: to at least two followers [M]."""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    listed = fields.get("touser")
    if not isinstance(listed, list) or len(listed) < 2:
        raise Refusal(40130)
    people = [receiver(store, app_id, openid) for openid in listed]
    return _mass(store, app_id, fields, [row for row in people if row["subscribed_at"] is not None])


def chat_of(store: Store, app_id: str, resident_id: str, limit: int = 60) -> list[dict[str, Any]]:
    """The newest messages of a chat, oldest first."""
    rows = store.all(
        "SELECT * FROM chat WHERE app_id = ? AND resident_id = ? ORDER BY id DESC LIMIT ?",
        app_id,
        resident_id,
        limit,
    )
    return [{**dict(row), "content": json.loads(row["content"])} for row in reversed(rows)]
