"""What the next visitor should know to be safe, and the number that a household gave."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from survey.accounts.models import User
from survey.audit.services import record
from survey.common.clock import now
from survey.common.crypto import encrypt, keyed_hash
from survey.common.errors import Problem
from survey.fieldwork.models import CallbackPhone, SafetyNote
from survey.fieldwork.queries import SAFETY_PURPOSE
from survey.sampling.models import Case

PHONE_PURPOSE = "fieldwork.phone"
LONGEST_NOTE = 300
PHONE_DIGITS = range(7, 16)  # a local number up to the longest of ITU-T E.164


def write_safety_note(*, case: Case, text: str, acting_user: User) -> SafetyNote:
    """Keep a note for whoever comes to this door next ("院里有狗"). Sealed; no word of it is audited.

    Raises
    ------
    Problem common.invalid : no text, or a long one.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_NOTE:
        raise Problem("common.invalid", reason=_("请写一句，最多 %(n)s 个字") % {"n": LONGEST_NOTE})
    with transaction.atomic():
        note = SafetyNote.objects.create(
            case=case,
            text_cipher=encrypt(text, SAFETY_PURPOSE),
            written_at=now(),
            written_by=acting_user,
        )
        record(
            action="fieldwork.safety_note.written",
            acting_user=acting_user,
            target=note,
            region_code=case.community.code,
            detail={"case": case.number},
        )
    return note


def end_safety_note(*, note: SafetyNote, acting_user: User) -> None:
    """The note does not hold any more; who wrote it and when stays."""
    with transaction.atomic():
        SafetyNote.objects.filter(pk=note.pk, ended_at__isnull=True).update(ended_at=now())
        record(
            action="fieldwork.safety_note.ended",
            acting_user=acting_user,
            target=note,
            region_code=note.case.community.code,
        )


def keep_phone(
    *, case: Case, phone: str, acting_user: User, given_at: datetime | None = None
) -> CallbackPhone:
    """Keep the number that a household gave for being called back; the same number again is the same row.

    Parameters
    ----------
    given_at : when it was given, if that was not now: a phone without a signal tells later.

    Raises
    ------
    Problem common.invalid : no telephone number.
    """
    digits = "".join(sign for sign in phone if sign.isdigit())
    if len(digits) not in PHONE_DIGITS:
        raise Problem("common.invalid", reason=_("电话号码要有 7 到 15 位数字"))
    with transaction.atomic():
        kept, _made = CallbackPhone.objects.get_or_create(
            case=case,
            phone_hash=keyed_hash(digits, PHONE_PURPOSE),
            defaults={
                "phone_cipher": encrypt(digits, PHONE_PURPOSE),
                "given_at": given_at or now(),
                "taken_by": acting_user,
            },
        )
        record(
            action="fieldwork.phone.kept",
            acting_user=acting_user,
            target=kept,
            region_code=case.community.code,
            detail={"case": case.number},
        )
    return kept
