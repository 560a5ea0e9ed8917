"""A finished interview: the household, the agreement, the files, the answers, in one transaction."""

import contextlib
import secrets
import uuid
from typing import Any

from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts import services as contacts
from survey.contacts.dispositions import COMPLETE
from survey.contacts.models import Contact
from survey.fieldwork.door import OFFICIAL_PRESENCE
from survey.fieldwork.models import Review
from survey.fieldwork.services import OFFICIAL_PRESENT, keep_phone, presence
from survey.fieldwork.sync import flags
from survey.fieldwork.sync.files import claim_door_files, require_files, store_files
from survey.fieldwork.sync.households import store_household
from survey.fieldwork.sync.protocol import ItemError, read_moment
from survey.fieldwork.sync.work import (
    Outcome,
    Work,
    consent_of,
    dict_in,
    door_detail,
    keep_place,
    language_of,
    list_in,
    word,
)
from survey.fieldwork.sync_models import SyncItem
from survey.responses import services as responses
from survey.responses.models import Consent, Respondent, Response
from survey.responses.services.revising import accept_beside, accept_revision

State = SyncItem.State


def take_interview(work: Work) -> Outcome:
    """A finished interview, or its next revision."""
    case, body = work.case, work.item.body
    successor = SyncItem.objects.filter(
        device=work.row.device, case=case, state=State.ACCEPTED, detail__replaces=str(work.row.pk)
    ).first()
    if successor is not None:  # the mended one was quicker
        return Outcome(State.KEPT, "superseded", {"by": str(successor.pk)}, case=case)
    household = body.get("household")
    if not isinstance(household, dict):
        raise ItemError("household")
    require_files(work, [body.get("plate"), consent_of(body).get("signature")])
    person = store_household(case, household, work.user)
    respondent, consent = _agreed(work)
    store_files(work, respondent)
    before = _before(work)
    response = _accept(work, respondent, consent, person, before)
    claim_door_files(work, response)
    _keep_phone(work)
    replaced = _replaces(body)
    told: dict[str, Any] = {"response": str(response.pk)} | ({"replaces": replaced} if replaced else {})
    if response.state == Response.State.REJECTED:
        standing = responses.standing_response(case)
        evidence = {"standing": str(standing.pk), "beside": str(response.pk), "standing_mode": standing.mode}
        flags.raise_flag(case, flags.TWO_COMPLETES, evidence, response)
        told |= {"standing_mode": standing.mode, "standing_at": standing.received_at.isoformat()}
        contact = _complete(work) if before is None else None
        return Outcome(State.KEPT, "response_stands", told, case, response, contact)
    return Outcome(State.ACCEPTED, "", told, case, response, _complete(work) if before is None else None)


def _keep_phone(work: Work) -> None:
    """The number for calling back that apps before protocol 3 sent along. One that is none is never a reason
    to lose answers."""
    phone = word(work.item.body, "phone", 30)
    if not phone:
        return
    with contextlib.suppress(Problem):
        keep_phone(case=work.case, phone=phone, acting_user=work.user, given_at=work.at)


def _accept(
    work: Work, respondent: Respondent, consent: Consent, person: Any, before: Response | None
) -> Response:
    body = work.item.body
    language, document = language_of(body), word(body, "document", 64)
    if document != work.case.round.questionnaire_version.document_hash:
        raise Problem("responses.old_version")
    answers, present = dict_in(body, "answers"), presence(list_in(body, "present"))
    submission = {
        "client_id": work.row.pk,
        "respondent": respondent,
        "case": work.case,
        "consent": consent,
        "answers": answers,
        "language": language,
        "mode": Response.Mode.DOOR,
        "paradata": {**dict_in(body, "paradata"), **_paradata(work), "present": present},
        "submitted_at": work.at,
        "selected_person": person,
        "acting_user": work.user,
        "interviewer": work.user,
        "raw_hash": responses.content_hash(answers=answers, language=language, document_hash=document),
    }
    standing = responses.standing_response(work.case)
    if before is not None and standing in (None, before):
        response = accept_revision(old=before, **submission)
        answer_returned(before, response)
    elif standing is not None:
        response = accept_beside(standing=standing, **submission)
    else:
        response, _created = responses.accept_response(**submission)
    if OFFICIAL_PRESENCE & set(present):
        flags.raise_flag(work.case, OFFICIAL_PRESENT, {"present": present}, response)
    return response


def answer_returned(old: Response, new: Response) -> None:
    """The supervisor's returns of `old` have their answer."""
    Review.objects.waiting().filter(response=old).update(answered_at=now(), answered_with=new)


def _paradata(work: Work) -> dict[str, Any]:
    body = work.item.body
    found = {name: body[name] for name in ("started_at", "orders") if name in body}
    return {**found, "device_at": work.item.device_at.isoformat(), "offset_ms": work.row.offset_ms}


def _before(work: Work) -> Response | None:
    """The interviewer's own standing or returned interview of this case that the item corrects."""
    replaced = _replaces(work.item.body)
    if not replaced:
        return None
    return (
        Response.objects.filter(
            client_id=replaced, case=work.case, interviewer=work.user, superseded_by__isnull=True
        )
        .exclude(state=Response.State.WITHDRAWN)
        .first()
    )


def _replaces(body: dict[str, Any]) -> str:
    text = word(body, "replaces", 36)
    try:
        return str(uuid.UUID(text)) if text else ""
    except ValueError:
        raise ItemError("replaces") from None


def _complete(work: Work) -> uuid.UUID:
    contact = contacts.record_contact(
        case=work.case,
        mode=Contact.Mode.DOOR,
        at=work.at,
        disposition=COMPLETE,
        acting_user=work.user,
        detail={**door_detail(work), "result": "complete"},
        note=word(work.item.body, "note", 500),
    )
    keep_place(work, contact)
    return contact.pk


def _agreed(work: Work) -> tuple[Respondent, Consent]:
    """The respondent at this door and the agreement that was heard there."""
    given = consent_of(work.item.body)
    moment = min(read_moment(given.get("given_at")) + work.item.offset, now())
    respondent = Respondent.objects.filter(case=work.case, channel="door").order_by("pk").first()
    if respondent is None:
        respondent = responses.enter(case=work.case, channel="door", device_secret=secrets.token_urlsafe(32))
    consent = responses.give_consent(
        respondent=respondent, language=language_of(given), mode="door", given_at=moment
    )
    record(
        action="fieldwork.consent.witnessed",
        acting_user=work.user,
        target=consent,
        region_code=work.case.community.code,
        detail={"case": work.case.number, "text": consent.text.number, "item": str(work.row.pk)},
    )
    return respondent, consent
