"""`/r/<key>/submit`: the phone hands in a questionnaire as JSON, as form.js sends it.

Request (Content-Type application/json, header X-CSRFToken with the token of the questionnaire's page)::

    {"id": uuid, "document": hash of the published document, "language": "zh-hans", "answers": {item: answer},
     "started_at": ISO 8601, "completed_at": ISO 8601, "paradata": {…}}

Reply 201 the first time, 200 when the same id comes with the same content again::

    {"id": uuid of the response, "receipt": "7K4M-29XA-B3", "thanks_url": "/r/<key>/thanks"}

409 responses.other_content, responses.already_answered, responses.old_version or responses.no_person; 422
responses.invalid with `errors` [{"item", "code", "reason"}]; 403 responses.session_lost or
responses.no_consent; 410 contacts.closed.
"""

import json
import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from survey.audit.services import RESIDENT
from survey.common.canonical import canonical_json
from survey.common.clock import now
from survey.common.errors import Problem
from survey.responses import services
from survey.responses.models import Respondent, Response
from survey.responses.pages import LANGUAGE_CODES, resident_sends
from survey.responses.receipts import receipt_of

MAX_BODY_BYTES = 256 * 1024
MAX_PARADATA_BYTES = 64 * 1024
HARMLESS_BRACKETS = 400  # below, no answer is nested too deep for what is done with it later
LONGEST_WAIT = timedelta(days=180)  # as long as the phone's secret lives


@require_POST
@resident_sends
def submit(request: HttpRequest, respondent: Respondent) -> HttpResponse:
    """Accept one questionnaire, once."""
    response, created = hand_in(respondent, **read_submission(request)._asdict())
    reply = {
        "id": str(response.id),
        "receipt": receipt_of(response.id),
        "thanks_url": reverse("responses:thanks", args=[respondent.public_id]),
    }
    return JsonResponse(reply, status=201 if created else 200)


class Submission(NamedTuple):
    """What form.js sends, parsed but not yet validated against the document."""

    client_id: uuid.UUID
    answers: dict[str, Any]
    language: str
    document_hash: str
    paradata: dict[str, Any]
    submitted_at: datetime


def read_submission(request: HttpRequest) -> Submission:
    """Parse the request of the module's description; the interviewer's page sends the same.

    Raises
    ------
    Problem common.invalid : no JSON object, no id, or a part of another type.
    """
    body = read_body(request)
    language = body.get("language")
    paradata = _mapping(body, "paradata")
    if isinstance(body.get("started_at"), str):
        paradata["started_at"] = body["started_at"][:40]
    return Submission(
        client_id=read_uuid(body, "id"),
        answers=_mapping(body, "answers"),
        language=language if language in LANGUAGE_CODES else LANGUAGE_CODES[0],
        document_hash=str(body.get("document", "")),
        paradata=paradata,
        submitted_at=read_moment(body.get("completed_at")),
    )


def hand_in(
    respondent: Respondent,
    *,
    client_id: uuid.UUID,
    answers: dict[str, Any],
    language: str,
    document_hash: str,
    paradata: dict[str, Any],
    submitted_at: datetime,
) -> tuple[Response, bool]:
    """What the phone's JSON and the plain form have in common: one acceptance, one rule.

    Raises
    ------
    Problem : see the module's list; responses.no_person when nobody has been chosen to answer yet.
    """
    raw_hash = services.content_hash(answers=answers, language=language, document_hash=document_hash)
    is_old = document_hash != respondent.round.questionnaire_version.document_hash
    is_nobodys = respondent.case_id is not None and respondent.selected_person_id is None
    # What was taken before is answered as then, whatever has changed since.
    if (is_old or is_nobodys) and not Response.objects.filter(client_id=client_id).exists():
        raise Problem("responses.old_version" if is_old else "responses.no_person")
    return services.accept_response(
        client_id=client_id,
        respondent=respondent,
        case=respondent.case,
        consent=services.current_consent(respondent),
        answers=answers,
        language=language,
        mode=Response.Mode.WEB,
        paradata=paradata,
        submitted_at=submitted_at,
        selected_person=respondent.selected_person,
        acting_user=RESIDENT,
        raw_hash=raw_hash,
    )


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the request, with a cap on its size."""
    if len(request.body) > MAX_BODY_BYTES:
        raise Problem("common.invalid", reason=_("内容太大，没有收下。请把文字回答缩短一些再交"))
    try:
        # Databases refuse NaN, infinities and half characters less kindly.
        raw = request.body
        body = json.loads(raw.decode(), parse_float=_finite, parse_constant=_finite)
        if b"\\u" in raw or raw.count(b"[") + raw.count(b"{") > HARMLESS_BRACKETS:
            canonical_json(body)  # half a character can only be written \\ud…; depth cannot pass the brackets
    except (ValueError, RecursionError):
        raise Problem("common.invalid", reason=_("内容读不了，请再交一次")) from None
    if not isinstance(body, dict):
        raise Problem("common.invalid", reason=_("内容读不了，请再交一次"))
    return body


def _finite(text: str) -> float:
    """A number of the body. Raises ValueError for NaN and infinities, 1e999 among them."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def read_uuid(body: Mapping[str, Any], name: str) -> uuid.UUID:
    """A uuid that the phone made."""
    try:
        return uuid.UUID(str(body.get(name)))
    except ValueError:
        raise Problem(
            "common.invalid", reason=_("缺少“%(name)s”，请重新打开问卷再交") % {"name": name}
        ) from None


def _mapping(body: dict[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise Problem("common.invalid", reason=_("“%(name)s”的格式不对，请重新打开问卷再交") % {"name": name})
    if name == "paradata":
        written = canonical_json(value)
        if len(written) > MAX_PARADATA_BYTES or b"\\u0000" in written:  # PostgreSQL keeps no NUL
            return {"dropped_bytes": len(written)}  # never a reason to lose the answers
    return value


def read_moment(value: object) -> datetime:
    """The phone's clock as it says; ours where it says nothing sensible (some phones live in 1970)."""
    received = now()
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
        if moment is not None and timezone.is_naive(moment):
            moment = timezone.make_aware(moment)
        plausible = moment is not None and abs(moment - received) < LONGEST_WAIT
    except (ValueError, OverflowError):
        plausible = False
    return moment if plausible else received
