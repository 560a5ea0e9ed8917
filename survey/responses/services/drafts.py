"""Answers on their way: kept at each block's end, given back to whom they belong, gone when handed in."""

import base64
import json
import uuid
import zlib
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from survey.audit.services import RESIDENT, record
from survey.common.clock import now
from survey.common.crypto import DecryptionError, decrypt, encrypt
from survey.common.errors import Problem
from survey.responses.models import Respondent, Response, SavedDraft
from survey.responses.services.standing import (
    region_code,
    require_open,
    standing_consents,
    standing_for,
)

PURPOSE = "responses.draft"
# Nobody hands in a draft after the round; it is kept a little for a round that is closed by mistake.
KEPT_AFTER = timedelta(days=30)


def save_draft(
    *,
    respondent: Respondent,
    client_id: uuid.UUID,
    sequence: int,
    document_hash: str,
    content: dict[str, Any],
    saved_at: datetime,
) -> int:
    """Keep a draft; returns the sequence that stands, which is higher when a later save overtook this one.

    Parameters
    ----------
    content : answers, language, place and times as the phone holds them; not validated, since it is not done.

    Raises
    ------
    Problem responses.already_answered : the household's answer is in.
    Problem responses.other_content : the id belongs to another device's draft.
    Problem responses.no_consent, contacts.closed
    """
    _require_may_answer(respondent, client_id)
    values = {
        "sequence": sequence,
        "document_hash": document_hash,
        "content_cipher": seal(content),
        "saved_at": saved_at,
        "received_at": now(),
    }
    own = SavedDraft.objects.filter(client_id=client_id, respondent=respondent)
    if own.filter(sequence__lt=sequence).update(**values):
        return sequence
    try:
        with transaction.atomic():
            SavedDraft.objects.create(client_id=client_id, respondent=respondent, **values)
    except IntegrityError:  # it is there, with a sequence as high; or it is somebody else's
        standing = own.values_list("sequence", flat=True).first()
        if standing is None:
            raise Problem("responses.other_content") from None
        return standing
    return sequence


def seal(content: dict[str, Any]) -> bytes:
    """A draft as the database keeps it: a fifth of its size before it is encrypted."""
    packed = zlib.compress(json.dumps(content, ensure_ascii=False).encode(), level=1)
    return encrypt(base64.b64encode(packed).decode(), PURPOSE)


def unseal(cipher: bytes) -> dict[str, Any]:
    """What `seal` sealed. Raises DecryptionError."""
    return json.loads(zlib.decompress(base64.b64decode(decrypt(cipher, PURPOSE))))


def _require_may_answer(respondent: Respondent, client_id: uuid.UUID) -> None:
    require_open(respondent.round)
    is_in = Q(client_id=client_id)
    if respondent.case_id is not None:
        is_in |= Q(case=respondent.case, state=Response.State.ACCEPTED, superseded_by__isnull=True)
    if Response.objects.order_by().filter(is_in).exists():
        raise Problem("responses.already_answered")
    if respondent.case_id is None and standing_for(respondent) is not None:
        raise Problem("responses.volunteer_answered")
    if not standing_consents(respondent).exists():
        raise Problem("responses.no_consent")


def newest_draft(respondent: Respondent) -> dict[str, Any] | None:
    """The newest draft of this device, or of the same WeChat identity: {"id", "document", "sequence", …}.

    Somebody else with the household's letter gets nothing: the code opens the door, not another's answers.
    """
    for draft in drafts_of(respondent).order_by("-saved_at", "-received_at")[:5]:
        try:
            content = unseal(draft.content_cipher)
        except DecryptionError:  # its key was retired; an older one may still open
            continue
        return {
            **content,
            "id": str(draft.client_id),
            "document": draft.document_hash,
            "sequence": draft.sequence,
            "saved_at": draft.saved_at.isoformat(),
        }
    return None


def drafts_of(respondent: Respondent) -> QuerySet[SavedDraft]:
    """Drafts that are provably the respondent's own: the same device, or the same identity."""
    proof = Q(respondent=respondent)
    if respondent.device_hash:
        proof |= Q(respondent__device_hash=respondent.device_hash)
    if respondent.identity_hash:
        proof |= Q(respondent__identity_hash=respondent.identity_hash)
    return SavedDraft.objects.filter(
        proof, respondent__round=respondent.round_id, respondent__case=respondent.case_id
    )


@transaction.atomic
def discard_drafts(*, respondent: Respondent) -> None:
    """Destroy what the respondent has not handed in: drafts that are provably hers, and their pictures."""
    n_drafts = drafts_of(respondent).delete()[0]
    n_pictures = respondent.attachments.filter(response__isnull=True).delete()[0]
    if n_drafts or n_pictures:
        record(
            action="responses.draft.discarded",
            acting_user=RESIDENT,
            target=respondent,
            region_code=region_code(respondent.case),
            detail={"drafts": n_drafts, "pictures": n_pictures},
        )


def discard_stale_drafts() -> int:
    """Destroy drafts that nobody can hand in any more; returns how many. Safe to repeat."""
    stale = SavedDraft.objects.filter(
        Q(respondent__round__state="closed", received_at__lt=now() - KEPT_AFTER)
        | Q(respondent__round__retention_until__lt=now().date())
    )
    return stale.delete()[0]
