"""Answers on their way: saved at each block, given back to their owner alone, gone when handed in."""

import json
import uuid
from datetime import timedelta

import pytest
from django.db import connection

from survey.audit.models import AuditEntry
from survey.common.clock import now, today
from survey.responses.models import Respondent, SavedDraft
from survey.responses.services import discard_stale_drafts
from tests.residents import ANSWERS, Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def save(phone, *, sequence=1, answers=None, method="put", **values):
    body = phone.body(answers if answers is not None else {"Q01": 2, "remark": "路灯坏了"})
    body.update(sequence=sequence, saved_at=now().isoformat(), at="Q02", **values)
    token = phone.settings_of_form()["csrf"]
    return getattr(phone.http, method)(
        phone.home + "draft",
        json.dumps(body),
        content_type="application/json",
        headers={"x-csrftoken": token},
    )


def read(phone):
    return phone.http.get(phone.home + "draft")


def test_a_saved_block_comes_back_on_the_same_phone(phone):
    assert read(phone).status_code == 204
    reply = save(phone)
    assert (reply.status_code, reply.json()) == (200, {"sequence": 1})
    found = read(phone).json()
    assert found["answers"] == {"Q01": 2, "remark": "路灯坏了"}
    assert (found["id"], found["at"], found["sequence"]) == (phone.client_id, "Q02", 1)


def test_nothing_of_a_draft_is_readable_in_the_database(phone):
    save(phone)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM responses_saveddraft")
        row = str(cursor.fetchall())
    assert "路灯" not in row and "Q01" not in row


def test_a_late_older_save_changes_nothing(phone):
    save(phone, sequence=5, answers={"Q01": 1})
    assert save(phone, sequence=3, answers={"Q01": 4}).json() == {"sequence": 5}
    assert save(phone, sequence=5, answers={"Q01": 4}).json() == {"sequence": 5}
    assert read(phone).json()["answers"] == {"Q01": 1}
    assert save(phone, sequence=6, answers={"Q01": 4}).json() == {"sequence": 6}
    assert read(phone).json()["answers"] == {"Q01": 4}


def test_a_beacon_without_headers_carries_its_token_in_the_body(phone):
    body = {**phone.body(), "sequence": 1, "form_token": phone.settings_of_form()["csrf"]}

    def send(values):
        return phone.http.post(phone.home + "draft", json.dumps(values), content_type="application/json")

    assert send(body).status_code == 200
    assert send({**body, "form_token": "0" * 64}).status_code == 403
    assert phone.http.put(phone.home + "draft", json.dumps(body | {"form_token": ""})).status_code == 403


def test_another_phone_with_the_same_letter_sees_nothing(phone, letter):
    save(phone)
    neighbour = Phone().get_ready(letter[0])
    assert read(neighbour).status_code == 204
    # nor can it write over the draft of the first
    neighbour.client_id = phone.client_id
    assert save(neighbour, sequence=9).status_code == 409
    assert read(phone).json()["sequence"] == 1


def test_the_same_wechat_identity_goes_on_from_another_device(phone, letter):
    save(phone, sequence=2)
    other = Phone().get_ready(letter[0])
    Respondent.objects.filter(public_id=phone.key).update(identity_hash="a" * 64)
    assert read(other).status_code == 204
    Respondent.objects.filter(public_id=other.key).update(identity_hash="a" * 64)
    found = read(other).json()
    assert found["id"] == phone.client_id and found["answers"]["remark"] == "路灯坏了"


def test_handing_in_ends_every_draft_of_the_household(phone, letter):
    neighbour = Phone().get_ready(letter[0])
    save(phone)
    save(neighbour)
    assert SavedDraft.objects.count() == 2
    settings, body = phone.settings_of_form(), phone.body(ANSWERS)
    assert phone.send(body, settings["csrf"]).status_code == 201
    assert not SavedDraft.objects.exists()
    late = phone.http.put(
        phone.home + "draft",
        json.dumps({**body, "sequence": 99}),
        content_type="application/json",
        headers={"x-csrftoken": settings["csrf"]},
    )
    assert late.status_code == 409 and not SavedDraft.objects.exists()


def test_no_draft_before_consent(letter):
    phone = Phone()
    phone.scan(letter[0])
    token = phone.token()
    reply = phone.http.put(
        phone.home + "draft",
        json.dumps({"id": str(uuid.uuid4()), "sequence": 1, "answers": {}}),
        content_type="application/json",
        headers={"x-csrftoken": token},
    )
    assert reply.status_code == 403 and not SavedDraft.objects.exists()


@pytest.mark.parametrize("sequence", [0, -1, 2**31, True, "1", None, 1.5])
def test_a_strange_sequence_is_refused_in_words(phone, sequence):
    assert save(phone, sequence=sequence).status_code == 400


def test_a_resident_sees_that_a_draft_is_kept_and_deletes_it(phone, letter):
    assert "答了一半" not in phone.http.get(phone.home + "mine").content.decode()
    save(phone)
    assert "您的问卷答了一半" in phone.http.get(phone.home + "mine").content.decode()
    page = phone.land(phone.tap("mine", {"kind": "draft"}, token_from="mine")).content.decode()
    assert "这里还没有您的回答" in page and not SavedDraft.objects.exists()
    assert AuditEntry.objects.filter(action="responses.draft.discarded").count() == 1


def test_drafts_go_a_month_after_the_round_or_with_its_retention_date(phone, open_round):
    save(phone)
    assert discard_stale_drafts() == 0
    type(open_round).objects.update(state="closed")
    assert discard_stale_drafts() == 0
    SavedDraft.objects.update(received_at=now() - timedelta(days=31))
    assert discard_stale_drafts() == 1
    type(open_round).objects.update(state="open", retention_until=today() - timedelta(days=1))
    assert not SavedDraft.objects.exists()
