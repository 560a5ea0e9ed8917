"""A phone's web view: shows the H5 page with the phone's own cookie jar and WeChat's user agent.

A page in a desktop browser has neither, so the sandbox fetches the page for it. Each phone listens on a
port of its own and passes everything on to the site that is open in it; so every phone has its own origin
(its own localStorage and drafts), and addresses in the page work as they are. What a framed page may not
have here is what a phone does not have either: X-Frame-Options and frame-ancestors are taken off.

Only sites whose host an account names as its redirect host are opened: this is no open proxy.
"""

import json
import threading
from http.client import responses as reasons
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from survey.wechat.sandbox import jssdk, pages
from survey.wechat.sandbox.authorisation import AUTHORIZE, CONFIRM, FRAGMENT, authorize
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.web import Environ, Reply, Request

# XWEB and MMWEBSDK as on Android; protocol file, section 8 [M].
USER_AGENT = (
    "Mozilla/5.0 (Linux; Android 14; sandbox) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/126.0.0.0 Mobile Safari/537.36 XWEB/1260053 MMWEBSDK/20240404 "
    "MicroMessenger/8.0.50.2701(0x2800323E) NetType/WIFI Language/zh_CN"
)
TIMEOUT_SECONDS = 60
# Not passed from the site to the browser: what belongs to one connection, and what the phone keeps.
_SITE_ONLY = frozenset(
    {
        "connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "trailer",
        "content-length",
        "content-encoding",
        "set-cookie",
        "x-frame-options",
        "strict-transport-security",
        "location",
    }
)
# Not passed from the browser to the site: the same, and what names the browser instead of the phone.
_BROWSER_ONLY = frozenset(
    {
        "HOST",
        "COOKIE",
        "CONNECTION",
        "KEEP_ALIVE",
        "TRANSFER_ENCODING",
        "UPGRADE",
        "TE",
        "TRAILER",
        "ACCEPT_ENCODING",
        "USER_AGENT",
        "ORIGIN",
        "REFERER",
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "UPGRADE_INSECURE_REQUESTS",
    }
)
_POLICIES_OFF = ("frame-ancestors", "upgrade-insecure-requests")


def origin_of(address: str) -> str:
    """scheme://host:port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


class WebView:
    """The WSGI application behind one phone's port.

    Parameters
    ----------
    store : the sandbox's memory.
    resident_id : whose phone this is.
    sandbox_port : where the sandbox itself listens, to recognise its own authorisation address.
    """

    def __init__(self, store: Store, resident_id: str, sandbox_port: int) -> None:
        self._store = store
        self._resident_id = resident_id
        self._sandbox_port = sandbox_port
        self._session = requests.Session()
        self._session.trust_env = False
        self._load_cookies()

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        request = Request.read(environ)
        reply = self._answer(request)
        start_response(
            f"{reply.status} {reasons.get(reply.status, '')}",
            [("Content-Type", reply.content_type), *reply.headers],
        )
        return [reply.body]

    def _answer(self, request: Request) -> Reply:
        if request.path.startswith(pages.STATIC_PREFIX):
            return pages.static(request.path)
        if request.path in (AUTHORIZE, CONFIRM):
            request.environ["HTTP_USER_AGENT"] = USER_AGENT
            return self._moved(request, authorize(self._store, request, self._resident_id))
        row = self._store.one("SELECT origin FROM phones WHERE resident_id = ?", self._resident_id)
        if row is None or not row["origin"]:
            return pages.message("还没有打开网页", "请先在模拟微信里扫一扫。")
        if request.path == jssdk.CHECK:
            return jssdk.check(self._store, request, row["origin"])
        return self._fetch(request, row["origin"])

    # --- passing on ---------------------------------------------------------------------------------
    def _fetch(self, request: Request, origin: str) -> Reply:
        own = f"http://{request.host}"
        query = f"?{request.query_string}" if request.query_string else ""
        address = origin + request.environ["RAW_PATH"] + query
        try:
            answer = self._session.request(
                request.method,
                address,
                headers=self._headers(request, own, origin),
                data=request.body or None,
                allow_redirects=False,
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException:
            return pages.message("打不开网页", f"连不上 {origin}。请确认网站已经启动。", status=502)
        self._save_cookies()
        content_type = answer.headers.pop("Content-Type", "application/octet-stream")
        headers = [
            (name, _framable(name, value))
            for name, value in answer.headers.items()
            if name.lower() not in _SITE_ONLY
        ]
        reply = Reply(answer.content, answer.status_code, content_type, headers)
        if "Location" in answer.headers:
            target = urljoin(address, answer.headers["Location"])
            return self._to(request, target, reply)
        return reply

    def _headers(self, request: Request, own: str, origin: str) -> dict[str, str]:
        """What the site gets: the browser's headers, as if the phone had sent them to the site itself."""
        headers = {
            name[5:].replace("_", "-").title(): value
            for name, value in request.environ.items()
            if name.startswith("HTTP_") and name[5:] not in _BROWSER_ONLY
        }
        headers["User-Agent"] = USER_AGENT
        if request.environ["CONTENT_TYPE"]:
            headers["Content-Type"] = request.environ["CONTENT_TYPE"]
        for name in ("ORIGIN", "REFERER"):
            value = request.environ.get("HTTP_" + name, "")
            if value == "null" or value.startswith(own):
                headers[name.title()] = value.replace(own, origin, 1)
        return headers

    # --- redirects ----------------------------------------------------------------------------------
    def _moved(self, request: Request, reply: Reply) -> Reply:
        """Keep the redirect of the authorisation page inside the phone."""
        for name, value in reply.headers:
            if name == "Location":
                return self._to(request, value, Reply(b"", reply.status))
        return reply

    def _to(self, request: Request, target: str, reply: Reply) -> Reply:
        parts = urlsplit(target)
        inside = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if self._is_sandbox(request, parts.netloc) and parts.path == AUTHORIZE:
            if parts.fragment != FRAGMENT:
                return pages.message("出错了", f"授权地址的末尾缺少 #{FRAGMENT}，微信打不开。")
        elif self.open(target):
            inside += f"#{parts.fragment}" if parts.fragment else ""
        else:
            return pages.message("已停止访问该网页", f"{origin_of(target)} 不在任何账号的网页授权域名里。")
        reply.headers.append(("Location", inside))
        return reply

    def _is_sandbox(self, request: Request, netloc: str) -> bool:
        name = request.host.rsplit(":", 1)[0]
        return netloc in {f"{host}:{self._sandbox_port}" for host in (name, "127.0.0.1", "localhost")}

    def open(self, address: str) -> bool:
        """Make the address's site the one that is open in this phone; False when no account names it."""
        if urlsplit(address).netloc.lower() not in self._store.oauth_domains():
            return False
        self._store.run(
            "UPDATE phones SET origin = ? WHERE resident_id = ?", origin_of(address), self._resident_id
        )
        return True

    # --- cookies ------------------------------------------------------------------------------------
    def _load_cookies(self) -> None:
        row = self._store.one("SELECT cookies FROM phones WHERE resident_id = ?", self._resident_id)
        for fields in json.loads(row["cookies"]) if row else []:
            self._session.cookies.set_cookie(Cookie(**fields))
        self._saved = row["cookies"] if row else "[]"

    def _save_cookies(self) -> None:
        jar = json.dumps([_cookie_fields(cookie) for cookie in list(self._session.cookies)])
        if jar != self._saved:
            self._saved = jar
            self._store.run("UPDATE phones SET cookies = ? WHERE resident_id = ?", jar, self._resident_id)


