"""A sandbox with a clock that tests move, a site that talks to it, and a scripted Tencent."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from survey.wechat.client import AccountSettings, WeChat
from survey.wechat.sandbox.app import Sandbox
from survey.wechat.sandbox.phone import Phone, SandboxControl
from survey.wechat.sandbox.server import SandboxServer
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.webview import WebViews

APP_ID = "wx0123456789abcdef"
SECRET = "0123456789abcdef0123456789abcdef"


class MemoryTokens:
    """A token store of one process; counts how often a token was stored."""

    def __init__(self):
        self.held = None
        self.stored = 0
        self._lock = threading.Lock()

    def get(self):
        return self.held

    def set(self, token, expires_at):
        self.held = (token, expires_at)
        self.stored += 1

    def lock(self):
        return self._lock


class Clock:
    """A moment that stands still until it is moved."""

    def __init__(self):
        self.moment = datetime(2026, 11, 23, 4, tzinfo=UTC)

    def __call__(self):
        return self.moment

    def seconds(self):
        return self.moment.timestamp()

    def advance(self, seconds):
        self.moment += timedelta(seconds=seconds)


@dataclass
class Scripted:
    """A server that answers from a script: (path, query string, body) → body of the answer."""

    url: str = ""
    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    status: str = "200 OK"

    def __call__(self, environ, start_response):
        path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
        self.asked.append((path, environ["QUERY_STRING"], body))
        answer = self.answers.get(path, "{}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        start_response(self.status, [("Content-Type", "application/json; charset=utf-8")])
        return [answer.encode()]

    def count(self, path):
        return sum(1 for asked in self.asked if asked[0] == path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tencent():
    """A scripted server in Tencent's place; stable_token works unless the test says otherwise."""
    scripted = Scripted(answers={"/cgi-bin/stable_token": '{"access_token":"TOKEN","expires_in":7200}'})
    server = SandboxServer("127.0.0.1", 0, scripted)
    server.start_in_background()
    scripted.url = f"http://127.0.0.1:{server.port}"
    yield scripted
    server.shutdown()
    server.server_close()


@dataclass
class Sandboxed:
    """A running sandbox and how to reach it."""

    url: str
    store: Store
    control: SandboxControl
    views: WebViews

    def phone(self, resident_id="wang", **options):
        return Phone(self.url, resident_id, **options)


@pytest.fixture
def sandbox(clock):
    store = Store(":memory:", now=clock.seconds)
    views = WebViews(store, "127.0.0.1", range(0))
    server = SandboxServer("127.0.0.1", 0, Sandbox(store, views))
    server.start_in_background()
    url = f"http://127.0.0.1:{server.port}"
    control = SandboxControl(url)
    control.add_residents({"wang": "王秀英", "zhao": "赵强"})
    yield Sandboxed(url, store, control, views)
    server.shutdown()
    server.server_close()
    views.close()
    store.close()


@pytest.fixture
def tokens():
    return MemoryTokens()


@pytest.fixture
def wechat(sandbox, tokens, clock):
    """Production's client, pointed at the sandbox by its base addresses only."""
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["survey.example"])
    return WeChat(AccountSettings(APP_ID, SECRET, sandbox.url, sandbox.url), tokens, now=clock)


@pytest.fixture
def against(tencent, tokens, clock):
    """Production's client, pointed at the scripted server."""
    return WeChat(AccountSettings(APP_ID, SECRET, tencent.url, tencent.url), tokens, now=clock)


@dataclass
class Site:
    """A site with a WeChat log-in, as small as can be; remembers what reached it."""

    url: str = ""
    wechat: WeChat | None = None
    scope: str = "snsapi_base"
    seen: list = field(default_factory=list)

    def __call__(self, environ, start_response):
        path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
        headers = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
        self.seen.append((environ["REQUEST_METHOD"], path, query, environ["wsgi.input"].read(), headers))
        reply = [("Content-Type", "text/html; charset=utf-8"), ("X-Frame-Options", "DENY")]
        policy = "default-src 'self'; frame-ancestors 'none'"
        reply.append(("Content-Security-Policy", policy))
        if path == "/s/letter":
            address = self.wechat.authorize_url(f"{self.url}/back", self.scope, "Abc123")
            start_response("302 Found", [("Location", address), *reply])
            return [b""]
        if path == "/back":
            cookie = ("Set-Cookie", "device=d1; Path=/; HttpOnly")
            start_response("302 Found", [("Location", f"/answer?{query.count('code=')}"), cookie, *reply])
            return [b""]
        if path == "/away":
            start_response("302 Found", [("Location", "http://elsewhere.example/"), *reply])
            return [b""]
        start_response("200 OK", reply)
        return [f"page {path}?{query} {headers.get('COOKIE', '')}".encode()]


@pytest.fixture
def site(sandbox, tokens, clock):
    """The site, with an account whose redirect host it is."""
    site = Site()
    server = SandboxServer("127.0.0.1", 0, site)
    server.start_in_background()
    site.url = f"http://127.0.0.1:{server.port}"
    domain = site.url.removeprefix("http://")
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=[domain])
    site.wechat = WeChat(AccountSettings(APP_ID, SECRET, sandbox.url, sandbox.url), tokens, now=clock)
    yield site
    server.shutdown()
    server.server_close()
