"""Destroys contact data when a round's retention date has passed. Answers stay; what led to a person goes."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from survey.audit.services import Actor, record
from survey.common.clock import today
from survey.contacts.models import Contact, HouseholdRoster, LetterBatch
from survey.contacts.services import remove_letters
from survey.responses.models import Attachment, Respondent, Response, SavedDraft, VolunteerAnswer
from survey.sampling.models import FrameUnit, FrameVersion
from survey.studies.models import Round

GONE = b""


def due_rounds() -> QuerySet[Round]:
    """Rounds whose retention date lies behind us, oldest first."""
    return Round.objects.filter(retention_until__lt=today()).order_by("retention_until", "pk")


@transaction.atomic
def destroy_contact_data(*, round: Round, acting_user: Actor) -> dict[str, int]:
    """Destroy a round's contact data and personal answers; returns counts.

    Addresses, phones, rosters, notes, letter files, identities; open text, places, pictures, drafts.

    A household list that another round still draws from keeps its addresses until that round's date, too;
    `frames_still_used` says how many. Hashes of printed codes stay: they lead to nobody. Safe to repeat: the
    second time nothing is left, and nothing is recorded.

    Raises
    ------
    ValueError : the retention date has not passed.
    """
    if round.retention_until is None or round.retention_until >= today():
        raise ValueError("the round's retention date has not passed")
    used = FrameVersion.objects.filter(designs__round=round).distinct()
    kept = [frame for frame in used if _needed_by_another(frame)]
    units = FrameUnit.objects.filter(frame__in=used).exclude(frame__in=kept).exclude(address_cipher=GONE)
    respondents = Respondent.objects.filter(round=round).exclude(identity_hash="", device_hash="")
    rosters = HouseholdRoster.objects.filter(case__round=round).exclude(members_cipher=GONE)
    texts = Response.objects.filter(round=round, open_text_cipher__isnull=False)
    notes = Contact.objects.filter(case__round=round, note_cipher__isnull=False)
    counts = {
        # The salt goes with the address: without both, a line's commitment can never be opened again.
        "addresses": units.update(address_cipher=GONE, address_hash="", phone_cipher=None, salt=GONE),
        "rosters": rosters.update(members_cipher=GONE),
        "notes": notes.update(note_cipher=None),
        # Open text, places and the like. What a reviewer cleared for quoting has a wording of its own.
        "texts": texts.update(open_text_cipher=None),
        "pictures": _delete(Attachment.objects.filter(Q(response__round=round) | Q(respondent__round=round))),
        "drafts": _delete(SavedDraft.objects.filter(respondent__round=round)),
        "identities": respondents.update(identity_hash="", device_hash=""),
    }
    # Nobody can answer the round any more, so nobody needs to be told from anybody.
    VolunteerAnswer.objects.filter(round=round).delete()
    for batch in LetterBatch.objects.filter(round=round).exclude(file=""):
        remove_letters(batch=batch, acting_user=acting_user)
    if any(counts.values()):
        record(
            action="responses.contact_data.destroyed",
            acting_user=acting_user,
            target=round,
            region_code=round.study.region.code,
            detail={**counts, "frames_still_used": len(kept)},
        )
    return {**counts, "frames_still_used": len(kept)}


def _delete(rows: QuerySet[Any]) -> int:
    return rows.delete()[0]


def _needed_by_another(frame: FrameVersion) -> bool:
    rounds = Round.objects.filter(designs__frame=frame)
    return any(r.retention_until is None or r.retention_until >= today() for r in rounds)
