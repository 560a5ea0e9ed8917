"""The deeds of answering: entering, agreeing, refusing, answering, asking for one's data, withdrawing."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from survey.audit.services import RESIDENT, Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now, today
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.contacts.models import SelectedPerson
from survey.contacts.services import record_contact, record_next_birthday
from survey.questionnaires.document import items_of
from survey.questionnaires.validation import validate_answers
from survey.responses.deadlines import WORKING_DAYS_FOR_REQUESTS, add_working_days
from survey.responses.device import hash_device
from survey.responses.models import Consent, DataRequest, Flag, Respondent, Response
from survey.sampling.models import Case
from survey.studies.models import Round

OPEN_TEXT_PURPOSE = "responses.open_text"
# AAPOR Standard Definitions: 1.1 complete, 2.11 refusal (docs of contacts.dispositions)
COMPLETE, REFUSAL = "1.1", "2.11"
MANY_CASES = "one_openid_many_cases"


# --- entering -----------------------------------------------------------------------------------------
@transaction.atomic
def enter(*, case: Case, channel: str, identity_hash: str = "", device_secret: str) -> Respondent:
    """Let a device, or a proven identity on it, in to a household's questionnaire.

    Parameters
    ----------
    channel : "browser", "wechat" or "door".
    identity_hash : keyed hash of the openid, once the channel has proven it; "" before, or without one.
    device_secret : the random secret of the device; only its keyed hash is stored.

    Returns the same respondent when the same device or identity comes again. A second household of one
    identity is let in and flagged: a helpful neighbour is possible, and so is a swindle.
    """
    device_hash = hash_device(device_secret)
    own = Respondent.objects.select_for_update().filter(case=case, channel=channel, device_hash=device_hash)
    respondent = own.filter(identity_hash=identity_hash).first()
    if respondent is None and identity_hash:
        respondent = own.filter(identity_hash="").first()  # back from the channel's log-in
    if respondent is None:
        respondent = Respondent(round=case.round, case=case, channel=channel, device_hash=device_hash)
    is_new = respondent.pk is None or respondent.identity_hash != identity_hash
    respondent.identity_hash = identity_hash
    respondent.save()
    if identity_hash:
        own.filter(identity_hash="").delete()  # left over from log-ins that were broken off
        _flag_many_cases(respondent)
    Case.objects.filter(pk=case.pk, status=Case.Status.WAITING).update(status=Case.Status.OPENED)
    if is_new:
        record(
            action="responses.respondent.entered",
            acting_user=RESIDENT,
            target=respondent,
            region_code=case.community.code,
            detail={"channel": channel, "identified": bool(identity_hash)},
        )
    return respondent


def _flag_many_cases(respondent: Respondent) -> None:
    """One openid on several households: each of them gets the flag, none is blocked."""
    cases = list(
        Case.objects.filter(
            respondents__round=respondent.round_id, respondents__identity_hash=respondent.identity_hash
        ).distinct()
    )
    if len(cases) < 2:
        return
    for case in cases:
        Flag.objects.update_or_create(
            round_id=respondent.round_id,
            case=case,
            kind=MANY_CASES,
            settled_at=None,
            defaults={"evidence": {"households": len(cases)}},
        )


@transaction.atomic
def give_consent(
    *, respondent: Respondent, language: str, mode: str, given_at: datetime | None = None
) -> Consent:
    """Store that the respondent agreed to the round's consent text; the same agreement twice is one.

    Agreeing after a refusal from the same letter reopens the household: people may change their minds.

    Raises
    ------
    Problem contacts.closed : the round does not take answers.
    """
    round_ = respondent.round
    require_open(round_)
    held = current_consent(respondent)
    if held is not None:
        return held
    consent = Consent.objects.create(
        round=round_,
        respondent=respondent,
        case=respondent.case,
        text=round_.consent_text,
        language=language,
        mode=mode,
        given_at=given_at or now(),
    )
    Case.objects.filter(pk=respondent.case_id, status=Case.Status.REFUSED).update(status=Case.Status.OPENED)
    record(
        action="responses.consent.given",
        acting_user=RESIDENT,
        target=consent,
        region_code=_region_code(respondent.case),
        detail={"text": consent.text.number, "language": language, "mode": mode},
    )
    return consent


def current_consent(respondent: Respondent) -> Consent | None:
    """The respondent's agreement to the text that the round pins now, if it stands."""
    return (
        respondent.consents.filter(text=respondent.round.consent_text_id, withdrawn_at__isnull=True)
        .order_by("-given_at")
        .first()
    )


