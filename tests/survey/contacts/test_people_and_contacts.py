"""Contacts that move a case's status, rosters that stay locked, and who is asked with which probability."""

import json
from datetime import timedelta

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import RESIDENT, verify_chain
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.contacts import queries
from survey.contacts.household import choose, normalise, roster_hash
from survey.contacts.models import Contact, HouseholdRoster, SelectedPerson
from survey.contacts.services import (
    choose_person,
    edit_roster,
    lock_roster,
    record_contact,
    record_next_birthday,
    roster_members,
)
from survey.contacts.services.contacting import final_disposition
from survey.sampling.models import Case
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

COUPLE = [{"label": "妈妈", "sex": "female", "age": 60}, {"label": "爸爸", "sex": "male", "age": 62}]


@pytest.fixture
def case(regions):
    return factories.make_drawn_round(regions["370105000000"]).cases.first()


def contacted(case, lead, *codes, mode="door"):
    """Record contacts an hour apart and give the case's status after them."""
    for hours, code in enumerate(codes):
        at = now() - timedelta(hours=24 - hours)
        record_contact(case=case, mode=mode, at=at, disposition=code, acting_user=lead)
    case.refresh_from_db()
    return case.status


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        (["2.24"], "waiting"),
        (["2.24", "2.111"], "refused"),
        (["2.111", "2.24"], "refused"),
        (["2.111", "1.1"], "completed"),
        (["1.2"], "completed"),
        (["4.61"], "ineligible"),
        (["4.61", "2.24"], "ineligible"),
        (["3.18"], "unknown"),
        (["3.18", "2.24"], "unknown"),
        (["2.32"], "unable"),
        (["2.24", "2.33", "2.24"], "unable"),
    ],
)
def test_a_cases_status_follows_from_its_contacts(case, lead, codes, status):
    assert contacted(case, lead, *codes) == status


def test_a_letter_leaves_the_case_waiting_and_a_page_opens_it(case, lead):
    assert contacted(case, lead, "", mode="letter") == Case.Status.WAITING
    assert final_disposition(case).code == "3.19"
    assert contacted(case, lead, "", mode="web") == Case.Status.OPENED


def test_a_contact_keeps_its_note_encrypted_and_its_audit_entry_without_it(case, lead):
    contact = record_contact(
        case=case, mode="door", at=now(), disposition="2.24", acting_user=lead, note=" 狗很凶 "
    )
    assert "狗".encode() not in bytes(contact.note_cipher)
    assert decrypt(contact.note_cipher, "contacts.note") == "狗很凶"
    entry = AuditEntry.objects.get(action="contacts.contact.recorded")
    assert entry.detail == {"case": case.number, "mode": "door", "disposition": "2.24"}
    assert entry.region_code == case.community.code
    assert verify_chain()[1] == ""


@pytest.mark.parametrize(
    ("mode", "code"), [("door", "9.9"), ("door", "3.0"), ("door", "3.19"), ("pigeon", "1.1")]
)
def test_a_code_that_the_mode_does_not_have_is_refused(case, lead, mode, code):
    with pytest.raises(Problem) as refusal:
        record_contact(case=case, mode=mode, at=now(), disposition=code, acting_user=lead)
    assert refusal.value.code == "common.invalid"
    assert not Contact.objects.exists()


def test_a_roster_is_locked_in_its_order_encrypted_and_hashed(case, lead):
    roster = lock_roster(case=case, members=COUPLE, acting_user=lead)
    assert [m.label for m in roster_members(roster)] == ["爸爸", "妈妈"]
    assert roster.roster_hash == roster_hash(normalise(COUPLE))
    assert "妈妈".encode() not in bytes(roster.members_cipher)
    assert lock_roster(case=case, members=COUPLE[::-1], acting_user=lead) == roster
    with pytest.raises(Problem) as refusal:
        lock_roster(case=case, members=COUPLE[:1], acting_user=lead)
    assert refusal.value.code == "fieldwork.roster_locked"
    assert "爸爸" not in json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_the_choice_comes_from_the_cases_seed_and_is_made_once(case, lead):
    roster = lock_roster(case=case, members=COUPLE, acting_user=lead)
    person = choose_person(case=case, roster=roster, acting_user=lead)
    assert person.chosen_index == choose(case.selection_seed, 2)
    assert (person.method, person.probability, person.is_quasi_random) == ("uniform", 0.5, False)
    assert choose_person(case=case, roster=roster, acting_user=lead) == person
    assert SelectedPerson.objects.count() == 1


def test_an_edit_needs_a_reason_keeps_the_old_list_and_is_flagged_only_after_a_choice(case, lead):
    first = lock_roster(case=case, members=COUPLE[:1], acting_user=lead)
    with pytest.raises(Problem):
        edit_roster(case=case, members=COUPLE, reason=" ", acting_user=lead)
    second = edit_roster(case=case, members=COUPLE, reason="漏了爸爸", acting_user=lead)
    assert (second.number, second.changed_after_choice) == (2, False)
    with pytest.raises(Problem) as refusal:
        choose_person(case=case, roster=first, acting_user=lead)
    assert refusal.value.code == "fieldwork.roster_locked"
    choose_person(case=case, roster=second, acting_user=lead)
    third = edit_roster(case=case, members=COUPLE[:1], reason="爸爸不住这里", acting_user=lead)
    assert (third.number, third.changed_after_choice) == (3, True)
    assert HouseholdRoster.objects.filter(case=case).count() == 3
    assert edit_roster(case=case, members=COUPLE[:1], reason="再存一次", acting_user=lead) == third


def test_next_birthday_is_labelled_quasi_random_and_kept_once_for_the_same_count(case):
    person = record_next_birthday(case=case, n_eligible=3, acting_user=RESIDENT)
    assert (person.method, person.is_quasi_random, person.roster) == ("next_birthday", True, None)
    assert person.probability == pytest.approx(1 / 3)
    assert record_next_birthday(case=case, n_eligible=3, acting_user=RESIDENT) == person
    other = record_next_birthday(case=case, n_eligible=2, acting_user=RESIDENT)
    assert other.pk != person.pk
    assert AuditEntry.objects.filter(action="contacts.person.chosen").count() == 2


@pytest.mark.parametrize("n", [0, -1, 31])
def test_a_household_of_no_adults_or_a_dormitory_is_no_choice(case, n):
    with pytest.raises(Problem) as refusal:
        record_next_birthday(case=case, n_eligible=n, acting_user=RESIDENT)
    assert refusal.value.code == "common.invalid"
    assert not SelectedPerson.objects.exists()


@pytest.mark.parametrize(
    ("name", "spoken"),
    [
        ("纬十二路社区居委会", "纬十二路社区"),
        ("坔窝村村民委员会", "坔窝村"),
        ("天桥东街社区居民委员会", "天桥东街社区"),
        ("居委会", "居委会"),
        ("绿园社区", "绿园社区"),
    ],
)
def test_a_community_is_named_as_people_say_it(name, spoken):
    assert queries.spoken_name(name) == spoken


def test_places_and_addresses_of_many_households_cost_one_query(case, django_assert_num_queries):
    cases = queries.cases_for_letters(case.round, step="letter")
    with django_assert_num_queries(1):
        lines = [(queries.place_of(c.community), queries.address_of(c)) for c in cases]
    assert lines[0][0] == "济南市 天桥区 无影山街道 济洛路社区"
    assert len(lines) == 12
