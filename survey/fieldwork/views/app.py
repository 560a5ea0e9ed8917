"""The interviewer's app: its page, its service worker, its manifest.

All three are the same for everybody and hold nothing of any study; what is secret comes by the sync API.
"""

import base64
import hashlib
import json
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

SHARED = (
    "common/tokens.css",
    "common/site.css",
    "common/mark.svg",
    "fieldwork/field.css",
    "fieldwork/app.css",
    "questionnaires/form.css",
)
FOLDERS = ("fieldwork/app", "questionnaires")


@require_safe
def app(request: HttpRequest) -> HttpResponse:
    """The shell. It needs no log-in: installed, it opens in a stairwell."""
    reply = render(request, "fieldwork/app.html", {"static_base": staticfiles_storage.base_url})
    reply["Cache-Control"] = "no-cache"
    return reply


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker with the list of files and their hashes: another list is another version."""
    files = precached()
    shell = reverse("fieldwork:app")
    version = hashlib.sha256(json.dumps([files, shell]).encode()).hexdigest()[:16]
    context = {"files": json.dumps(files, indent=1), "shell": json.dumps(shell), "version": version}
    reply = render(request, "fieldwork/worker.js", context, content_type="text/javascript; charset=utf-8")
    reply["Cache-Control"] = "no-cache"
    reply["Service-Worker-Allowed"] = reverse("fieldwork:today")
    return reply


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """What puts the app on the home screen. Its scope is the whole site: the log-in page is on the way."""
    base = staticfiles_storage.base_url
    icons = [
        {
            "src": f"{base}fieldwork/app/icon-{size}.png",
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": use,
        }
        for size in (192, 512)
        for use in ("any", "maskable")
    ]
    body = {
        "id": reverse("fieldwork:app"),
        "name": _("民意入户"),
        "short_name": _("入户"),
        "description": _("访员的一天：没有信号也能用"),
        "lang": "zh-CN",
        "start_url": reverse("fieldwork:app"),
        "scope": "/",
        "display": "standalone",
        "orientation": "portrait",
        "background_color": "#F3F6F6",
        "theme_color": "#F3F6F6",
        "icons": icons,
    }
    return JsonResponse(
        body, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False}
    )


def precached() -> list[tuple[str, str]]:
    """(address, integrity) of every file that the app works with, sorted by address."""
    return _precached() if not settings.DEBUG else _precached.__wrapped__()


@lru_cache(maxsize=1)
def _precached() -> list[tuple[str, str]]:
    paths = [*SHARED]
    for folder in FOLDERS:
        found = Path(finders.find(folder))
        paths += [f"{folder}/{each.name}" for each in found.iterdir() if each.suffix in (".js", ".png")]
    # Under their plain names: modules import each other by them. The hash beside each one makes a set of
    # files that belong together, whatever a cache on the way still holds.
    return sorted((staticfiles_storage.base_url + path, _integrity(path)) for path in paths)


def _integrity(path: str) -> str:
    digest = hashlib.sha256(Path(finders.find(path)).read_bytes()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