@transaction.atomic
def refuse_participation(*, respondent: Respondent) -> None:
    """不想参加，以后别再寄信: the household's own refusal; the case is closed to further letters."""
    case = respondent.case
    if standing_response(case) is not None:
        raise Problem("responses.already_answered")
    record_contact(
        case=case,
        mode="wechat" if respondent.channel == "wechat" else "web",
        at=now(),
        disposition=REFUSAL,
        acting_user=RESIDENT,
    )
    Case.objects.filter(pk=case.pk).update(status=Case.Status.REFUSED)
    respondent.consents.filter(withdrawn_at__isnull=True).update(withdrawn_at=now())
    record(
        action="responses.participation.refused",
        acting_user=RESIDENT,
        target=case,
        region_code=_region_code(case),
    )


@transaction.atomic
def choose_by_birthday(*, respondent: Respondent, n_eligible: int) -> SelectedPerson:
    """The adult whose birthday comes next answers, among `n_eligible`; kept with the device that said so."""
    person = record_next_birthday(case=respondent.case, n_eligible=n_eligible, acting_user=RESIDENT)
    respondent.selected_person = person
    respondent.save(update_fields=["selected_person"])
    return person


# --- answering ----------------------------------------------------------------------------------------
def require_open(round: Round) -> None:
    """Raise Problem contacts.closed unless the round takes answers."""
    if round.state != Round.State.OPEN:
        raise Problem("contacts.closed")


def standing_response(case: Case | None) -> Response | None:
    """The household's answer that counts, if there is one."""
    return Response.objects.counted().filter(case=case).first() if case is not None else None


def proves(respondent: Respondent, response: Response) -> bool:
    """Whether the respondent is who gave the response: the same device, or the same identity."""
    author = response.respondent
    if author is None:
        return False
    return author.pk == respondent.pk or any(
        ours and ours == theirs
        for ours, theirs in (
            (respondent.device_hash, author.device_hash),
            (respondent.identity_hash, author.identity_hash),
        )
    )


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
    Problem responses.no_consent, contacts.closed, responses.invalid
    """
    known = _known(client_id, raw_hash)
    if known is not None:
        return known, False
    round_ = case.round if case is not None else respondent.round
    require_open(round_)
    if standing_response(case) is not None:
        raise Problem("responses.already_answered")
    if consent is None or consent.withdrawn_at is not None:
        raise Problem("responses.no_consent")
    version = round_.questionnaire_version
    clean, path, errors = validate_answers(
        version.document, answers, mode, now=submitted_at, language=language
    )
    if errors:
        _refuse_answers(errors)
    open_items = {item["name"] for item in items_of(version.document) if item["type"] == "text"}
    open_text = {name: value for name, value in clean.items() if name in open_items}
    response = Response(
        client_id=client_id,
        content_hash=raw_hash,
        round=round_,
        case=case,
        respondent=respondent,
        consent=consent,
        region=case.community if case is not None else round_.study.region,
        sample_kind=Response.SampleKind.PROBABILITY if case else Response.SampleKind.VOLUNTEER,
        mode=mode,
        questionnaire_version=version,
        language=language,
        answers={name: value for name, value in clean.items() if name not in open_items},
        open_text_cipher=_seal(open_text),
        path=path,
        paradata=dict(paradata),
        selected_person=selected_person,
        person_probability=selected_person.probability if selected_person else None,
        interviewer=interviewer,
        submitted_at=submitted_at,
        received_at=now(),
    )
    try:
        _store(response, acting_user)
    except IntegrityError:
        # Another request won between our look and our write: the same phone again, or a second phone.
        known = _known(client_id, raw_hash)
        if known is not None:
            return known, False
        raise Problem("responses.already_answered") from None
    return response, True


def _known(client_id: uuid.UUID, raw_hash: str) -> Response | None:
    """The response that this client id already made. A withdrawn one stays withdrawn, whatever is sent."""
    known = Response.objects.filter(client_id=client_id).first()
    if known is not None and known.state != Response.State.WITHDRAWN and known.content_hash != raw_hash:
        raise Problem("responses.other_content")
    return known


def _refuse_answers(errors: list[Any]) -> None:
    details = [{"item": error.name, "code": error.code, "reason": error.message} for error in errors]
    first = details[0]
    raise Problem(
        "responses.invalid", errors=details, count=len(details), item=first["item"], reason=first["reason"]
    )


def _seal(open_text: dict[str, str]) -> bytes | None:
    return encrypt(json.dumps(open_text, ensure_ascii=False), OPEN_TEXT_PURPOSE) if open_text else None


@transaction.atomic
def _store(response: Response, acting_user: Actor) -> None:
    """The response, its contact, the case's status and the audit entry: all or nothing."""
    case = response.case
    if case is not None:
        Case.objects.select_for_update().get(pk=case.pk)  # phones of one household queue here
    response.save(force_insert=True)
    if case is not None:
        if response.mode == Response.Mode.WEB:
            came_by = response.respondent.channel if response.respondent else ""
            record_contact(
                case=case,
                mode="wechat" if came_by == "wechat" else "web",
                at=response.received_at,
                disposition=COMPLETE,
                acting_user=acting_user,
            )
        Case.objects.filter(pk=case.pk).update(status=Case.Status.COMPLETED)
    record(
        action="responses.response.accepted",
        acting_user=acting_user,
        target=response,
        region_code=response.region.code,
        detail={"mode": response.mode, "sample_kind": response.sample_kind},
    )


