"""Photos and signatures: pictures only, nothing of the camera's, encrypted, joined to the answer."""

import hashlib
import io
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.errors import Problem
from survey.responses.models import Attachment, Response
from survey.responses.services import discard_unclaimed, read_attachment
from survey.responses.services.attachments import claim_attachments
from tests.residents import Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def picture(kind="JPEG", size=(40, 20), **options) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(written, format=kind, **options)
    return written.getvalue()


def with_place_and_turn() -> bytes:
    """A photo that says where it was taken and that it stands on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90°
    exif[0x010F] = "Huawei"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    return picture(exif=exif)


def upload(phone, content: bytes, *, id=None, digest=None, item="photo1", token=None):
    return phone.http.post(
        phone.home + "attachments",
        {
            "id": str(id or uuid.uuid4()),
            "item": item,
            "sha256": hashlib.sha256(content).hexdigest() if digest is None else digest,
            "file": SimpleUploadedFile("x.jpg", content, "image/jpeg"),
        },
        headers={"x-csrftoken": token or phone.settings_of_form()["csrf"]},
    )


def test_a_photo_is_kept_without_what_the_camera_wrote_and_upright(phone):
    content = with_place_and_turn()
    reply = upload(phone, content)
    assert reply.status_code == 201
    attachment = Attachment.objects.get()
    assert reply.json() == {
        "id": str(attachment.pk),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    stored = Image.open(io.BytesIO(read_attachment(attachment=attachment, acting_user=SYSTEM)))
    assert stored.size == (20, 40) and not stored.getexif()
    assert AuditEntry.objects.filter(action="responses.attachment.read").count() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT content_cipher FROM responses_attachment")
        assert b"JFIF" not in bytes(cursor.fetchone()[0])


def test_the_same_picture_again_is_the_same_attachment(phone):
    content, name = picture(), uuid.uuid4()
    assert [upload(phone, content, id=name).status_code for _ in range(2)] == [201, 200]
    assert upload(phone, picture(size=(9, 9)), id=name).status_code == 409
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", 400),
        (b"\xff\xd8\xff\xe0 not a picture", 400),
        (picture("GIF"), 400),
        (picture()[:200], 400),
        (b"\xff\xd8" + b"0" * (2 * 1024 * 1024), 413),
    ],
    ids=["svg", "broken", "gif", "cut off", "too large"],
)
def test_what_is_no_photo_is_refused_in_words(phone, content, status):
    reply = upload(phone, content)
    assert reply.status_code == status and not Attachment.objects.exists()


def test_a_picture_that_broke_on_the_way_is_asked_for_again(phone):
    assert upload(phone, picture(), digest="0" * 64).status_code == 400
    assert not Attachment.objects.exists()


def test_a_large_photo_is_made_smaller(phone):
    upload(phone, picture(size=(3200, 1600)))
    stored = read_attachment(attachment=Attachment.objects.get(), acting_user=SYSTEM)
    assert Image.open(io.BytesIO(stored)).size == (1600, 800)


def test_an_attachment_belongs_to_the_phone_that_sent_it(phone, letter):
    name = uuid.uuid4()
    upload(phone, picture(), id=name)
    other = Phone().get_ready(letter[0])
    assert upload(other, picture(), id=name).status_code == 409
    phone.submit()
    response = Response.objects.get()
    claim_attachments(response=response, named={name: "photo1"})
    assert Attachment.objects.get().response == response
    with pytest.raises(Problem) as refused:
        claim_attachments(response=response, named={uuid.uuid4(): "photo1"})
    assert refused.value.code == "responses.attachment_missing"


def test_twenty_may_wait_and_no_more(phone):
    token = phone.settings_of_form()["csrf"]
    for side in range(1, 21):
        assert upload(phone, picture(size=(side, 4)), token=token).status_code == 201
    assert upload(phone, picture(size=(99, 4)), token=token).status_code == 409


def test_what_no_answer_ever_named_is_destroyed_after_a_month(phone):
    upload(phone, picture())
    assert discard_unclaimed() == 0
    Attachment.objects.update(created_at=now() - timedelta(days=31))
    assert discard_unclaimed() == 1
