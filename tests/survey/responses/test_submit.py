"""Handing in: once, whatever the network does; by the rules of the published document."""

import json
import uuid

import pytest
from django.db import connection

from survey.audit.models import AuditEntry
from survey.contacts.models import Contact
from survey.questionnaires.document import document_hash
from survey.questionnaires.models import QuestionnaireVersion
from survey.responses.models import Response
from survey.responses.receipts import id_range
from tests.residents import ANSWERS, Phone, small_document

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_the_questionnaires_page_mounts_the_published_document(phone, open_round):
    page = phone.http.get(phone.home + "form").content.decode()
    assert 'id="minyi-document" type="application/json"' in page and "您对小区的环境满意吗？" in page
    settings = phone.settings_of_form()
    assert settings["document-hash"] == open_round.questionnaire_version.document_hash
    assert settings["draft-key"] == phone.key and len(settings["csrf"]) == 64


def test_a_complete_questionnaire_is_kept_with_everything_that_estimation_needs(phone, open_round, case):
    reply = phone.submit()
    assert reply.status_code == 201
    response = Response.objects.get()
    assert reply.json()["id"] == str(response.id)
    assert response.questionnaire_version == open_round.questionnaire_version
    assert (response.language, response.mode, response.sample_kind) == ("zh-hans", "web", "probability")
    assert response.case_id == case.opaque_id and response.region == case.community
    assert response.person_probability == pytest.approx(1 / 2)
    assert response.selected_person.n_eligible == 2
    assert response.path == ["Q01", "Q02", "trust", "remark", "sex", "age"]
    assert response.answers == {name: value for name, value in ANSWERS.items() if name != "remark"}
    assert response.paradata["device"] == "phone"
    assert response.consent.respondent == response.respondent


def test_the_case_is_completed_and_the_contact_recorded_in_the_same_step(phone, case):
    phone.submit()
    case.refresh_from_db()
    assert case.status == "completed"
    assert [c.disposition for c in Contact.objects.all()] == ["1.1"]
    assert AuditEntry.objects.filter(action="responses.response.accepted").count() == 1


def test_open_text_is_encrypted_and_nowhere_else(phone):
    phone.submit()
    response = Response.objects.get()
    assert "remark" not in response.answers
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM responses_response")
        assert "路灯坏了" not in str(cursor.fetchall())
    assert response.open_text_cipher
    assert "路灯坏了" in phone.http.get(phone.home + "mine").content.decode()


def test_the_same_submission_again_is_the_same_response(phone):
    token = phone.settings_of_form()["csrf"]
    body = phone.body()
    first, second = phone.send(body, token), phone.send(body, token)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json() and Response.objects.count() == 1


def test_a_resend_with_another_clock_and_paradata_is_still_the_same(phone):
    token = phone.settings_of_form()["csrf"]
    body = phone.body()
    phone.send(body, token)
    again = {**body, "completed_at": "2026-11-23T08:00:00Z", "paradata": {"returns": 3}}
    assert phone.send(again, token).status_code == 200


def test_the_same_id_with_other_answers_is_refused_and_nothing_is_overwritten(phone):
    token = phone.settings_of_form()["csrf"]
    body = phone.body()
    phone.send(body, token)
    reply = phone.send({**body, "answers": {**ANSWERS, "Q01": 5}}, token)
    assert reply.status_code == 409 and reply.json()["code"] == "responses.other_content"
    assert Response.objects.get().answers["Q01"] == 2


def test_a_second_phone_of_the_household_is_told_that_it_has_answered(phone, letter):
    second = Phone().get_ready(letter[0])
    token, body = second.settings_of_form()["csrf"], second.body()
    phone.submit()
    reply = second.send(body, token)
    assert reply.status_code == 409 and reply.json()["code"] == "responses.already_answered"
    assert "已经答过" in reply.json()["detail"] and Response.objects.count() == 1


def test_answers_are_checked_against_the_document(phone):
    reply = phone.submit({**ANSWERS, "age": 17})
    assert reply.status_code == 422
    assert [error["item"] for error in reply.json()["errors"]] == ["age"]
    reply = phone.submit({name: value for name, value in ANSWERS.items() if name != "trust"})
    assert [(e["item"], e["code"]) for e in reply.json()["errors"]] == [("trust", "required")]
    assert not Response.objects.exists()


