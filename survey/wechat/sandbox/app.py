"""The sandbox as one WSGI application."""

from http.client import responses as reasons
from typing import Any

from survey.wechat.sandbox import api, faults, pages
from survey.wechat.sandbox.authorisation import AUTHORIZE, CONFIRM, authorize
from survey.wechat.sandbox.control import PREFIX, Control
from survey.wechat.sandbox.handset import COOKIE, Handset
from survey.wechat.sandbox.store import Store
from survey.wechat.sandbox.web import Environ, Reply, Request
from survey.wechat.sandbox.webview import WebViews

# The Python driver says with this header whose phone it is; a browser says it with the cookie.
RESIDENT_HEADER = "X-Sandbox-Resident"


class Sandbox:
    """Tencent's HTTP, the phone page and the sandbox's own API over one store."""

    def __init__(self, store: Store, views: WebViews) -> None:
        self._store = store
        self._control = Control(store)
        self._handset = Handset(store, views)

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
        if path.startswith(("/cgi-bin/", "/sns/")):
            return faults.answer(self._store, path, lambda: api.handle(self._store, request))
        if path in (AUTHORIZE, CONFIRM):
            return faults.answer(self._store, path, lambda: self._authorize(request))
        if path.startswith(PREFIX):
            return self._control.handle(request)
        if path.startswith(pages.STATIC_PREFIX):
            return pages.static(path)
        if path == "/favicon.ico":
            return Reply(b"", 204)
        reply = self._handset.handle(request)
        return reply or pages.message(
            "没有这一页", "请回到模拟微信的首页。", status=404, links=pages.link("/", "首页")
        )

    def _authorize(self, request: Request) -> Reply:
        key = "HTTP_" + RESIDENT_HEADER.upper().replace("-", "_")
        return authorize(self._store, request, request.environ.get(key) or request.cookies.get(COOKIE))
