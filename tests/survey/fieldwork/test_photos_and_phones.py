"""The door's picture with every visit, and the number that a household leaves after the interview."""

import base64
import json
import re
from datetime import timedelta
from io import BytesIO

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from survey.audit.models import AuditEntry
from survey.audit.services import RESIDENT, SYSTEM
from survey.common.clock import now, today
from survey.common.crypto import decrypt
from survey.contacts.models import Contact
from survey.fieldwork.models import CallbackPhone, FieldRules, SyncItem, VisitPhoto
from survey.fieldwork.retention import destroy_field_contacts, forget_withdrawn
from survey.fieldwork.services import read_door_picture
from survey.fieldwork.services.notes import PHONE_PURPOSE
from survey.fieldwork.services.raising import raise_doubts
from survey.responses.models import Flag, Response
from survey.responses.services import withdraw_response
from survey.studies.models import Round
from tests.phones import FieldPhone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def plate(seed: int) -> bytes:
    """A door's picture, with the make of a camera in it."""
    shades = np.random.default_rng(seed).integers(0, 256, (8, 9), dtype=np.uint8)
    image = Image.fromarray(shades).resize((360, 320), Image.Resampling.BICUBIC).convert("RGB")
    made = Image.Exif()
    made[271] = "Kamera"
    written = BytesIO()
    image.save(written, "JPEG", exif=made)
    return written.getvalue()


@pytest.fixture
def phone(field):
    return FieldPhone(field.client).register().pull()


def ids(cases):
    return [str(case.opaque_id) for case in cases]


def state_of(results):
    return results[-1]["state"], results[-1]["code"]


# --- the picture --------------------------------------------------------------------------------------
def test_a_visit_brings_its_picture_encrypted_and_without_what_the_camera_wrote(
    phone, case, interviewer, supervisor
):
    file = phone.file(str(case.opaque_id), plate(1), "door_plate")
    assert state_of(phone.push(file, phone.visit(str(case.opaque_id), plate=file["id"]))) == ("accepted", "")
    photo = VisitPhoto.objects.get()
    assert (photo.contact.disposition, photo.case, photo.taken_by) == ("2.24", case, interviewer)
    assert str(photo.pk) == file["id"] and int(photo.fingerprint, 16) > 0
    assert b"JFIF" not in bytes(photo.content_cipher)
    content, kind = read_door_picture(case=case, picture_id=photo.pk, acting_user=supervisor)
    with Image.open(BytesIO(content)) as picture:
        assert picture.size == (360, 320) and not picture.getexif()
    assert kind == "image/jpeg"
    assert AuditEntry.objects.filter(action="fieldwork.visit_photo.read").count() == 1


def test_a_visit_that_overtakes_its_picture_waits_for_it(phone, case):
    file = phone.file(str(case.opaque_id), plate(1), "door_plate")
    visit = phone.visit(str(case.opaque_id), plate=file["id"])
    assert state_of(phone.push(visit)) == ("waiting", "file_missing")
    assert not Contact.objects.exists()
    phone.push(file)
    assert SyncItem.objects.get(pk=visit["id"]).state == "accepted"
    assert Contact.objects.get().field_photo.pk == VisitPhoto.objects.get().pk


def test_a_picture_that_is_none_loses_no_visit(phone, case):
    file = phone.file(str(case.opaque_id), b"not a picture at all", "door_plate")
    assert state_of(phone.push(file, phone.visit(str(case.opaque_id), plate=file["id"]))) == ("accepted", "")
    assert Contact.objects.count() == 1 and not VisitPhoto.objects.exists()


def test_one_picture_for_two_doors_is_a_doubt_and_the_same_door_twice_is_none(
    phone, cases, round_, interviewer
):
    one, two, three = ids(cases)
    for case_id, seed in ((one, 1), (one, 1), (two, 2)):
        file = phone.file(case_id, plate(seed), "door_plate")
        phone.push(file, phone.visit(case_id, plate=file["id"]))
    assert raise_doubts(round=round_, acting_user=SYSTEM)["raised"] == 0
    file = phone.file(three, plate(2), "door_plate")
    phone.push(file, phone.visit(three, plate=file["id"]))
    assert raise_doubts(round=round_, acting_user=SYSTEM)["raised"] == 1
    flag = Flag.objects.get(kind="visit_photo")
    assert flag.subject.interviewer == interviewer
    assert (flag.evidence["n"], flag.evidence["taken"]) == (2, 4)
    numbers = {cases[1].number, cases[2].number}
    assert all({found["case"], found["other"]} == numbers for found in flag.evidence["pictures"])
    assert flag.evidence["pictures"][0]["bits"] == 0


