"""Destroys what the field kept that leads to a household: at the retention date, and after a withdrawal."""

from django.db import transaction

from survey.audit.services import Actor, record
from survey.common.clock import today
from survey.fieldwork.models import BackCheck, CallbackPhone, SafetyNote, VisitPhoto, VisitPlace
from survey.responses.models import Response
from survey.studies.models import Round


@transaction.atomic
def destroy_field_contacts(*, round: Round, acting_user: Actor) -> dict[str, int]:
    """Delete places, phones, pictures, safety notes and the words of back-checks; counts. Safe to repeat.

    Raises
    ------
    ValueError : the retention date has not passed.
    """
    if round.retention_until is None or round.retention_until >= today():
        raise ValueError("the round's retention date has not passed")
    notes = BackCheck.objects.filter(draw__round=round, note_cipher__isnull=False)
    counts = {
        "places": VisitPlace.objects.filter(contact__case__round=round).delete()[0],
        "phones": CallbackPhone.objects.filter(case__round=round).delete()[0],
        "visit_photos": VisitPhoto.objects.filter(case__round=round).delete()[0],
        "safety_notes": SafetyNote.objects.filter(case__round=round).delete()[0],
        "backcheck_notes": notes.update(note_cipher=None),
    }
    if any(counts.values()):
        record(
            action="fieldwork.contact_data.destroyed",
            acting_user=acting_user,
            target=round,
            region_code=round.study.region.code,
            detail=counts,
        )
    return counts


@transaction.atomic
def forget_withdrawn(*, acting_user: Actor) -> int:
    """Delete the numbers of households whose interview was withdrawn and that gave no other; how many."""
    gone = Response.objects.filter(state=Response.State.WITHDRAWN, case__isnull=False).values("case")
    standing = Response.objects.counted().filter(case__isnull=False).values("case")
    phones = CallbackPhone.objects.filter(case__opaque_id__in=gone).exclude(case__opaque_id__in=standing)
    deleted = phones.delete()[0]
    if deleted:
        record(
            action="fieldwork.phone.withdrawn",
            acting_user=acting_user,
            detail={"n": deleted},
        )
    return deleted
