"""Deeds at a door: records visits, lists and chooses, asks, takes the answers."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.audit.services import record
from survey.common.clock import now
from survey.common.errors import Problem
from survey.contacts import services as contacts
from survey.contacts.dispositions import COMPLETE
from survey.contacts.household import Member
from survey.contacts.models import Contact, HouseholdRoster, SelectedPerson
from survey.fieldwork.door import OFFICIAL_PRESENCE, PRESENT
from survey.fieldwork.queries import cases_of
from survey.fieldwork.services.photographing import keep_visit_photo
from survey.responses import services as responses
from survey.responses.models import Consent, Flag, Respondent, Response
from survey.responses.services.attachments import MAX_CAMERA_BYTES
from survey.sampling.models import Case
from survey.studies.models import Round

CLOCK_TOLERANCE = timedelta(minutes=10)
ROSTER_CHANGED = "roster_changed"
OFFICIAL_PRESENT = "official_present"


def record_visit(
    *,
    case: Case,
    at: datetime,
    disposition: str,
    present: Iterable[str],
    note: str,
    acting_user: User,
    result: str = "",
    appointment: datetime | None = None,
    photo: bytes | None = None,
) -> Contact:
    """Store one attempt at the door.

    Parameters
    ----------
    present : who else was there, keys of `door.PRESENT`.
    result : the button that was pressed, a key of `door.BY_KEY`; the AAPOR code alone decides outcomes.
    photo : the door's picture, as the camera made it.

    Raises
    ------
    Problem fieldwork.not_assigned : the case is not in this interviewer's hands.
    Problem common.invalid : a visit in the future, an unknown code or presence.
    Problem responses.attachment_large, responses.attachment_no_picture : nothing is stored.
    """
    _require_assigned(case, acting_user)
    if at > now() + CLOCK_TOLERANCE:
        raise Problem("common.invalid", reason=_("上门时间比现在还晚，请核对手机的时钟"))
    if appointment is not None and appointment <= at:
        raise Problem("common.invalid", reason=_("约的时间要在这次上门以后"))
    detail: dict[str, Any] = {"present": presence(present)}
    if result:
        detail["result"] = result
    if appointment is not None:
        detail["appointment"] = appointment.isoformat()
    with transaction.atomic():
        contact = contacts.record_contact(
            case=case,
            mode=Contact.Mode.DOOR,
            at=at,
            disposition=disposition,
            acting_user=acting_user,
            detail=detail,
            note=note,
        )
        if photo:
            keep_visit_photo(
                contact=contact,
                photo_id=uuid4(),
                content=photo,
                acting_user=acting_user,
                most_bytes=MAX_CAMERA_BYTES,
            )
    return contact


def list_and_choose(
    *, case: Case, members: Iterable[Mapping[str, Any]], acting_user: User
) -> tuple[HouseholdRoster, SelectedPerson]:
    """Lock the household's adults and choose one by the case's own seed; twice gives the same person.

    Raises
    ------
    Problem fieldwork.not_assigned, fieldwork.roster_locked, responses.already_answered, common.invalid.
    """
    _require_assigned(case, acting_user)
    _require_unanswered(case)
    with transaction.atomic():
        roster = contacts.lock_roster(case=case, members=members, acting_user=acting_user)
        person = contacts.choose_person(case=case, roster=roster, acting_user=acting_user)
    return roster, person


def correct_roster(
    *, case: Case, members: Iterable[Mapping[str, Any]], reason: str, acting_user: User
) -> tuple[HouseholdRoster, SelectedPerson]:
    """Lock a corrected roster as a new version and choose from it; the supervisor gets a flag.

    The seed stays, so the choice changes only when the number or the order of adults does.
    """
    _require_assigned(case, acting_user)
    _require_unanswered(case)
    with transaction.atomic():
        roster = contacts.edit_roster(case=case, members=members, reason=reason, acting_user=acting_user)
        person = contacts.choose_person(case=case, roster=roster, acting_user=acting_user)
        if roster.changed_after_choice:
            _flag(case, ROSTER_CHANGED, {"version": roster.number, "n_eligible": roster.n_eligible})
    return roster, person


def standing_choice(case: Case) -> tuple[HouseholdRoster, SelectedPerson, list[Member]] | None:
    """The latest locked roster, who was chosen from it, and its adults; None before the listing."""
    roster = case.rosters.order_by("-number").first()
    person = case.selections.filter(roster=roster).first() if roster else None
    if roster is None or person is None:
        return None
    return roster, person, contacts.roster_members(roster)


def door_consent(case: Case) -> Consent | None:
    """The consent that was given at this door to the text that the round pins now, if it stands."""
    respondent = _door_respondents(case).first()
    return responses.current_consent(respondent) if respondent else None


def give_door_consent(*, case: Case, language: str, acting_user: User) -> Consent:
    """The chosen adult has heard the text and agreed, at the door.

    The respondent gets a device secret that nobody holds: no phone can later claim these answers.

    Raises
    ------
    Problem fieldwork.not_assigned; responses.no_person : nobody has been chosen yet; contacts.closed.
    """
    _require_assigned(case, acting_user)
    _require_unanswered(case)
    if standing_choice(case) is None:
        raise Problem("responses.no_person")
    with transaction.atomic():
        respondent = _door_respondents(case).first() or responses.enter(
            case=case, channel="door", device_secret=secrets.token_urlsafe(32)
        )
        consent = responses.give_consent(respondent=respondent, language=language, mode="door")
        record(
            action="fieldwork.consent.witnessed",
            acting_user=acting_user,
            target=consent,
            region_code=case.community.code,
            detail={"case": case.number, "text": consent.text.number},
        )
    return consent


def submit_interview(
    *,
    case: Case,
    client_id: UUID,
    answers: Mapping[str, Any],
    language: str,
    document_hash: str,
    paradata: Mapping[str, Any],
    submitted_at: datetime,
    present: Iterable[str],
    acting_user: User,
) -> tuple[Response, bool]:
    """Take a finished interview, once: (response, whether this call created it).

    The same id and content again is the same response, also when the case has since gone into other hands.

    Raises
    ------
    Problem fieldwork.not_assigned, responses.old_version, responses.no_person, and those of
        `responses.services.accept_response`.
    """
    others = presence(present)
    raw_hash = responses.content_hash(answers=answers, language=language, document_hash=document_hash)
    is_repeat = Response.objects.filter(client_id=client_id, interviewer=acting_user).exists()
    choice = standing_choice(case)
    if not is_repeat:
        _require_assigned(case, acting_user)
        if document_hash != case.round.questionnaire_version.document_hash:
            raise Problem("responses.old_version")
        if choice is None:
            raise Problem("responses.no_person")
    respondent = _door_respondents(case).first()
    with transaction.atomic():
        response, created = responses.accept_response(
            client_id=client_id,
            respondent=respondent,
            case=case,
            consent=door_consent(case),
            answers=answers,
            language=language,
            mode=Response.Mode.DOOR,
            paradata={**paradata, "present": others},
            submitted_at=submitted_at,
            selected_person=choice[1] if choice else None,
            acting_user=acting_user,
            interviewer=acting_user,
            raw_hash=raw_hash,
        )
        if created:
            contacts.record_contact(
                case=case,
                mode=Contact.Mode.DOOR,
                at=submitted_at,
                disposition=COMPLETE,
                acting_user=acting_user,
                detail={"result": "complete", "present": others},
            )
            if OFFICIAL_PRESENCE & set(others):
                _flag(case, OFFICIAL_PRESENT, {"present": others}, response)
    return response, created


def _door_respondents(case: Case) -> Any:
    return Respondent.objects.filter(case=case, channel="door").order_by("pk")


def _require_assigned(case: Case, user: User) -> None:
    if not cases_of(user).filter(pk=case.pk).exists():
        if case.round.state == Round.State.CLOSED:
            raise Problem("contacts.closed")
        raise Problem("fieldwork.not_assigned")


def _require_unanswered(case: Case) -> None:
    """A household that answered on the web needs no visit: the door closes at once."""
    if responses.standing_response(case) is not None:
        raise Problem("responses.already_answered")


def presence(present: Iterable[str]) -> list[str]:
    """Keys of `door.PRESENT`, sorted, once each.

    Raises
    ------
    Problem common.invalid : a key that is not one.
    """
    keys = sorted({str(key) for key in present})
    unknown = [key for key in keys if key not in PRESENT]
    if unknown:
        raise Problem("common.invalid", reason=_("在场的人里有不认识的选项，请重新选"))
    return keys


def _flag(case: Case, kind: str, evidence: dict[str, Any], response: Response | None = None) -> None:
    Flag.objects.create(round=case.round, case=case, response=response, kind=kind, evidence=evidence)