# --- rights -------------------------------------------------------------------------------------------
@transaction.atomic
def withdraw_response(*, response: Response, reason: str, acting_user: Actor) -> None:
    """Destroy what was answered, in every revision. A tombstone stays: opaque id, time, reason.

    The household is closed to further letters; reports already published stand (docs/decisions).
    """
    revisions, older = [response], response
    while (older := Response.objects.filter(superseded_by=older).first()) is not None:
        revisions.append(older)
    at = now()
    for revision in revisions:
        revision.attachments.all().delete()
        Response.objects.filter(pk=revision.pk).update(
            state=Response.State.WITHDRAWN,
            withdrawn_at=at,
            withdrawal_reason=reason[:200],
            answers={},
            open_text_cipher=None,
            path=[],
            paradata={},
            language="",
            content_hash="",  # few answers are many enough that a hash would hide them
            selected_person=None,
            person_probability=None,
        )
        Consent.objects.filter(pk=revision.consent_id).update(withdrawn_at=at)
    if response.case is not None:
        Case.objects.filter(pk=response.case.pk).update(status=Case.Status.REFUSED)
    response.refresh_from_db()
    record(
        action="responses.response.withdrawn",
        acting_user=acting_user,
        target=response,
        region_code=response.region.code,
        detail={"reason": reason[:200], "revisions": len(revisions)},
    )


@transaction.atomic
def request_data(*, respondent: Respondent, kind: str) -> DataRequest:
    """Note a resident's request (access, deletion). What her device proves is done at once, the rest is due.

    A deletion proven by the device or the identity withdraws the response now; otherwise the team has 15
    working days to find out, by phone, who asks.
    """
    received = now()
    request = DataRequest.objects.create(
        round=respondent.round,
        case=respondent.case,
        respondent=respondent,
        kind=kind,
        received_at=received,
        due_on=add_working_days(today(), WORKING_DAYS_FOR_REQUESTS),
    )
    response = standing_response(respondent.case)
    if response is not None and proves(respondent, response):
        if kind == DataRequest.Kind.DELETION:
            withdraw_response(response=response, reason="居民本人撤回", acting_user=RESIDENT)
        request.done_at, request.outcome = received, "proven by the device or the WeChat identity"
        request.save(update_fields=["done_at", "outcome"])
    record(
        action=f"responses.{kind}.requested",
        acting_user=RESIDENT,
        target=request,
        region_code=_region_code(respondent.case),
        detail={"done_at_once": request.done_at is not None},
    )
    return request


def _region_code(case: Case | None) -> str:
    return case.community.code if case is not None else ""