def test_one_file_that_two_visits_name_is_kept_with_both_and_found(phone, cases, round_):
    one, two = ids(cases)[:2]
    file = phone.file(one, plate(7), "door_plate")
    visits = [phone.visit(case_id, plate=file["id"]) for case_id in (one, two)]
    assert {result["state"] for result in phone.push(file, *visits)} == {"accepted"}
    assert VisitPhoto.objects.count() == 2
    raise_doubts(round=round_, acting_user=SYSTEM)
    assert Flag.objects.get(kind="visit_photo").evidence["n"] == 2


def test_the_supervisor_reads_of_it_in_words(client, phone, cases, round_, supervisor):
    for case_id in ids(cases)[:2]:
        file = phone.file(case_id, plate(3), "door_plate")
        phone.push(file, phone.visit(case_id, plate=file["id"]))
    raise_doubts(round=round_, acting_user=SYSTEM)
    client.force_login(supervisor)
    page = client.get(reverse("console:field_doubts", args=[round_.pk])).content.decode()
    assert "上门时拍的 2 张门牌照片和别的户一样" in page
    assert f"{cases[0].number} 号户和 {cases[1].number} 号户：64 位指纹只差 0 位" in page


def test_the_page_with_a_signal_takes_a_picture_too_and_says_when_it_is_none(field, case):
    form = {"result": "no_answer", "plate": SimpleUploadedFile("plate.jpg", plate(4), "image/jpeg")}
    assert field.client.post(field.url("visit", case), form).status_code == 302
    assert VisitPhoto.objects.get().contact == Contact.objects.get()
    bad = {"result": "no_answer", "note": "又没人", "plate": SimpleUploadedFile("plate.jpg", b"x")}
    page = field.client.post(field.url("visit", case), bad)
    assert page.status_code == 400 and "又没人" in page.content.decode()
    assert Contact.objects.count() == 1


