"""A small site that serves the questionnaire's page and can be told to fail, and looks at what is shown."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT

from survey.questionnaires.scripts import scripts_for, words_of

STATIC = Path(__file__).parents[3] / "survey"
FOLDER = "/questionnaires/static"
KEY = "minyi:draft:case-1"
REGIONS = {
    "370100000000": [{"code": "370105000000", "name": "天桥区"}, {"code": "370104000000", "name": "槐荫区"}],
    "370105000000": [{"code": "370105001000", "name": "无影山街道"}],
    "370105001000": [{"code": "370105001001", "name": "无影山北路社区"}],
}
REFUSALS = {
    409: {"detail": "这份答卷已经收到过，没有覆盖。"},
    422: {"detail": "有 1 题需要再看一下。", "errors": [{"item": "Q01", "reason": "请再看看这一题。"}]},
    503: {},
}


class Site(ThreadingHTTPServer):
    """`posts`: (token, body) of each submission; `status`: what the next one gets. `draft`: the newest draft;
    `draft_status`: what a save gets. `files`: the fields of each upload by id; `files_status` likewise."""

    def __init__(self, document, **attributes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.page, self.posts, self.status = page_of(document, **attributes), [], 201
        self.draft, self.saves, self.draft_status = None, [], 200
        self.files, self.files_status = {}, 201

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_arguments):
        """Quiet."""

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
        self.end_headers()
        self.wfile.write(body)

    def say(self, status, reply):
        self.answer(status, "application/json", json.dumps(reply).encode())

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_GET(self):
        kinds = {".css": "text/css", ".js": "text/javascript"}
        path = self.path.split("?")[0]
        file = STATIC / path.lstrip("/")
        if path == "/":
            self.answer(200, "text/html; charset=utf-8", self.server.page)
        elif path == "/thanks":
            self.answer(200, "text/html; charset=utf-8", "<!doctype html><h1>谢谢</h1>".encode())
        elif path == "/draft":
            self.say(200, self.server.draft) if self.server.draft else self.answer(204, "text/plain", b"")
        elif path.startswith("/regions/"):
            self.say(200, REGIONS[path[9:21]])
        elif file.suffix in kinds and file.is_file():
            self.answer(200, kinds[file.suffix], file.read_bytes())
        else:
            self.answer(404, "text/plain", b"")

    def do_PUT(self):
        sent = json.loads(self.body())
        site = self.server
        if site.draft_status != 200:
            self.say(site.draft_status, {"detail": "您家已经答过了。"})
            return
        site.saves.append(sent)
        if site.draft is None or sent["id"] != site.draft["id"] or sent["sequence"] > site.draft["sequence"]:
            site.draft = sent
        self.say(200, {"sequence": site.draft["sequence"]})

    def do_POST(self):
        if self.path == "/attachments":
            fields = read_multipart(self.headers["Content-Type"], self.body())
            if self.server.files_status < 300:
                self.server.files[fields["id"].decode()] = fields
            self.say(self.server.files_status, {"id": fields["id"].decode()})
            return
        self.server.posts.append((self.headers["X-CSRFToken"], self.body().decode()))
        self.say(self.server.status, REFUSALS.get(self.server.status, {"ok": True}))


def read_multipart(kind: str, body: bytes) -> dict[str, bytes]:
    """Name → content of a form's parts."""
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


def page_of(document, **attributes) -> bytes:
    """The page as docs/questionnaire-page.md mounts it; `attributes` are further data- attributes."""
    text = json.dumps(document, ensure_ascii=False).replace("<", "\\u003c")
    scripts = "".join(
        f'<script type="module" src="{FOLDER}/{path}"></script>'
        for path in scripts_for(document, ["zh-hans"])
    )
    scripts += "".join(
        f'<template data-words="{each}" data-src="{FOLDER}/{words_of(each)}"></template>'
        for each in ("zh-hant", "en")
    )
    more = "".join(f' data-{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>居民满意度调查</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/common/static/common/tokens.css">
<link rel="stylesheet" href="{FOLDER}/questionnaires/form.css">
<link rel="stylesheet" href="/responses/static/responses/form_page.css">
</head><body><div id="minyi-form" data-document="minyi-document" data-document-hash="h1"
data-submit-url="/submit" data-thanks-url="/thanks"
data-draft-key="case-1" data-csrf="token" data-lang="zh-hans" data-mode="web"{more}></div>
<script type="application/json" id="minyi-document">{text}</script>{scripts}</body></html>""".encode()


@contextmanager
def serving(document, **attributes) -> Iterator[Site]:
    """A running site for a document."""
    site = Site(document, **attributes)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()


def kept(page) -> dict:
    """What the phone keeps."""
    return json.loads(page.evaluate(f"localStorage['{KEY}']"))


def axe_faults(page) -> list[str]:
    """What axe finds on what is shown now, all rules of WCAG 2.2 AA and of good practice."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes']][:3]}" for each in found]
