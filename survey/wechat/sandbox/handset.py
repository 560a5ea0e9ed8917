"""The page that plays the phone: choose a resident, scan a letter, see the page it opens."""

from html import escape
from urllib.parse import quote, urlsplit

from survey.wechat.sandbox import acts, chat, pages
from survey.wechat.sandbox.pushing import TRY_SECONDS, settled
from survey.wechat.sandbox.store import Row, Store, random_text
from survey.wechat.sandbox.web import Reply, Request, Router, is_web_address, redirect
from survey.wechat.sandbox.webview import WebViews

COOKIE = "minyi_sandbox_resident"
SHOWN_RESIDENTS = 40


class Handset:
    """Routes and handlers of the phone page."""

    def __init__(self, store: Store, views: WebViews) -> None:
        self._store = store
        self._views = views
        self._router = Router()
        add = self._router.add
        add(["GET", "HEAD"], "/", self._home)
        add(["POST"], "/phone/become", self._become)
        add(["POST"], "/phone/new", self._new)
        add(["POST"], "/phone/scan", self._scan)
        add(["POST"], "/phone/close", self._close)
        add(["POST"], "/phone/follow", self._follow)
        add(["POST"], "/phone/revoke", self._revoke)
        add(["POST"], "/chat/{app_id}/{deed}", self._chat)

    def handle(self, request: Request) -> Reply | None:
        """Answer, or None when the path is not the phone's."""
        found = self._router.find(request.method, request.path)
        if found is None:
            return None
        handler, segments = found
        return handler(request, **segments)

    # --- pages --------------------------------------------------------------------------------------
    def _home(self, request: Request) -> Reply:
        resident = self._resident(request)
        if resident is None:
            body = f'<main class="lone"><h1>选一部手机</h1>{self._people(None)}</main>'
            return pages.page("选一部手机", body)
        page = self._store.one("SELECT page FROM phones WHERE resident_id = ?", resident["id"])
        address = page["page"] if page else None
        frame = self._frame(request, resident, address) if address else None
        account = self._store.account(request.query.get("chat", ""))
        inside = chat.panel(self._store, account, resident) if account else ""
        body = (
            '<main class="desk">'
            + self._phone(resident, address, frame, request.query.get("note", ""), inside)
            + f'<section class="side" aria-label="手机以外">{_scan_form(request)}{self._accounts(resident)}'
            + f'<section class="card"><h2>换一部手机</h2>{self._people(resident)}</section></section></main>'
        )
        frames = " ".join(f"http://{host}:*" for host in [request.host.rsplit(":", 1)[0]] if host)
        return pages.page(resident["name"], body, frames=frames)

    def _frame(self, request: Request, resident: Row, address: str) -> str | None:
        """The address of the open page on this phone's own port."""
        on = self._views.switch_on(resident["id"], int(request.environ["SERVER_PORT"]))
        if on is None:
            return None
        parts = urlsplit(address)
        host = request.host.rsplit(":", 1)[0] or "127.0.0.1"
        query = f"?{parts.query}" if parts.query else ""
        return f"http://{host}:{on[0]}{parts.path or '/'}{query}"

    def _phone(self, resident: Row, address: str | None, frame: str | None, note: str, talk: str = "") -> str:
        name = escape(resident["name"])
        notes = {
            "host": "这个网址不在任何账号的网页授权域名里，没有打开。请核对链接，或先在账号里加上这个域名。",
            "text": "这不像网址。请粘贴信上二维码下面的整条链接；12 位的码请在打开的网页里输入。",
            "ports": "开着的手机太多了，没有空的端口。请重启模拟微信，或换一部用过的手机。",
            "qr": "已扫带参二维码，并关注了公众号。",
        }
        said = f'<p class="note" role="status">{notes[note]}</p>' if note in notes else ""
        if talk:
            inner = talk
        elif frame and address:
            inner = (
                '<div class="bar"><form method="post" action="/phone/close">'
                '<button class="plain">关闭</button></form>'
                f'<span class="site">{escape(urlsplit(address).netloc)}</span>'
                f"{pages.link('/', '重新打开', 'plain')}</div>"
                f'<iframe class="view" src="{escape(frame)}" title="{name}的微信网页"></iframe>'
            )
        else:
            inner = (
                f'<div class="bar"><span class="site">{name}的微信</span></div>'
                f'<div class="empty">{pages.MARK}<p>{name}收到一封信。</p>'
                "<p>把信上的链接放进“扫一扫”，就像用手机扫了信上的二维码。</p></div>"
            )
        style = "phone" if frame or talk else "phone idle"
        return f'<section class="{style}" aria-label="{name}的手机">{said}{inner}</section>'

    def _accounts(self, resident: Row) -> str:
        rows = self._store.all("SELECT app_id, name FROM accounts ORDER BY name")
        items = "".join(self._account(row, resident) for row in rows)
        empty = "<p>还没有公众号。请到后台注册一个。</p>"
        doors = pages.link("/mp", "公众平台后台", "plain") + pages.link("/faults", "故障面板", "plain")
        return f'<section class="card"><h2>公众号</h2>{items or empty}<p class="doors">{doors}</p></section>'

    def _account(self, row: Row, resident: Row) -> str:
        known = self._store.one(
            "SELECT subscribed_at FROM identities WHERE app_id = ? AND resident_id = ?",
            row["app_id"],
            resident["id"],
        )
        follows = known is not None and known["subscribed_at"] is not None
        verb, act = ("取消关注", "off") if follows else ("关注", "on")
        talk = pages.link(f"/?chat={row['app_id']}", "聊天", "plain") if follows else ""
        return (
            f'<form class="row" method="post" action="/phone/follow"><span>{escape(row["name"])}'
            f"<small>{'已关注' if follows else '没有关注'}</small></span>"
            f'<input type="hidden" name="app_id" value="{escape(row["app_id"])}">'
            f'<span>{talk}<button class="quiet" name="act" value="{act}">{verb}</button></span></form>'
        )

    def _people(self, current: Row | None) -> str:
        rows = self._store.all("SELECT id, name FROM residents ORDER BY rowid LIMIT ?", SHOWN_RESIDENTS)
        items = "".join(_person(row, is_current=bool(current and current["id"] == row["id"])) for row in rows)
        chosen = f'<form method="post" action="/phone/become"><ul class="people">{items}</ul></form>'
        new = (
            '<form class="row" method="post" action="/phone/new"><label for="name">新的居民</label>'
            '<input id="name" name="name" required maxlength="20" autocomplete="off">'
            '<button class="quiet">添加</button></form>'
        )
        return (chosen if rows else "<p>还没有居民。写个名字，添加第一位。</p>") + new

    # --- acts ---------------------------------------------------------------------------------------
    def _resident(self, request: Request) -> Row | None:
        return self._store.resident(request.cookies.get(COOKIE, ""))

    def _become(self, request: Request) -> Reply:
        resident = self._store.resident(request.form.get("resident", ""))
        return _as(resident["id"]) if resident else redirect("/")

    def _new(self, request: Request) -> Reply:
        name = request.form.get("name", "").strip()[:20]
        if not name:
            return redirect("/")
        resident_id = "phone-" + random_text(10).lower()
        self._store.add_residents([(resident_id, name)])
        return _as(resident_id)

    def _scan(self, request: Request) -> Reply:
        resident = self._resident(request)
        if resident is None:
            return redirect("/")
        text = request.form.get("scanned", "").strip()
        qr = self._store.one("SELECT * FROM qr_codes WHERE url = ?", text)
        if qr is not None and (qr["expires_at"] is None or qr["expires_at"] > self._store.now()):
            number = acts.follow(self._store, qr["app_id"], resident["id"], qr=qr)
            if number:
                settled(self._store, number, TRY_SECONDS)
            return redirect(f"/?note=qr&chat={qr['app_id']}")
        address = text if is_web_address(text) else self._home_url()
        if not address:
            return redirect("/?note=text")
        return self._open(request, resident, address, "" if address == text else "?note=text")

    def _open(self, request: Request, resident: Row, address: str, note: str = "") -> Reply:
        """Show an address in the phone's web view."""
        on = self._views.switch_on(resident["id"], int(request.environ["SERVER_PORT"]))
        if on is None:
            return redirect("/?note=ports")
        if not on[1].open(address):
            return redirect("/?note=host")
        self._store.run("UPDATE phones SET page = ? WHERE resident_id = ?", address, resident["id"])
        return redirect("/" + note)

    def _home_url(self) -> str:
        """The page of the only account where a code can be typed."""
        rows = self._store.all("SELECT home_url FROM accounts WHERE home_url <> ''")
        return rows[0]["home_url"] if len(rows) == 1 else ""

    def _close(self, request: Request) -> Reply:
        resident = self._resident(request)
        if resident is not None:
            self._store.run("UPDATE phones SET page = NULL WHERE resident_id = ?", resident["id"])
        return redirect("/")

    def _follow(self, request: Request) -> Reply:
        resident, app_id = self._resident(request), request.form.get("app_id", "")
        if resident is not None and self._store.account(app_id) is not None:
            if request.form.get("act") == "on":
                number = acts.follow(self._store, app_id, resident["id"])
                if number:
                    settled(self._store, number, TRY_SECONDS)
                return redirect(f"/?chat={app_id}")
            acts.unfollow(self._store, app_id, resident["id"])
        return redirect("/")

    def _revoke(self, request: Request) -> Reply:
        resident, app_id = self._resident(request), request.form.get("app_id", "")
        if resident is not None and self._store.account(app_id) is not None:
            acts.revoke(self._store, app_id, resident["id"])
        return redirect("/")

    def _chat(self, request: Request, app_id: str, deed: str) -> Reply:
        resident = self._resident(request)
        if resident is None:
            return redirect("/")
        link = chat.button_url(self._store, app_id, request.form.get("button", "")) if deed == "tap" else ""
        reply = chat.act(self._store, request, resident, app_id, deed)
        return self._open(request, resident, link) if link else reply


def _scan_form(request: Request) -> str:
    """`/?scan=LINK` fills the field: a demo page can hand over a letter's link. Nothing is opened by GET."""
    link = escape(request.query.get("scan", ""))
    return (
        '<section class="card"><h2>扫一扫</h2><form method="post" action="/phone/scan">'
        '<label for="scanned">信上的链接或 12 位码</label>'
        '<input id="scanned" name="scanned" required autocomplete="off" spellcheck="false" '
        f'value="{link}"><button class="button">打开</button></form></section>'
    )


def _person(row: Row, *, is_current: bool) -> str:
    mark = ' aria-current="true"' if is_current else ""
    return (
        f'<li><button class="person" name="resident" value="{escape(row["id"])}"{mark}>'
        f"{escape(row['name'])}</button></li>"
    )


def _as(resident_id: str) -> Reply:
    reply = redirect("/")
    cookie = f"{COOKIE}={quote(resident_id)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
    reply.headers.append(("Set-Cookie", cookie))
    return reply


def from_here(request: Request) -> bool:
    """Whether a form was sent by this page, not by another site."""
    origin = request.environ.get("HTTP_ORIGIN", "")
    return origin in ("", "null", f"http://{request.host}", f"https://{request.host}")
