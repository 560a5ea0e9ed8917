"""Menu, pictures, drafts and published articles of an account.

Facts: protocol file, sections 11 and 13. Codes of the menu's limits: [M].
"""

import json
from typing import Any

from survey.wechat.sandbox import credentials
from survey.wechat.sandbox.messaging import body_of
from survey.wechat.sandbox.pushing import push
from survey.wechat.sandbox.refusals import Refusal
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, json_reply

MAX_BUTTONS, MAX_SUB_BUTTONS = 3, 5  # [3P]
MAX_NAME_BYTES, MAX_SUB_NAME_BYTES = 16, 60  # [M]
MAX_KEY_BYTES, MAX_URL_BYTES = 128, 1024  # [M]
MAX_PICTURE_BYTES = 10 * 1024 * 1024
OK = {"errcode": 0, "errmsg": "ok"}


# --- menu -------------------------------------------------------------------------------------------
def create_menu(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/menu/create"""
    app_id = credentials.check_access_token(store, request)
    buttons = body_of(request).get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= MAX_BUTTONS:
        raise Refusal(40016)
    for button in buttons:
        _check_button(button, MAX_NAME_BYTES, may_nest=True)
    store.run("INSERT OR REPLACE INTO menus VALUES (?, ?)", app_id, json.dumps({"button": buttons}))
    return json_reply(OK)


def _check_button(button: Any, max_name: int, *, may_nest: bool) -> None:
    name = button.get("name") if isinstance(button, dict) else None
    if not isinstance(name, str) or not name or len(name.encode()) > max_name:
        raise Refusal(40018)
    below = button.get("sub_button")
    if below and may_nest:
        if not isinstance(below, list) or len(below) > MAX_SUB_BUTTONS:
            raise Refusal(40023)
        for each in below:
            _check_button(each, MAX_SUB_NAME_BYTES, may_nest=False)
        return
    kind = button.get("type")
    if kind == "click":
        key = button.get("key")
        if not isinstance(key, str) or not key or len(key.encode()) > MAX_KEY_BYTES:
            raise Refusal(40019)
    elif kind == "view":
        url = button.get("url")
        if not isinstance(url, str) or not url.startswith("http") or len(url.encode()) > MAX_URL_BYTES:
            raise Refusal(40020)
    else:
        raise Refusal(40017)


def get_menu(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/menu/get; 46003 without one."""
    app_id = credentials.check_access_token(store, request)
    found = menu_of(store, app_id)
    if not found:
        raise Refusal(46003)
    return json_reply({"menu": {"button": found}})


def delete_menu(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/menu/delete"""
    app_id = credentials.check_access_token(store, request)
    store.run("DELETE FROM menus WHERE app_id = ?", app_id)
    return json_reply(OK)


def menu_of(store: Store, app_id: str) -> list[dict[str, Any]]:
    """The buttons that the chat shows."""
    row = store.one("SELECT body FROM menus WHERE app_id = ?", app_id)
    return json.loads(row["body"])["button"] if row else []


# --- pictures ---------------------------------------------------------------------------------------
def _picture(request: Request) -> tuple[str, bytes]:
    """The file of a multipart upload (field `media`)."""
    kind = request.environ.get("CONTENT_TYPE", "")
    if request.method != "POST" or "boundary=" not in kind:
        raise Refusal(41005)
    boundary = kind.split("boundary=", 1)[1].strip('"').encode()
    for part in request.body.split(b"--" + boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="media"' in head and content:
            content = content.removesuffix(b"\r\n")
            if len(content) > MAX_PICTURE_BYTES:
                raise Refusal(40009)
            if content.startswith(b"\x89PNG"):
                return "image/png", content
            if content.startswith(b"\xff\xd8"):
                return "image/jpeg", content
            raise Refusal(40005)
    raise Refusal(41005)


def _kept(store: Store, request: Request, app_id: str) -> tuple[str, str]:
    kind, content = _picture(request)
    media_id = random_text(64)
    store.run("INSERT INTO media VALUES (?, ?, ?, ?)", media_id, app_id, kind, content)
    return media_id, f"http://{request.host}/sandbox/media/{media_id}"


def add_material(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/material/add_material?type=image: permanent."""
    app_id = credentials.check_access_token(store, request)
    if request.query.get("type") not in ("image", "thumb"):
        raise Refusal(40004)
    media_id, url = _kept(store, request, app_id)
    return json_reply({"media_id": media_id, "url": url})


def upload_picture(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/media/uploadimg: a picture inside an article."""
    app_id = credentials.check_access_token(store, request)
    return json_reply({"url": _kept(store, request, app_id)[1]})


def show_media(store: Store, media_id: str) -> Reply:
    """A picture."""
    row = store.one("SELECT * FROM media WHERE media_id = ?", media_id)
    return Reply(row["content"], content_type=row["content_type"]) if row else Reply(b"", 404)


# --- drafts -----------------------------------------------------------------------------------------
def _checked_articles(store: Store, app_id: str, articles: Any) -> list[dict[str, Any]]:
    if not isinstance(articles, list) or not 1 <= len(articles) <= 8:
        raise Refusal(47001)
    for article in articles:
        if not isinstance(article, dict) or not article.get("title") or not article.get("content"):
            raise Refusal(47001)
        thumb = store.one(
            "SELECT 1 FROM media WHERE media_id = ? AND app_id = ?", article.get("thumb_media_id", ""), app_id
        )
        if thumb is None:
            raise Refusal(40007)
    return articles


def _draft(store: Store, app_id: str, media_id: object) -> Row:
    row = store.one(
        "SELECT * FROM drafts WHERE media_id = ? AND app_id = ?",
        media_id if isinstance(media_id, str) else "",
        app_id,
    )
    if row is None:
        raise Refusal(40007)
    return row


def add_draft(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/draft/add"""
    app_id = credentials.check_access_token(store, request)
    articles = _checked_articles(store, app_id, body_of(request).get("articles"))
    media_id = random_text(64)
    store.run(
        "INSERT INTO drafts VALUES (?, ?, ?, ?)",
        media_id,
        app_id,
        json.dumps(articles, ensure_ascii=False),
        store.now(),
    )
    return json_reply({"media_id": media_id})


def update_draft(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/draft/update: one article of it."""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    articles = json.loads(_draft(store, app_id, fields.get("media_id"))["articles"])
    index = fields.get("index")
    if not isinstance(index, int) or not 0 <= index < len(articles):
        raise Refusal(47001)
    articles[index] = _checked_articles(store, app_id, [fields.get("articles")])[0]
    store.run(
        "UPDATE drafts SET articles = ?, updated_at = ? WHERE media_id = ?",
        json.dumps(articles, ensure_ascii=False),
        store.now(),
        fields["media_id"],
    )
    return json_reply(OK)


def get_draft(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/draft/get"""
    app_id = credentials.check_access_token(store, request)
    row = _draft(store, app_id, body_of(request).get("media_id"))
    return json_reply({"news_item": json.loads(row["articles"])})


def delete_draft(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/draft/delete"""
    app_id = credentials.check_access_token(store, request)
    row = _draft(store, app_id, body_of(request).get("media_id"))
    store.run("DELETE FROM drafts WHERE media_id = ?", row["media_id"])
    return json_reply(OK)


def count_drafts(store: Store, request: Request) -> Reply:
    """GET /cgi-bin/draft/count"""
    app_id = credentials.check_access_token(store, request)
    row = store.one("SELECT COUNT(*) AS n FROM drafts WHERE app_id = ?", app_id)
    return json_reply({"total_count": row["n"] if row else 0})


def list_drafts(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/draft/batchget"""
    app_id = credentials.check_access_token(store, request)
    fields = body_of(request)
    offset, count = fields.get("offset", 0), fields.get("count", 20)
    if not isinstance(offset, int) or not isinstance(count, int) or not 1 <= count <= 20:
        raise Refusal(40097)
    rows = store.all("SELECT * FROM drafts WHERE app_id = ? ORDER BY updated_at DESC", app_id)
    items = [
        {
            "media_id": row["media_id"],
            "content": {"news_item": json.loads(row["articles"])},
            "update_time": int(row["updated_at"]),
        }
        for row in rows[offset : offset + count]
    ]
    return json_reply({"total_count": len(rows), "item_count": len(items), "item": items})


# --- publishing -------------------------------------------------------------------------------------
def submit(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/freepublish/submit: the draft is used up; the outcome comes as PUBLISHJOBFINISH."""
    app_id = credentials.check_access_token(store, request)
    row = _draft(store, app_id, body_of(request).get("media_id"))
    publish_id, article_id = str(2_247_483_650 + int(store.now() * 1000) % 10**9), random_text(43)
    with store.transaction():
        store.run("DELETE FROM drafts WHERE media_id = ?", row["media_id"])
        store.run(
            "INSERT INTO publishes VALUES (?, ?, ?, ?, ?, 0)",
            publish_id,
            app_id,
            article_id,
            row["articles"],
            store.now(),
        )
        published = store.one("SELECT * FROM publishes WHERE publish_id = ?", publish_id)
        if published is not None:
            push(
                store,
                app_id,
                "_account",
                "PUBLISHJOBFINISH",
                {"PublishEventInfo": _event(published, request.host)},
            )
    return json_reply({**OK, "publish_id": publish_id, "msg_data_id": int(publish_id)})


def _addresses(row: Row, host: str) -> list[dict[str, Any]]:
    count = len(json.loads(row["articles"]))
    return [
        {"idx": n, "article_url": f"http://{host}/sandbox/articles/{row['article_id']}-{n}"}
        for n in range(1, count + 1)
    ]


def _event(row: Row, host: str) -> dict[str, Any]:
    items = _addresses(row, host)
    return {
        "publish_id": row["publish_id"],
        "publish_status": 0,
        "article_id": row["article_id"],
        "article_detail": {"count": len(items), "item": items},
    }


def _published(store: Store, app_id: str, column: str, value: object) -> Row:
    query = {
        "publish_id": "SELECT * FROM publishes WHERE publish_id = ? AND app_id = ?",
        "article_id": "SELECT * FROM publishes WHERE article_id = ? AND app_id = ?",
    }[column]
    row = store.one(query, value if isinstance(value, str) else "", app_id)
    if row is None:
        raise Refusal(53600)
    return row


def publish_state(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/freepublish/get: 0 published, 5 deleted [M]."""
    app_id = credentials.check_access_token(store, request)
    row = _published(store, app_id, "publish_id", body_of(request).get("publish_id"))
    if row["is_deleted"]:
        return json_reply({"publish_id": row["publish_id"], "publish_status": 5, "fail_idx": []})
    return json_reply({**_event(row, request.host), "fail_idx": []})


def get_article(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/freepublish/getarticle"""
    app_id = credentials.check_access_token(store, request)
    row = _published(store, app_id, "article_id", body_of(request).get("article_id"))
    return json_reply({"news_item": json.loads(row["articles"])})


def delete_article(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/freepublish/delete"""
    app_id = credentials.check_access_token(store, request)
    row = _published(store, app_id, "article_id", body_of(request).get("article_id"))
    store.run("UPDATE publishes SET is_deleted = 1 WHERE publish_id = ?", row["publish_id"])
    return json_reply(OK)


def list_published(store: Store, request: Request) -> Reply:
    """POST /cgi-bin/freepublish/batchget"""
    app_id = credentials.check_access_token(store, request)
    body_of(request)
    rows = store.all(
        "SELECT * FROM publishes WHERE app_id = ? AND NOT is_deleted ORDER BY done_at DESC", app_id
    )
    items = [
        {
            "article_id": row["article_id"],
            "content": {"news_item": json.loads(row["articles"])},
            "update_time": int(row["done_at"]),
        }
        for row in rows
    ]
    return json_reply({"total_count": len(items), "item_count": len(items), "item": items})


def article(store: Store, place: str) -> dict[str, Any] | None:
    """One published article, by the last part of its address."""
    article_id, _, number = place.rpartition("-")
    row = store.one("SELECT * FROM publishes WHERE article_id = ? AND NOT is_deleted", article_id)
    found = json.loads(row["articles"]) if row else []
    index = int(number) - 1 if number.isdigit() else -1
    return found[index] if 0 <= index < len(found) else None