def test_the_supervisor_looks_at_pictures_one_by_one_and_leaves_a_trace(
    client, phone, cases, round_, supervisor
):
    one, two = ids(cases)[:2]
    visited, interviewed = (phone.file(one, plate(n), "door_plate") for n in (5, 6))
    phone.push(visited, phone.visit(one, plate=visited["id"]))
    phone.push(interviewed, phone.interview(one, plate=interviewed["id"]))
    client.force_login(supervisor)
    page = client.get(reverse("console:field_door", args=[round_.pk, one])).content.decode()
    assert not AuditEntry.objects.filter(action__endswith="read").exists()  # the list opens none
    for item, words in ((visited, "上门时拍的"), (interviewed, "访完的那次拍的")):
        address = reverse("console:door_picture", args=[round_.pk, one, item["id"]])
        assert address in page and words in page
        reply = client.get(address)
        assert reply["Cache-Control"] == "no-store"
        (shown,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', reply.content.decode())
        with Image.open(BytesIO(base64.b64decode(shown))) as picture:
            assert picture.size == (360, 320)
        elsewhere = reverse("console:door_picture", args=[round_.pk, two, item["id"]])
        assert client.get(elsewhere).status_code == 404
    read = AuditEntry.objects.filter(action__endswith=".read").values_list("action", flat=True)
    assert sorted(read) == ["fieldwork.visit_photo.read", "responses.attachment.read"]


# --- the number ---------------------------------------------------------------------------------------
@pytest.fixture
def interviewed(field, case):
    """An interview on the page with a signal; the response."""
    ready = field.ready(case)
    body = field.body(document=ready["document_hash"])
    reply = field.client.post(ready["submit_url"], json.dumps(body), content_type="application/json")
    assert reply.status_code == 201, reply.content
    return Response.objects.get()


def numbers():
    return [decrypt(row.phone_cipher, PHONE_PURPOSE) for row in CallbackPhone.objects.order_by("pk")]


def test_a_number_left_after_the_interview_is_kept_with_its_time(phone, case):
    case_id = str(case.opaque_id)
    at = now() - timedelta(hours=5)
    number = phone.text("phone", case_id, {"phone": "138 0531 0000"}, device_at=at.isoformat())
    # Items come in any order.
    assert state_of(phone.push(phone.sealed(number), phone.interview(case_id))) == ("accepted", "")
    assert numbers() == ["13805310000"]
    assert abs(CallbackPhone.objects.get().given_at - at) < timedelta(seconds=30)
    assert b"0531" not in bytes(CallbackPhone.objects.get().phone_cipher)


def test_a_number_that_is_none_is_refused_and_told_to_the_supervisor(phone, case):
    item = phone.sealed(phone.text("phone", str(case.opaque_id), {"phone": "12"}))
    assert state_of(phone.push(item)) == ("refused", "common.invalid")
    assert numbers() == [] and Flag.objects.get().kind == "sync_refused"


def test_the_page_asks_for_a_number_after_the_interview_until_one_is_there(field, case, interviewed):
    done = field.client.get(reverse("fieldwork:done", args=[interviewed.pk])).content.decode()
    assert "可以留一个电话吗" in done and "不愿意就不留" in done
    assert "可以留一个电话吗" in field.client.get(field.url("door", case)).content.decode()
    wrong = field.client.post(field.url("phone", case), {"phone": "12"}, follow=True).content.decode()
    assert "7 到 15 位数字" in wrong and "可以留一个电话吗" in wrong
    kept = field.client.post(field.url("phone", case), {"phone": "0531-8888 0000"}, follow=True)
    assert "电话记下了" in kept.content.decode()
    assert numbers() == ["053188880000"]
    assert "可以留一个电话吗" not in field.client.get(field.url("door", case)).content.decode()
    assert field.send("phone", case, {"phone": "0531-8888 0000"}).status_code == 204
    assert len(numbers()) == 1


def test_no_number_is_taken_before_the_interview_or_at_somebody_elses_door(field, case, other_interviewer):
    reply = field.send("phone", case, {"phone": "13805310000"})
    assert (reply.status_code, reply.json()["code"]) == (400, "common.invalid")
    field.client.force_login(other_interviewer)
    assert field.send("phone", case, {"phone": "13805310000"}).status_code == 403
    assert numbers() == []


def test_a_withdrawal_takes_the_number_along(field, case, interviewed):
    field.send("phone", case, {"phone": "13805310000"})
    assert forget_withdrawn(acting_user=SYSTEM) == 0
    withdraw_response(response=interviewed, reason="", acting_user=RESIDENT)
    assert forget_withdrawn(acting_user=SYSTEM) == 1
    assert numbers() == []


def test_numbers_and_pictures_go_at_the_retention_date(field, phone, case, cases, round_, interviewed):
    field.send("phone", case, {"phone": "13805310000"})
    file = phone.file(str(cases[1].opaque_id), plate(1), "door_plate")
    phone.push(file, phone.visit(str(cases[1].opaque_id), plate=file["id"]))
    Round.objects.filter(pk=round_.pk).update(retention_until=today() - timedelta(days=1))
    round_.refresh_from_db()
    gone = destroy_field_contacts(round=round_, acting_user=SYSTEM)
    assert (gone["phones"], gone["visit_photos"]) == (1, 1)
    assert numbers() == [] and not VisitPhoto.objects.exists()


# --- the rules of the round ---------------------------------------------------------------------------
def test_the_lists_show_as_many_attempts_as_the_rounds_rules_ask_for(field, case, round_):
    FieldRules.objects.create(round=round_, min_attempts=6, set_at=now())
    listed = field.client.get(reverse("fieldwork:cases_json")).json()["cases"]
    assert {row["min_attempts"] for row in listed} == {6}
    field.send("visit", case, {"result": "no_answer"})
    page = field.client.get(reverse("fieldwork:today")).content.decode()
    row = page.split(str(case.opaque_id))[1].split("</li>")[0]
    assert (row.count("<i"), row.count('class="made"')) == (6, 1)