def test_answers_to_skipped_items_are_not_kept(phone):
    phone.submit({**ANSWERS, "Q01": 1, "Q02": [1]})
    response = Response.objects.get()
    assert "Q02" not in response.answers and "Q02" not in response.path


def test_dont_know_and_skipping_are_answers(phone):
    assert phone.submit({"Q01": -1, "trust": -2, "sex": -2, "age": -2}).status_code == 201
    assert Response.objects.get().answers["Q01"] == -1


def test_answers_to_another_version_are_refused_and_stay_on_the_phone(phone, open_round):
    reply = phone.submit(document="0" * 64)
    assert reply.status_code == 409 and reply.json()["code"] == "responses.old_version"


def test_nothing_is_taken_without_consent_person_or_token(letter):
    phone = Phone()
    phone.scan(letter[0])
    token = phone.token()
    document = QuestionnaireVersion.objects.get().document_hash
    body = {"id": str(uuid.uuid4()), "document": document, "language": "zh-hans", "answers": ANSWERS}
    assert phone.send(body, token).json()["code"] == "responses.no_person"
    phone.consent()
    phone.choose()
    assert phone.send(body, "0" * 64).status_code == 403
    from_outside = Phone()
    from_outside.home = phone.home
    assert from_outside.send(body, token).status_code == 403
    assert not Response.objects.exists()


def test_withdrawn_consent_stops_a_late_submission(phone):
    token, body = phone.settings_of_form()["csrf"], phone.body()
    phone.tap("refuse")
    assert phone.send(body, token).json()["code"] == "responses.no_consent"


def test_a_closed_round_takes_no_more(phone, open_round):
    token, body = phone.settings_of_form()["csrf"], phone.body()
    open_round.state = "closed"
    open_round.save()
    assert phone.send(body, token).status_code == 410


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b'{"id": 5}',
        b"\xff\xfe",
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": []}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {"Q01": NaN}}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {"Q01": -Infinity}}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {"Q01": 1e999}}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {"remark": "\\ud800"}}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {"remark": "\xed\xa0\x80"}}',
        b'{"answers": {"remark": ' + b"[" * 900 + b"]" * 900 + b"}}",
        b'{"id": "00000000-0000-4000-8000-000000000000", "answers": {}, "paradata": 5}',
        b'{"id": "00000000-0000-4000-8000-000000000000", "document": "\\udfff"}',
        b"[" * 100_000,
        b'{"answers": "' + b"a" * 300_000 + b'"}',
    ],
    ids=str,
)
def test_a_body_that_makes_no_sense_gets_a_sentence(phone, raw):
    token = phone.settings_of_form()["csrf"]
    reply = phone.http.post(
        phone.home + "submit",
        raw,
        content_type="application/json",
        headers={"x-csrftoken": token, "accept": "application/json"},
    )
    assert reply.status_code in (400, 409) and reply.json()["detail"]


@pytest.mark.parametrize("items", ["x" * 100_000, "a\x00b"], ids=["much", "nul"])
def test_odd_paradata_never_loses_the_answers(phone, items):
    assert phone.submit(paradata={"items": items}).status_code == 201
    assert Response.objects.get().paradata["dropped_bytes"] == len(f'{{"items":{json.dumps(items)}}}')


@pytest.mark.parametrize("stamp", [None, 5, "yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_a_phone_without_a_sensible_clock_is_heard_all_the_same(phone, stamp):
    assert phone.submit(completed_at=stamp).status_code == 201
    assert Response.objects.get().submitted_at.year >= 2026


def test_the_receipt_leads_back_to_the_response(phone):
    receipt = phone.submit().json()["receipt"]
    first, last = id_range(receipt.lower().replace("0", "O"))
    assert Response.objects.get(id__range=(first, last)) == Response.objects.get()
    assert receipt in phone.http.get(phone.home + "thanks").content.decode()


def test_a_new_version_of_the_questionnaire_does_not_change_what_was_answered(phone, open_round):
    phone.submit()
    document = small_document()
    document["version"] = "2"
    newer = open_round.questionnaire_version
    newer.pk, newer.number, newer.document, newer.document_hash = None, 2, document, document_hash(document)
    newer.save()
    open_round.questionnaire_version = newer
    open_round.save()
    assert Response.objects.get().questionnaire_version.number == 1
