"""Outside a transaction, handing in is one statement on PostgreSQL: whole, once, or not at all.

The same tests hold where it is several statements in a transaction.
"""

import threading

import pytest
from django.db import IntegrityError, connections

from survey.audit.models import AuditEntry, ChainHead
from survey.audit.services import verify_chain
from survey.contacts.models import Contact
from survey.responses.models import Response, SavedDraft
from survey.sampling.models import Case
from tests.residents import Phone

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def nothing_changed(case: Case) -> bool:
    return (
        not Response.objects.exists()
        and not Contact.objects.filter(disposition="1.1").exists()
        and Case.objects.get(pk=case.pk).status != "completed"
        and SavedDraft.objects.count() == 1
    )


@pytest.fixture
def with_draft(phone):
    """A phone whose draft is on the server."""
    token, body = phone.settings_of_form()["csrf"], phone.body()
    saved = phone.http.put(
        phone.home + "draft",
        {"id": body["id"], "document": body["document"], "sequence": 1, "answers": {}},
        content_type="application/json",
        headers={"x-csrftoken": token},
    )
    assert saved.status_code == 200
    return phone, token, body


def test_an_answer_comes_with_its_contact_its_status_and_its_audit_entry(with_draft, case):
    phone, token, body = with_draft
    assert phone.send(body, token).status_code == 201
    response = Response.objects.get()
    assert str(response.client_id) == body["id"] and response.case == case
    assert Contact.objects.get(disposition="1.1").mode == "web"
    assert Case.objects.get(pk=case.pk).status == "completed" and not SavedDraft.objects.exists()
    entry = AuditEntry.objects.get(action="responses.response.accepted")
    assert entry.object_id == str(response.pk) and entry.region_code == case.community.code
    assert entry.detail["contact"] == "web" and verify_chain()[1] == ""
    assert phone.send(body, token).status_code == 200 and Response.objects.count() == 1


def test_a_second_phone_changes_nothing(with_draft, letter):
    phone, token, body = with_draft
    second = Phone().get_ready(letter[0])
    its_token, its_body = second.settings_of_form()["csrf"], second.body()
    phone.send(body, token)
    entries = AuditEntry.objects.count()
    assert second.send(its_body, its_token).json()["code"] == "responses.already_answered"
    assert Contact.objects.filter(disposition="1.1").count() == 1 and AuditEntry.objects.count() == entries


def test_an_answer_that_cannot_be_recorded_is_not_kept(with_draft, case):
    phone, token, body = with_draft
    last = ChainHead.objects.get().sequence
    AuditEntry.objects.filter(sequence=1).update(sequence=last + 1)  # the next entry's place is taken
    with pytest.raises(IntegrityError):
        phone.send(body, token)
    assert nothing_changed(case)


@pytest.mark.skipif(connections["default"].vendor != "postgresql", reason="several phones write at once")
def test_phones_of_many_households_and_of_one_hand_in_at_the_same_moment(open_round, letter):
    phones = [Phone().get_ready(letter[0]) for _ in range(6)]
    sent = [(phone, phone.settings_of_form()["csrf"], phone.body()) for phone in phones]
    start, statuses = threading.Barrier(12), []

    def hand_in(phone: Phone, token: str, body: dict) -> None:
        start.wait()
        statuses.append(phone.send(body, token).status_code)
        connections.close_all()

    threads = [threading.Thread(target=hand_in, args=each) for each in sent * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 201] + [409] * 10
    assert Response.objects.count() == Contact.objects.filter(disposition="1.1").count() == 1
    assert verify_chain()[1] == ""
