"""Records contacts of every mode, and lets a case's status follow from them."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.common.errors import Problem
from survey.common.statements import insert
from survey.contacts import dispositions
from survey.contacts.models import Contact
from survey.sampling.models import Case

NOTE_PURPOSE = "contacts.note"
VOIDS = "voids_interviews"  # in a contact's detail: the interviews before it do not count
# A non-contact leaves the case as it was: somebody goes there again.
STATUS_OF_CLASS = {
    "I": Case.Status.COMPLETED,
    "P": Case.Status.COMPLETED,
    "R": Case.Status.REFUSED,
    "O": Case.Status.UNABLE,
    "NE": Case.Status.INELIGIBLE,
}


def record_contact(
    *,
    case: Case,
    mode: str,
    at: datetime,
    disposition: str,
    acting_user: Actor,
    detail: dict[str, Any] | None = None,
    note: str = "",
) -> Contact:
    """Store one contact as it happened and update the case's status by the final-disposition rule.

    Parameters
    ----------
    at : when it happened (the phone's clock); when it was recorded is kept beside it.
    disposition : an AAPOR code of the mode's list, or "" when nothing is known yet (a letter sent, a page
        opened).
    detail : small facts such as who was present or the next appointment; never names or codes.
    note : free words, stored encrypted.

    Raises
    ------
    Problem common.invalid : unknown mode, or a code that the mode does not have.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=case.pk)
        contact = store_contact(
            case=case,
            mode=mode,
            at=at,
            disposition=disposition,
            by_user_id=acting_user.pk or None,
            detail=detail,
            note=note,
        )
        record(
            action="contacts.contact.recorded",
            acting_user=acting_user,
            target=contact,
            region_code=case.community.code,
            detail={"case": case.number, "mode": mode, "disposition": disposition},
        )
    return contact


def store_contact(
    *,
    case: Case,
    mode: str,
    at: datetime,
    disposition: str,
    by_user_id: int | None = None,
    detail: dict[str, Any] | None = None,
    note: str = "",
) -> Contact:
    """`record_contact` as a part of a larger deed: inside its transaction, with the case locked by it, and
    under its audit entry, which names mode and disposition."""
    if mode not in Contact.Mode.values:
        raise Problem("common.invalid", reason=_("没有“%(mode)s”这种接触方式") % {"mode": mode})
    if disposition and dispositions.find(mode, disposition) is None:
        reason = _("接触结果“%(code)s”不在可选的代码里，请重新选一项") % {"code": disposition}
        raise Problem("common.invalid", reason=reason)
    contact = Contact(
        case=case,
        mode=mode,
        at=at,
        disposition=disposition,
        detail=detail or {},
        note_cipher=encrypt(note.strip(), NOTE_PURPOSE) if note.strip() else None,
        by_user_id=by_user_id,
    )
    insert(contact)
    if disposition != dispositions.COMPLETE or case.status != Case.Status.COMPLETED:
        update_status(case)  # an interview more leaves a completed case as it is
    return contact


def final_disposition(case: Case) -> dispositions.Disposition:
    """The case's final disposition from its contacts so far."""
    return dispositions.final(contacted(case))


def contacted(case: Case) -> list[dispositions.Contacted]:
    """A case's contacts as the rule of the final disposition reads them."""
    rows = case.contacts.values_list("mode", "at", "disposition", f"detail__{VOIDS}")
    return [dispositions.Contacted(mode, at, code, bool(voids)) for mode, at, code, voids in rows]


def void_interviews(
    *, case: Case, mode: str, disposition: str, detail: dict[str, Any], by_user_id: int | None = None
) -> Contact:
    """Note that the case's interviews so far do not count, inside the caller's deed and transaction.

    Parameters
    ----------
    disposition : what the household said instead, e.g. a refusal; "" when it is open again.
    """
    # A phone's clock may have put the interview into the future.
    last = case.contacts.order_by("at").values_list("at", flat=True).last()
    return store_contact(
        case=case,
        mode=mode,
        at=max(now(), last) if last else now(),
        disposition=disposition,
        by_user_id=by_user_id,
        detail={**detail, VOIDS: True},
    )


def update_status(case: Case) -> None:
    """Set the case's status from its contacts. Runs inside the caller's transaction."""
    rows = contacted(case)
    final = dispositions.final(rows)
    status = STATUS_OF_CLASS.get(final.outcome_class or "")
    if status is None and final.outcome_class in ("UH", "UO") and any(row.mode == "door" for row in rows):
        status = Case.Status.UNKNOWN
    if status is None and any(row.mode in ("web", "wechat") for row in rows):
        status = Case.Status.OPENED
    if status is None and case.status == Case.Status.COMPLETED and any(row.voids for row in rows):
        status = Case.Status.WAITING
    if status is not None:
        _set_status(case, status)


def _set_status(case: Case, status: str) -> None:
    if status != case.status:
        Case.objects.filter(pk=case.pk).update(status=status)
        case.status = status
