"""Taking a completed questionnaire: once, whole, and by the rules of the published document."""

import json
import uuid
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, transaction

from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.common.statements import can_join, do, insert, read, run, stored, together
from survey.contacts.models import SelectedPerson
from survey.contacts.services import store_contact
from survey.questionnaires.document import Document, items_of
from survey.questionnaires.ordering import order_problems
from survey.questionnaires.validation import MESSAGES, AnswerError, validate_answers
from survey.regions.models import Region
from survey.responses.models import Consent, Flag, Respondent, Response, SavedDraft
from survey.responses.personal import ATTACHED_TYPES, join, part, personal_items, places_of
from survey.responses.services.attachments import claim_attachments
from survey.responses.services.quotas import take_quotas
from survey.responses.services.standing import require_open, standing_for
from survey.responses.services.volunteers import claim_volunteer
from survey.sampling.models import Case

ANOTHER_ORDER = "another_order"  # the phone showed something in another order than the rule's
OPEN_TEXT_PURPOSE = "responses.open_text"
_OF_KNOWN = ("id", "client_id", "content_hash", "state")
COMPLETE = "1.1"  # AAPOR Standard Definitions (contacts.dispositions)


def content_hash(*, answers: Mapping[str, Any], language: str, document_hash: str) -> str:
    """What makes a submission the same one when it is sent again: its answers, not its clock or paradata."""
    return sha256_of({"answers": answers, "document": document_hash, "language": language})


def accept_response(
    *,
    client_id: uuid.UUID,
    respondent: Respondent | None,
    case: Case | None,
    consent: Consent | None,
    answers: Mapping[str, Any],
    language: str,
    mode: str,
    paradata: Mapping[str, Any],
    submitted_at: datetime,
    selected_person: SelectedPerson | None,
    acting_user: Actor,
    interviewer: Any = None,
    raw_hash: str,
) -> tuple[Response, bool]:
    """Take one completed questionnaire. Safe to repeat: (response, whether this call created it).

    Parameters
    ----------
    client_id : made by the phone; the same id twice is the same response.
    case : the drawn household; None makes it a volunteer's answer (then `respondent` names the round).
    answers : raw, as sent; validated here against the round's document in the given mode.
    selected_person : who was chosen in the household, with the probability that estimation uses.
    raw_hash : `content_hash` of what was sent.

    Raises
    ------
    Problem responses.other_content : this client id was taken with other content.
    Problem responses.already_answered : another answer of this household stands.
    Problem responses.volunteer_answered : the volunteer's identity has answered this round.
    Problem responses.quota_full, responses.quota_closed : a volunteer's group is full.
    Problem responses.attachment_missing : a photo or signature that the answers name has not arrived.
    Problem responses.no_consent, contacts.closed, responses.invalid
    """
    known, is_answered = _in_already(client_id, case, raw_hash)
    if known is not None:
        return known, False
    round_ = respondent.round if respondent is not None else case.round
    require_open(round_)
    if is_answered:
        raise Problem("responses.already_answered")
    if consent is None or consent.withdrawn_at is not None:
        raise Problem("responses.no_consent")
    version = round_.questionnaire_version
    clean, path, errors = validate_answers(
        version.document, answers, mode, now=submitted_at, language=language
    )
    errors = errors or _unknown_regions(version.document, clean, language)
    if errors:
        _refuse_answers(errors)
    plain, personal = part(clean, personal_items(version.document))
    response = Response(
        client_id=client_id,
        content_hash=raw_hash,
        round=round_,
        case=case,
        respondent=respondent,
        consent=consent,
        region=case.community if case is not None else respondent.region or round_.study.region,
        sample_kind=Response.SampleKind.PROBABILITY if case else Response.SampleKind.VOLUNTEER,
        mode=mode,
        questionnaire_version=version,
        language=language,
        answers=plain,
        open_text_cipher=_seal(personal),
        path=path,
        paradata=dict(paradata),
        selected_person=selected_person,
        person_probability=selected_person.probability if selected_person else None,
        interviewer=interviewer,
        submitted_at=submitted_at,
        received_at=now(),
    )
    try:
        _store(response, clean, acting_user)
    except IntegrityError:
        # Another request won between our look and our write: the same phone again, or a second phone.
        known, is_answered = _in_already(client_id, case, raw_hash)
        if known is not None:
            return known, False
        if is_answered:
            raise Problem("responses.already_answered") from None
        if case is None and standing_for(respondent) is not None:
            raise Problem("responses.volunteer_answered") from None
        raise
    return response, True


def _in_already(client_id: uuid.UUID, case: Case | None, raw_hash: str) -> tuple[Response | None, bool]:
    """The response that this client id already made, and whether the household's answer is in.

    A withdrawn response stays withdrawn, whatever is sent.
    """
    opaque_id = case.opaque_id if case is not None else None
    values = [stored(Response, "client_id", client_id), stored(Response, "case", opaque_id)]
    found = [read(Response, _OF_KNOWN, row) for row in run(_known_or_standing(), values)]
    known = next((response for response in found if response.client_id == client_id), None)
    if known is not None and known.state != Response.State.WITHDRAWN and known.content_hash != raw_hash:
        raise Problem("responses.other_content")
    return known, any(response.client_id != client_id for response in found)


@cache
def _known_or_standing() -> str:
    columns, responses = ", ".join(_OF_KNOWN), Response._meta.db_table
    # Names come from our own models; the values are parameters.
    return f"""
        SELECT {columns} FROM {responses} WHERE client_id = %s
        UNION ALL
        SELECT {columns} FROM {responses}
        WHERE case_opaque_id = %s AND state = 'accepted' AND superseded_by_id IS NULL
    """  # noqa: S608


