"""The sandbox as one WSGI application."""

from http.client import responses as reasons
from typing import Any

from survey.wechat.sandbox import api, articles, faults, pages
from survey.wechat.sandbox.authorisation import AUTHORIZE, CONFIRM, authorize
from survey.wechat.sandbox.control import PREFIX, Control
from survey.wechat.sandbox.fault_panel import FaultPanel
from survey.wechat.sandbox.handset import COOKIE, Handset, from_here
from survey.wechat.sandbox.office import Office
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.web import Environ, Reply, Request
from survey.wechat.sandbox.webview import WebViews

# The Python driver says with this header whose phone it is; a browser says it with the cookie.
RESIDENT_HEADER = "X-Sandbox-Resident"
MEDIA, ARTICLES = "/sandbox/media/", "/sandbox/articles/"


class Sandbox:
    """Tencent's HTTP, the phone page and the sandbox's own API over one store."""

    def __init__(self, store: Store, views: WebViews) -> None:
        self._store = store
        self._control = Control(store)
        self._handset = Handset(store, views)
        self._office = Office(store)
        self._faults = FaultPanel(store)

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        reply = self.answer(Request.read(environ))
        start_response(
            f"{reply.status} {reasons.get(reply.status, '')}",
            [("Content-Type", reply.content_type), *reply.headers],
        )
        return [reply.body]

    def answer(self, request: Request) -> Reply:
        """Find who answers this request."""
        path = request.path
        if path.startswith(("/cgi-bin/", "/sns/", "/wxaapi/")):
            return faults.answer(self._store, path, lambda: api.handle(self._store, request))
        if path in (AUTHORIZE, CONFIRM):
            return faults.answer(self._store, path, lambda: self._authorize(request))
        if path.startswith(PREFIX):
            return self._control.handle(request)
        if path.startswith(pages.STATIC_PREFIX):
            return pages.static(path)
        if path == "/favicon.ico":
            return Reply(b"", 204)
        if path.startswith(MEDIA):
            return articles.show_media(self._store, path.removeprefix(MEDIA))
        if path.startswith(ARTICLES):
            return pages.article(articles.article(self._store, path.removeprefix(ARTICLES)))
        if request.method == "POST" and not from_here(request):
            return pages.message("没有做", "这个请求来自别的网站。", status=403)
        reply = self._handset.handle(request) or self._office.handle(request) or self._faults.handle(request)
        return reply or pages.message(
            "没有这一页", "请回到模拟微信的首页。", status=404, links=pages.link("/", "首页")
        )

    def _authorize(self, request: Request) -> Reply:
        key = "HTTP_" + RESIDENT_HEADER.upper().replace("-", "_")
        return authorize(self._store, request, request.environ.get(key) or request.cookies.get(COOKIE))
