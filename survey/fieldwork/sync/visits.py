"""A visit without an interview, and an interviewer's word on two records that met."""

from survey.contacts import services as contacts
from survey.contacts.models import Contact
from survey.fieldwork.door import BY_KEY
from survey.fieldwork.sync.households import store_household
from survey.fieldwork.sync.protocol import ItemError, read_moment
from survey.fieldwork.sync.work import Outcome, Work, door_detail, keep_place, uuids, word
from survey.fieldwork.sync_models import SyncItem
from survey.responses import services as responses

State = SyncItem.State


def take_visit(work: Work) -> Outcome:
    """One attempt: stored whatever else is known; an answer that stands outranks it."""
    body, case = work.item.body, work.case
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
    if standing is None:
        return Outcome(State.ACCEPTED, case=case, contact_id=contact.pk)
    told = {"standing_mode": standing.mode, "standing_at": standing.received_at.isoformat()}
    return Outcome(State.KEPT, "response_stands", told, case=case, contact_id=contact.pk)


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