def _unknown_regions(document: Document, answers: Mapping[str, Any], language: str) -> list[AnswerError]:
    """What the document alone cannot know: whether a picked region exists at the level asked for."""
    items = {item["name"]: item for item in items_of(document) if item["type"] == "region"}
    if not items:
        return []
    words = MESSAGES["region"].get(language, MESSAGES["region"]["zh-hans"])
    errors = []
    for place, name, code in places_of(answers, set(items)):
        level = (items[name].get("levels") or ["community"])[-1]
        if isinstance(code, str) and not Region.objects.filter(code=code, level=level).exists():
            errors.append(AnswerError(place, "region", words))
    return errors


def _refuse_answers(errors: list[Any]) -> None:
    details = [{"item": error.name, "code": error.code, "reason": error.message} for error in errors]
    first = details[0]
    raise Problem(
        "responses.invalid", errors=details, count=len(details), item=first["item"], reason=first["reason"]
    )


def _seal(personal: dict[str, Any]) -> bytes | None:
    return encrypt(json.dumps(personal, ensure_ascii=False), OPEN_TEXT_PURPOSE) if personal else None


def open_answers(response: Response) -> dict[str, Any]:
    """Every answer of a response, the encrypted ones included. For her own pages and the reviewers'."""
    if not response.open_text_cipher:
        return dict(response.answers)
    return join(response.answers, json.loads(decrypt(response.open_text_cipher, OPEN_TEXT_PURPOSE)))


def _attachments_in(document: Document, answers: Mapping[str, Any]) -> dict[uuid.UUID, str]:
    """Attachment id → item, of the photos and signatures among validated answers."""
    names = {item["name"] for item in items_of(document) if item["type"] in ATTACHED_TYPES}
    return {
        uuid.UUID(value["id"]): item
        for _place, item, value in places_of(answers, names)
        if isinstance(value, dict)
    }


def _store(response: Response, answers: dict[str, Any], acting_user: Actor) -> None:
    """The response, its attachments, contact, quotas, status and the audit entry: all or nothing."""
    case, document = response.case, response.questionnaire_version.document
    named = _attachments_in(document, answers)
    other = order_problems(document, str(response.client_id), response.paradata.get("orders"))
    has_more = case is None or named or other
    # Nearly always one statement says it all: no other phone waits for this process while it holds a row.
    is_one = can_join() and not has_more and not connection.in_atomic_block
    with nullcontext() if is_one else transaction.atomic():
        with together():
            detail = _store_answer(response)
            if not has_more:
                _record(response, detail, acting_user)
        if has_more:
            claim_attachments(response=response, named=named)
            if case is None:
                _count_volunteer(response, answers)
            if other:
                _flag_order(response, other)
            _record(response, detail, acting_user)


def _store_answer(response: Response) -> dict[str, str]:
    """The response, its contact and the case's status; drafts go. Returns what the audit entry says of it."""
    case, detail = response.case, {"mode": response.mode, "sample_kind": response.sample_kind}
    if case is not None:
        _complete(case)  # phones of one household queue here
    insert(response)
    _forget_drafts(response.client_id, case)
    if case is not None and response.mode == Response.Mode.WEB:
        came_by = response.respondent.channel if response.respondent else ""
        detail["contact"] = "wechat" if came_by == "wechat" else "web"
        detail["disposition"] = COMPLETE
        store_contact(case=case, mode=detail["contact"], at=response.received_at, disposition=COMPLETE)
    return detail


def _count_volunteer(response: Response, answers: dict[str, Any]) -> None:
    claim_volunteer(response=response)
    take_quotas(
        round=response.round,
        document=response.questionnaire_version.document,
        answers=answers,
        mode=response.mode,
        language=response.language,
        at=response.submitted_at,
    )


def _flag_order(response: Response, lists: list[str]) -> None:
    Flag.objects.create(
        round=response.round,
        case=response.case,
        response=response,
        kind=ANOTHER_ORDER,
        evidence={"lists": lists[:20]},
    )


def _record(response: Response, detail: dict[str, str], acting_user: Actor) -> None:
    record(
        action="responses.response.accepted",
        acting_user=acting_user,
        target=response,
        region_code=response.region.code,
        detail=detail,
    )


def _complete(case: Case) -> None:
    """Set the status, by which the row is locked until the transaction ends."""
    cases = Case._meta.db_table
    do(f"UPDATE {cases} SET status = %s WHERE id = %s", [Case.Status.COMPLETED.value, case.pk])  # noqa: S608
    case.status = Case.Status.COMPLETED


def _forget_drafts(client_id: uuid.UUID, case: Case | None) -> None:
    """The response's own draft goes, and those of its household: nobody there needs theirs now."""
    own = stored(SavedDraft, "client_id", client_id)
    do(_drafts_of_both(), [own, case.pk if case is not None else None])


@cache
def _drafts_of_both() -> str:
    drafts, respondents = SavedDraft._meta.db_table, Respondent._meta.db_table
    return f"""
        DELETE FROM {drafts} WHERE client_id IN (
            SELECT client_id FROM {drafts} WHERE client_id = %s
            UNION ALL
            SELECT d.client_id FROM {drafts} d JOIN {respondents} r ON r.id = d.respondent_id
            WHERE r.case_id = %s
        )
    """  # noqa: S608