def _cookie_fields(cookie: Cookie) -> dict[str, Any]:
    fields = {name: value for name, value in vars(cookie).items() if not name.startswith("_")}
    return {**fields, "rest": cookie._rest}


def _framable(name: str, value: str) -> str:
    """A content policy without the parts that forbid the phone's frame."""
    if name.lower() not in ("content-security-policy", "content-security-policy-report-only"):
        return value
    parts = [part.strip() for part in value.split(";")]
    return "; ".join(part for part in parts if part and part.split()[0].lower() not in _POLICIES_OFF)


class WebViews:
    """The phones that are switched on: one listening port each, kept for the same resident for good.

    Parameters
    ----------
    host : where to listen.
    ports : the ports that phones may use; empty means any free one (tests).
    """

    def __init__(self, store: Store, host: str, ports: range) -> None:
        self._store = store
        self._host = host
        self._ports = ports
        self._lock = threading.Lock()
        self._running: dict[str, tuple[SandboxServer, WebView]] = {}

    def switch_on(self, resident_id: str, sandbox_port: int) -> tuple[int, WebView] | None:
        """The resident's port and web view; None when every port is another phone's."""
        with self._lock:
            if resident_id not in self._running:
                server = self._bind(resident_id, sandbox_port)
                if server is None:
                    return None
                server.start_in_background()
            server, view = self._running[resident_id]
            return server.port, view

    def _bind(self, resident_id: str, sandbox_port: int) -> SandboxServer | None:
        self._store.run("INSERT OR IGNORE INTO phones (resident_id, cookies) VALUES (?, '[]')", resident_id)
        view = WebView(self._store, resident_id, sandbox_port)
        for port in self._candidates(resident_id):
            try:
                server = SandboxServer(self._host, port, view)
            except OSError:
                continue
            self._store.run("UPDATE phones SET port = ? WHERE resident_id = ?", server.port, resident_id)
            self._running[resident_id] = (server, view)
            return server
        return None

    def _candidates(self, resident_id: str) -> list[int]:
        if not self._ports:
            return [0]
        rows = self._store.all("SELECT resident_id, port FROM phones WHERE port IS NOT NULL")
        own = [
            row["port"] for row in rows if row["resident_id"] == resident_id and row["port"] in self._ports
        ]
        taken = {row["port"] for row in rows}
        return own + [port for port in self._ports if port not in taken]

    def close(self) -> None:
        """Switch every phone off."""
        with self._lock:
            for server, _ in self._running.values():
                server.shutdown()
                server.server_close()
            self._running.clear()
