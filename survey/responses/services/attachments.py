"""Photos and signatures: taken as pictures only, without what a camera writes into them, and encrypted."""

import base64
import hashlib
import io
import uuid
from datetime import timedelta

from django.db import IntegrityError, transaction
from PIL import Image, ImageOps, UnidentifiedImageError

from survey.audit.services import Actor, record
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt, same
from survey.common.errors import Problem
from survey.responses.models import Attachment, Respondent, Response
from survey.responses.services.standing import current_consent, require_open

PURPOSE = "responses.attachment"
MAX_BYTES = 2 * 1024 * 1024  # form.js sends at most 400 kB
MAX_CAMERA_BYTES = 12 * 1024 * 1024  # a plain form cannot shrink what the camera made
MAX_PIXELS = 40_000_000
LONGEST_SIDE = 1600  # enough to read a door plate
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}
MAX_WAITING = 20  # attachments of one respondent that no response has named yet
# A response that was to name it comes within the phone's own patience, or never.
KEPT_WAITING = timedelta(days=30)


def store_attachment(
    *,
    respondent: Respondent,
    attachment_id: uuid.UUID,
    item: str,
    content: bytes,
    claimed_hash: str,
    most_bytes: int = MAX_BYTES,
) -> tuple[Attachment, bool]:
    """Keep one picture until the response that names it. Safe to repeat: (attachment, whether it is new).

    The picture is read, turned upright and written anew: place, time and model that a camera adds are gone,
    and so is whatever else hides in a file.

    Raises
    ------
    Problem responses.attachment : too large, no picture, broken on the way, or too many.
    Problem responses.other_content : the id was taken with another picture or by another device.
    Problem responses.no_consent, contacts.closed
    """
    require_open(respondent.round)
    if current_consent(respondent) is None:
        raise Problem("responses.no_consent")
    digest = hashlib.sha256(content).hexdigest()
    known = _known(attachment_id, respondent, digest)
    if known is not None:
        return known, False
    if claimed_hash and not same(claimed_hash.lower(), digest):
        raise Problem("responses.attachment_broken")
    if respondent.attachments.filter(response__isnull=True).count() >= MAX_WAITING:
        raise Problem("responses.attachment_many")
    clean, content_type = clean_picture(content, most_bytes)
    try:
        with transaction.atomic():
            attachment = Attachment.objects.create(
                id=attachment_id,
                respondent=respondent,
                item=item[:64],
                content_cipher=encrypt(base64.b64encode(clean).decode(), PURPOSE),
                content_type=content_type,
                content_hash=digest,
            )
    except IntegrityError:
        known = _known(attachment_id, respondent, digest)
        if known is None:
            raise
        return known, False
    return attachment, True


def _known(attachment_id: uuid.UUID, respondent: Respondent, digest: str) -> Attachment | None:
    known = Attachment.objects.filter(pk=attachment_id).first()
    if known is not None and (known.respondent_id != respondent.pk or known.content_hash != digest):
        raise Problem("responses.other_content")
    return known


def clean_picture(content: bytes, most_bytes: int = MAX_BYTES) -> tuple[bytes, str]:
    """The picture upright, no larger than needed, without what the camera wrote into it; its content type.

    Raises
    ------
    Problem responses.attachment_large, responses.attachment_no_picture
    """
    if len(content) > most_bytes:
        raise Problem("responses.attachment_large", limit=most_bytes // (1024 * 1024))
    try:
        with Image.open(io.BytesIO(content), formats=list(FORMATS)) as picture:
            kind = picture.format
            if picture.width * picture.height > MAX_PIXELS:
                raise Problem("responses.attachment_large", limit=most_bytes // (1024 * 1024))
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            bare = upright.convert("RGBA" if kind == "PNG" and "A" in upright.getbands() else "RGB")
            bare.info.clear()
            written = io.BytesIO()
            bare.save(written, format=kind, **({"quality": 85} if kind == "JPEG" else {"optimize": True}))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Problem("responses.attachment_no_picture") from None
    return written.getvalue(), FORMATS[kind]


def read_attachment(*, attachment: Attachment, acting_user: Actor) -> bytes:
    """The picture in the clear, for a page of the team; each reading is in the audit log."""
    with transaction.atomic():
        record(
            action="responses.attachment.read",
            acting_user=acting_user,
            target=attachment,
            region_code=attachment.response.region.code if attachment.response else "",
        )
    return base64.b64decode(decrypt(attachment.content_cipher, PURPOSE))


def claim_attachments(*, response: Response, named: dict[uuid.UUID, str]) -> None:
    """Give a response the attachments that its answers name. Runs inside the caller's transaction.

    Parameters
    ----------
    named : attachment id → item name.

    Raises
    ------
    Problem responses.attachment_missing : one is not there yet, or not this respondent's; the phone sends
        it again and then the answers.
    """
    if not named:
        return
    waiting = Attachment.objects.select_for_update().filter(
        pk__in=named, respondent=response.respondent_id, response__isnull=True
    )
    found = {attachment.pk for attachment in waiting}
    for attachment_id, item in named.items():
        if response.respondent_id is None or attachment_id not in found:
            raise Problem("responses.attachment_missing", item=item)
    Attachment.objects.filter(pk__in=found).update(response=response)


def discard_unclaimed() -> int:
    """Destroy attachments that no response ever named; returns how many. Safe to repeat."""
    old = Attachment.objects.filter(response__isnull=True, created_at__lt=now() - KEPT_WAITING)
    return old.delete()[0]
