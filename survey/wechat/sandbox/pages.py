"""The sandbox's HTML: few pages, no script, no inline style, all text escaped."""

from html import escape
from pathlib import Path
from typing import Any

from survey.wechat.sandbox.web import Reply

STATIC_FOLDER = Path(__file__).parent / "static"
STATIC_PREFIX = "/sandbox/static/"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
BANNER = "模拟微信，仅供开发和演示"
MARK = (
    '<svg class="mark" viewBox="0 0 48 20" aria-hidden="true"><line x1="4" y1="10" x2="44" y2="10"/>'
    '<line x1="4" y1="3" x2="4" y2="17"/><line x1="44" y1="3" x2="44" y2="17"/>'
    '<circle cx="24" cy="10" r="7"/></svg>'
)


def page(title: str, body: str, *, status: int = 200, frames: str = "") -> Reply:
    """A whole page; `frames` are the addresses that may be framed in it."""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-src " + (frames or "'none'")
    )
    html = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · 模拟微信</title>"
        f'<link rel="stylesheet" href="{STATIC_PREFIX}sandbox.css"></head>'
        f'<body><p class="banner" role="note">{BANNER}</p>{body}</body></html>'
    )
    headers = [
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return Reply(html.encode(), status, headers=headers)


def message(title: str, text: str, *, status: int = 200, links: str = "") -> Reply:
    """A page that says one thing. `links` is HTML."""
    body = f'<main class="message">{MARK}<h1>{escape(title)}</h1><p>{escape(text)}</p>{links}</main>'
    return page(title, body, status=status)


def article(found: dict[str, Any] | None) -> Reply:
    """A published article. Its content is the account's HTML; the page's policy lets no script run."""
    if found is None:
        return message("没有这篇文章", "可能已经删除。", status=404)
    body = (
        f'<main class="lone wide"><h1>{escape(found["title"])}</h1>'
        f"<p>{escape(found.get('author', ''))}</p><article>{found['content']}</article></main>"
    )
    return page(found["title"], body)


def link(address: str, text: str, style: str = "button") -> str:
    """One link."""
    return f'<a class="{style}" href="{escape(address)}">{escape(text)}</a>'


def static(path: str) -> Reply:
    """A file of the static folder."""
    file = STATIC_FOLDER / Path(path).name
    if not path.startswith(STATIC_PREFIX) or file.suffix not in _TYPES or not file.is_file():
        return Reply(b"", 404, "text/plain; charset=utf-8")
    return Reply(file.read_bytes(), content_type=_TYPES[file.suffix])
