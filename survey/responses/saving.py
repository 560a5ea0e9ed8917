"""`/r/<key>/draft`, `/r/<key>/attachments` and `/r/regions/<code>.json`: what the phone asks for on its way.

PUT or POST `draft` (Content-Type application/json, X-CSRFToken, or `form_token` in the body for sendBeacon)::

    {"id": client id, "document": hash, "sequence": n, "saved_at": ISO 8601, "answers": {…}, "language": …,
     "at": item, "orders": {…}, "paradata": {…}}  →  200 {"sequence": the one that stands}

409 responses.already_answered once the household's answer is in. GET gives the newest draft of this device or
of the same WeChat identity, 204 when there is none.

POST `attachments` (multipart): `id` (uuid made by the phone), `item`, `sha256`, `file`  →  201, or 200 for
the same again, {"id", "sha256", "bytes"}: what the answer names.
"""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from survey.common.errors import Problem
from survey.regions.models import Region
from survey.responses import services
from survey.responses.device import hash_device, read_secret, require_form_token
from survey.responses.models import Respondent
from survey.responses.pages import resident_sends
from survey.responses.services.attachments import MAX_BYTES
from survey.responses.submission import read_body, read_moment, read_uuid

KEPT_OF_DRAFT = ("answers", "language", "at", "orders", "paradata", "started", "items", "care", "open")
MAX_SEQUENCE = 2**31 - 1
DAY_S = 24 * 3600


@require_http_methods(["GET", "PUT", "POST"])
def draft(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Keep what was answered so far, or give it back."""
    return _newest(request, key=key) if request.method == "GET" else _save(request, key)


# Django's own CSRF check cannot pass here (see `device`); the form's token takes its place.
draft.csrf_exempt = True


@resident_sends
def _newest(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    found = services.newest_draft(respondent)
    return JsonResponse(found) if found is not None else HttpResponse(status=204)


def _save(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    require_form_token(request)
    body = read_body(request)
    draft_: dict[str, Any] = {
        "client_id": read_uuid(body, "id"),
        "sequence": _sequence(body),
        "document_hash": str(body.get("document", ""))[:64],
        "content": {name: body[name] for name in KEPT_OF_DRAFT if name in body},
        "saved_at": read_moment(body.get("saved_at")),
    }
    device_hash = hash_device(read_secret(request))
    standing = services.save_draft_at_once(public_id=key, device_hash=device_hash, **draft_)
    if standing is not None:
        return JsonResponse({"sequence": standing})
    return _save_or_say_why(request, key=key, draft=draft_)


@resident_sends
def _save_or_say_why(request: HttpRequest, respondent: Respondent, draft: dict[str, Any]) -> HttpResponse:
    return JsonResponse({"sequence": services.save_draft(respondent=respondent, **draft)})


def _sequence(body: dict[str, Any]) -> int:
    value = body.get("sequence")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_SEQUENCE:
        raise Problem("common.invalid", reason=_("内容读不了，请再交一次"))
    return value


@require_POST
@resident_sends
def attachments(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """Keep one photo or signature until the questionnaire that names it comes."""
    file = request.FILES.get("file")
    if file is None:
        raise Problem("responses.attachment_no_picture")
    if file.size > MAX_BYTES:
        raise Problem("responses.attachment_large", limit=MAX_BYTES // (1024 * 1024))
    attachment, created = services.store_attachment(
        respondent=respondent,
        attachment_id=read_uuid(request.POST, "id"),
        item=request.POST.get("item", ""),
        content=file.read(),
        claimed_hash=request.POST.get("sha256", ""),
    )
    reply = {"id": str(attachment.pk), "sha256": attachment.content_hash, "bytes": file.size}
    return JsonResponse(reply, status=201 if created else 200)


@require_GET
def regions(request: HttpRequest, code: str) -> HttpResponse:
    """The regions right below one, or those of ?level= within it: [{"code", "name"}]. Public."""
    above = Region.objects.filter(code=code).first()
    if above is None:
        raise Problem("common.not_found")
    level = request.GET.get("level", "")
    if level and level not in Region.Level.values:
        raise Problem("common.invalid", reason=_("没有“%(level)s”这一级区划") % {"level": level[:20]})
    below = (
        Region.objects.within(above.path).filter(level=level).exclude(pk=above.pk)
        if level
        else Region.objects.filter(parent=above)
    )
    rows = list(below.current().exclude(level="grid").order_by("code").values("code", "name"))
    reply = JsonResponse(rows, safe=False, json_dumps_params={"ensure_ascii": False})
    reply["Cache-Control"] = f"public, max-age={DAY_S}"
    return reply
