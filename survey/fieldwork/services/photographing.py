"""Pictures of doors, one with any visit: they show that somebody stood there, and go with contact data."""

import base64
import uuid
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from survey.accounts.models import User
from survey.accounts.policies import require
from survey.audit.services import record
from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.contacts.models import Contact
from survey.fieldwork.models import VisitPhoto
from survey.fieldwork.pictures import fingerprint
from survey.responses.models import Attachment
from survey.responses.services import clean_picture, read_attachment
from survey.sampling.models import Case

PLATE = "door_plate"  # the item's name under which the app sends the door's picture
PURPOSE = "fieldwork.visit_photo"


def keep_visit_photo(
    *, contact: Contact, photo_id: uuid.UUID, content: bytes, acting_user: User, most_bytes: int | None = None
) -> VisitPhoto:
    """Keep the door's picture of a visit, encrypted; the same one again changes nothing.

    Parameters
    ----------
    photo_id : the file's id. A second visit that names the same file gets a copy under another id, which the
        doubts then find.
    content : the file as the camera or the app made it; what it says about place and model is dropped.
    most_bytes : largest file that is taken; by default what the app sends at most.

    Raises
    ------
    Problem responses.attachment_large, responses.attachment_no_picture
    """
    clean, content_type = clean_picture(content, most_bytes) if most_bytes else clean_picture(content)
    if VisitPhoto.objects.filter(pk=photo_id).exclude(contact=contact).exists():
        photo_id = uuid.uuid4()
    with transaction.atomic():
        photo, made = VisitPhoto.objects.get_or_create(
            contact=contact,
            defaults={
                "id": photo_id,
                "case": contact.case,
                "content_cipher": encrypt(base64.b64encode(clean).decode(), PURPOSE),
                "content_type": content_type,
                "fingerprint": f"{fingerprint(clean):016x}",
                "taken_at": contact.at,
                "taken_by": acting_user,
            },
        )
        if made:
            record(
                action="fieldwork.visit_photo.kept",
                acting_user=acting_user,
                target=photo,
                region_code=contact.case.community.code,
                detail={"case": contact.case.number},
            )
    return photo


class DoorPicture(NamedTuple):
    """One picture of a door: its id, when it was taken, and whether with an interview."""

    id: uuid.UUID
    at: datetime
    with_interview: bool


def door_pictures(case: Case) -> list[DoorPicture]:
    """All pictures of a household's door, the oldest first; none of them is opened."""
    visits = VisitPhoto.objects.filter(case=case).values_list("pk", "taken_at")
    interviews = Attachment.objects.filter(item=PLATE, response__case=case)
    found = [DoorPicture(pk, at, False) for pk, at in visits]
    found += [DoorPicture(pk, at, True) for pk, at in interviews.values_list("pk", "response__submitted_at")]
    return sorted(found, key=lambda picture: picture.at)


def read_door_picture(*, case: Case, picture_id: uuid.UUID, acting_user: User) -> tuple[bytes, str]:
    """One of the door's pictures in the clear, and its content type; each reading is in the audit trail.

    Raises
    ------
    Problem common.forbidden : no supervisor where the household is.
    Problem common.not_found : no picture of this door.
    """
    require(acting_user, "fieldwork.manage", case.community)
    taken = Attachment.objects.filter(pk=picture_id, item=PLATE, response__case=case).first()
    if taken is not None:
        return read_attachment(attachment=taken, acting_user=acting_user), taken.content_type
    photo = VisitPhoto.objects.filter(pk=picture_id, case=case).first()
    if photo is None:
        raise Problem("common.not_found")
    with transaction.atomic():
        record(
            action="fieldwork.visit_photo.read",
            acting_user=acting_user,
            target=photo,
            region_code=case.community.code,
            detail={"case": case.number},
        )
    return base64.b64decode(decrypt(photo.content_cipher, PURPOSE)), photo.content_type
