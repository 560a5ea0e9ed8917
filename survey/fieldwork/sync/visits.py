"""A visit without an interview, a word on two records that met, a number to be called back at."""

import contextlib

from survey.common.errors import Problem
from survey.contacts import services as contacts
from survey.contacts.models import Contact
from survey.fieldwork.door import BY_KEY
from survey.fieldwork.services import keep_phone, keep_visit_photo
from survey.fieldwork.sync.files import FileMissing, content_of
from survey.fieldwork.sync.households import store_household
from survey.fieldwork.sync.protocol import FILE, ItemError, read_moment
from survey.fieldwork.sync.work import Outcome, Work, door_detail, keep_place, uuids, word
from survey.fieldwork.sync_models import SyncItem
from survey.responses import services as responses

State = SyncItem.State


def take_visit(work: Work) -> Outcome:
    """One attempt: stored whatever else is known; an answer that stands outranks it."""
    body, case = work.item.body, work.case
    plate = word(body, "plate", 36)
    photo = _photo(work, plate) if plate else None
    if isinstance(body.get("household"), dict):
        store_household(case, body["household"], work.user)
    result = BY_KEY.get(word(body, "result", 40))
    detail = door_detail(work)
    if result is not None:
        detail["result"] = result.key
    appointment = word(body, "appointment", 40)
    if appointment:
        detail["appointment"] = read_moment(appointment).isoformat()
    standing = responses.standing_response(case)
    contact = contacts.record_contact(
        case=case,
        mode=Contact.Mode.DOOR,
        at=work.at,
        disposition=result.disposition if result else word(body, "disposition", 10),
        acting_user=work.user,
        detail=detail,
        note=word(body, "note", 500),
    )
    keep_place(work, contact)
    if photo is not None:
        _keep_photo(work, contact, photo)
    if standing is None:
        return Outcome(State.ACCEPTED, case=case, contact_id=contact.pk)
    told = {"standing_mode": standing.mode, "standing_at": standing.received_at.isoformat()}
    return Outcome(State.KEPT, "response_stands", told, case=case, contact_id=contact.pk)


def _photo(work: Work, plate: str) -> SyncItem:
    """The file that the visit names, which may still be on its way."""
    row = SyncItem.objects.filter(pk__in=uuids({plate}), kind=FILE, device=work.row.device).first()
    if row is None:
        raise FileMissing
    return row


def _keep_photo(work: Work, contact: Contact, row: SyncItem) -> None:
    """The door's picture of this visit. One that is none is never a reason to lose the visit."""
    with contextlib.suppress(Problem, ItemError):
        content, _item = content_of(row)
        keep_visit_photo(contact=contact, photo_id=row.pk, content=content, acting_user=work.user)


def take_phone(work: Work) -> Outcome:
    """A number that the household gave after the interview, to be called back at.

    It needs no interview here yet: items come in any order.
    """
    phone = word(work.item.body, "phone", 30)
    if not phone:
        raise ItemError("phone")
    keep_phone(case=work.case, phone=phone, acting_user=work.user, given_at=work.at)
    return Outcome(State.ACCEPTED, case=work.case)


def take_remark(work: Work) -> Outcome:
    """What the interviewer says to a record that met another: two that are kept, and why."""
    named = uuids({word(work.item.body, "about", 36)})
    about = SyncItem.objects.filter(pk__in=named, case=work.case).first()
    if about is None:
        raise ItemError("about")
    note = word(work.item.body, "note", 500)
    if not note:
        raise ItemError("note")
    contact = contacts.record_contact(
        case=work.case,
        mode=Contact.Mode.DOOR,
        at=work.at,
        disposition="",
        acting_user=work.user,
        detail={"remark_on": str(about.pk), "item": str(work.row.pk)},
        note=note,
    )
    return Outcome(State.ACCEPTED, case=work.case, contact_id=contact.pk)
