"""What phones run through all day is read and written by statements of its own: as the ORM would."""

import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from survey.audit.models import AuditEntry, ChainHead
from survey.audit.services import verify_chain
from survey.common.clock import now
from survey.common.statements import insert, read, run, stored
from survey.contacts.models import Contact
from survey.responses.models import Consent, Respondent, Response, SavedDraft
from survey.responses.senders import read_sender
from survey.responses.services import current_consent
from survey.sampling.models import Case
from survey.studies.models import Round
from tests.residents import Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def respondent(phone):
    return Respondent.objects.get(public_id=phone.key)


def test_a_sender_is_read_as_the_orm_reads_her(respondent, django_assert_num_queries):
    with django_assert_num_queries(1):
        sender = read_sender(respondent.public_id)
        parts = (sender.round.state, sender.case.opaque_id, sender.case.community.code, sender.case.status)
        probability = sender.selected_person.probability
    case = respondent.case
    assert sender == respondent and sender.device_hash == respondent.device_hash
    assert parts == (respondent.round.state, case.opaque_id, case.community.code, case.status)
    assert probability == respondent.selected_person.probability
    assert sender.created_at == respondent.created_at  # what was not read is fetched
    assert read_sender(uuid.uuid4()) is None


def test_a_sender_without_household_or_person_has_neither(open_round):
    volunteer = Respondent.objects.create(round=open_round, channel="browser", device_hash="d")
    sender = read_sender(volunteer.public_id)
    assert sender.case is None and sender.selected_person is None and sender.round == open_round


def test_the_newest_consent_to_the_text_of_now_is_the_current_one(respondent):
    first = Consent.objects.get()
    newer = Consent.objects.create(
        round=respondent.round,
        respondent=respondent,
        text=first.text,
        mode="web",
        given_at=first.given_at + timedelta(seconds=1),
    )
    assert current_consent(respondent) == newer and current_consent(respondent).withdrawn_at is None
    Consent.objects.filter(pk=newer.pk).update(withdrawn_at=now())
    assert current_consent(respondent) == first
    Consent.objects.update(withdrawn_at=now())
    assert current_consent(respondent) is None


def test_a_row_is_inserted_as_save_would(case):
    moment = now()
    contact = Contact(case=case, mode="web", at=moment, disposition="1.1", detail={"字": [1, None]})
    insert(contact)
    kept = Contact.objects.get()
    assert (kept.pk, kept.case, kept.detail, kept.at) == (contact.pk, case, {"字": [1, None]}, moment)
    assert kept.recorded_at == contact.recorded_at >= moment
    contact.disposition = "1.2"
    contact.save()  # an update, not a second row
    assert Contact.objects.get().disposition == "1.2"


def test_the_database_makes_the_key_where_the_model_has_none(open_round):
    made = Respondent(round=open_round, channel="browser")
    insert(made)
    assert Respondent.objects.get(pk=made.pk).public_id == made.public_id


def test_a_row_against_a_constraint_is_refused_and_the_transaction_goes_back(open_round):
    first = Respondent(round=open_round, channel="browser")
    insert(first)
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(Respondent(round=open_round, channel="door", public_id=first.public_id))
    assert Respondent.objects.get().channel == "browser"


def test_a_partly_read_row_knows_its_columns_in_whatever_order_they_come(case):
    partly = read(Case, ("status", "id"), ("opened", case.pk))
    assert (partly.status, partly.pk) == ("opened", case.pk)
    assert partly.get_deferred_fields() >= {"opaque_id", "number"} and partly.number == case.number


def test_a_statement_may_run_often_and_sees_what_changed_in_between(open_round):
    """PostgreSQL keeps the plan from the sixth time on."""
    sql = f"SELECT state FROM {Round._meta.db_table} WHERE id = %s"
    for state in ["open", "closed"] * 6:
        Round.objects.update(state=state)
        assert run(sql, [stored(Round, "id", open_round.pk)]) == [(state,)]


def test_handing_in_forgets_the_drafts_of_the_household_and_of_nobody_else(phone, letter, open_round):
    second = Phone().get_ready(letter[0])
    stranger = Respondent.objects.create(round=open_round, channel="browser")
    others = [Respondent.objects.get(public_id=second.key), stranger]
    for owner in [*others, Respondent.objects.get(public_id=phone.key)]:
        SavedDraft.objects.create(
            client_id=uuid.uuid4(),
            respondent=owner,
            sequence=1,
            document_hash="",
            content_cipher=b"x",
            saved_at=now(),
            received_at=now(),
        )
    phone.submit()
    assert [draft.respondent for draft in SavedDraft.objects.all()] == [stranger]


def test_a_refused_hand_in_leaves_the_household_as_it_was(phone, case):
    """The status is set first, so that phones of one household queue: it must go back with the rest."""
    before = Case.objects.get(pk=case.pk).status
    AuditEntry.objects.filter(sequence=1).update(sequence=10**6)  # the chain is broken
    ChainHead.objects.update(sequence=10**6 - 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        phone.submit()
    assert Case.objects.get(pk=case.pk).status == before and before != "completed"
    assert not Response.objects.exists() and not Contact.objects.filter(disposition="1.1").exists()


def test_the_chain_is_whole_after_a_first_entry_and_many(phone):
    phone.submit()
    count, broken = verify_chain()
    assert count == AuditEntry.objects.count() > 3 and broken == ""
    assert ChainHead.objects.get().sequence == count
