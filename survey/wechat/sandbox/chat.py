"""The chat of a phone with an account: what was said, the menu, what may be subscribed to."""

import re
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from survey.wechat.sandbox import acts, articles, pages
from survey.wechat.sandbox.messaging import chat_of, decide_subscription
from survey.wechat.sandbox.pushing import TRY_SECONDS, settled
from survey.wechat.sandbox.store import Row, Store
from survey.wechat.sandbox.web import Reply, Request, redirect

_BEIJING = timedelta(hours=8)
MAX_TEXT = 2048
_LINK = re.compile(r"https?://[^\s<>\"，。；、）”]+")


def panel(store: Store, account: Row, resident: Row) -> str:
    """The phone's inside while a chat is open."""
    app_id = account["app_id"]
    said = "".join(_message(each) for each in chat_of(store, app_id, resident["id"]))
    empty = '<li class="hint">还没有消息。</li>'
    return (
        f'<div class="bar">{pages.link("/", "返回", "plain")}'
        f'<span class="site">{escape(account["name"])}</span>'
        f"{pages.link(f'/?chat={app_id}', '刷新', 'plain')}</div>"
        f'<ol class="said" aria-label="聊天记录">{said or empty}</ol>'
        '<form id="open" method="post" action="/phone/scan"></form>'
        f"{_asked(store, app_id)}{_menu(store, app_id)}"
        f'<form class="say" method="post" action="/chat/{escape(app_id)}/say">'
        f'<label class="out" for="text">发消息</label><input id="text" name="text" maxlength="{MAX_TEXT}" '
        'required autocomplete="off"><button class="quiet">发送</button></form>'
    )


def _message(each: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(each["at"], UTC) + _BEIJING
    side = "theirs" if each["from_account"] else "mine"
    return (
        f'<li class="{side}" data-kind="{escape(each["kind"])}">{_inside(each["kind"], each["content"])}'
        f"<small>{at:%m-%d %H:%M}</small></li>"
    )


def _inside(kind: str, content: dict[str, Any]) -> str:
    if kind == "news":
        return "".join(
            _card(a.get("Title", ""), a.get("Description", ""), a.get("Url", "")) for a in content["articles"]
        )
    if kind == "template":
        lines = "<br>".join(escape(line) for line in content["lines"].splitlines())
        return _card(content["title"], "", content["url"], lines)
    if kind == "mpnews":
        return "<p>（群发的图文）</p>"
    return (
        f"<p>{_linked(content.get('Content') or content.get('title') or content.get('head_content', ''))}</p>"
    )


def _linked(text: str) -> str:
    """A text with its addresses to tap, as WeChat shows them."""
    shown, done = "", 0
    for found in _LINK.finditer(text):
        link = escape(found[0])
        shown += escape(text[done : found.start()])
        shown += f'<button class="link" form="open" name="scanned" value="{link}">{link}</button>'
        done = found.end()
    return shown + escape(text[done:])


def _card(title: str, words: str, url: str, lines: str = "") -> str:
    go = (
        '<form method="post" action="/phone/scan"><input type="hidden" name="scanned" '
        f'value="{escape(url)}"><button class="quiet">打开</button></form>'
        if url
        else ""
    )
    return f"<p><strong>{escape(title)}</strong></p><p>{lines or escape(words)}</p>{go}"


def _menu(store: Store, app_id: str) -> str:
    buttons = []
    for place, button in enumerate(articles.menu_of(store, app_id)):
        below = button.get("sub_button") or []
        if not below:
            buttons.append(_key(app_id, str(place), button["name"]))
            continue
        inside = "".join(_key(app_id, f"{place}.{n}", each["name"]) for n, each in enumerate(below))
        buttons.append(f"<details><summary>{escape(button['name'])}</summary>{inside}</details>")
    return f'<nav class="menu" aria-label="公众号菜单">{"".join(buttons)}</nav>' if buttons else ""


def _key(app_id: str, place: str, name: str) -> str:
    return (
        f'<form method="post" action="/chat/{escape(app_id)}/tap"><input type="hidden" name="button" '
        f'value="{place}"><button class="plain">{escape(name)}</button></form>'
    )


def _asked(store: Store, app_id: str) -> str:
    """Templates that may be subscribed to: here the account's page with wx-open-subscribe would ask."""
    rows = store.all("SELECT * FROM templates WHERE app_id = ? AND kind = 'subscribe'", app_id)
    return "".join(
        f'<form class="row ask" method="post" action="/chat/{escape(app_id)}/subscribe">'
        f"<span>订阅“{escape(row['title'])}”</span>"
        f'<input type="hidden" name="template" value="{escape(row["template_id"])}">'
        '<span><button class="quiet" name="do" value="accept">允许</button> '
        '<button class="quiet" name="do" value="reject">拒绝</button></span></form>'
        for row in rows
    )


# --- acts -------------------------------------------------------------------------------------------
def act(store: Store, request: Request, resident: Row, app_id: str, deed: str) -> Reply:
    """One tap or message; waits for the account's answer as long as one try of a push takes.

    What a tapped link opens is the handset's to show.
    """
    if store.account(app_id) is None:
        return redirect("/")
    back, number = redirect(f"/?chat={app_id}"), 0
    if deed == "say":
        text = request.form.get("text", "").strip()[:MAX_TEXT]
        number = acts.say(store, app_id, resident["id"], text) if text else 0
    elif deed == "tap":
        button = _button(store, app_id, request.form.get("button", ""))
        if button is None:
            return back
        number = acts.tap(store, app_id, resident["id"], button)
    elif deed == "subscribe":
        decide_subscription(
            store,
            app_id,
            resident["id"],
            request.form.get("template", ""),
            accepts=request.form.get("do") == "accept",
        )
    if number:
        settled(store, number, TRY_SECONDS)
    return back


def _button(store: Store, app_id: str, place: str) -> dict[str, Any] | None:
    found: Any = {"sub_button": articles.menu_of(store, app_id)}
    for part in place.split("."):
        below = found.get("sub_button") or []
        if not part.isdigit() or int(part) >= len(below):
            return None
        found = below[int(part)]
    return found


def button_url(store: Store, app_id: str, place: str) -> str:
    """The address behind a link of the menu."""
    button = _button(store, app_id, place)
    return button.get("url", "") if button else ""
