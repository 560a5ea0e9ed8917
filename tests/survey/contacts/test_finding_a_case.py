"""From a code to its case: what is stored, what a reprint does, and how guessing is stopped."""

import logging

import pytest

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.contacts import codes
from survey.contacts.models import HouseholdCode
from survey.contacts.services import find_case_by_qr, find_case_by_typed, household_codes, issue_codes
from survey.studies.models import Round
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def _cache_table(db, django_db_blocker):
    from django.core.management import call_command

    call_command("createcachetable")


@pytest.fixture
def open_round(regions):
    return factories.make_drawn_round(regions["370105000000"], state=Round.State.OPEN)


@pytest.fixture
def issued(open_round, lead):
    return issue_codes(cases=open_round.cases.all(), batch=None, acting_user=lead)


def code_of(refusal):
    return refusal.value.code


def test_both_codes_lead_to_their_case(issued):
    for case, qr, typed in issued:
        assert find_case_by_qr(qr) == case
        assert find_case_by_typed(codes.shown(typed).lower(), address="203.0.113.7") == case


def test_only_keyed_hashes_are_stored(issued):
    stored = set(HouseholdCode.objects.values_list("code_hash", flat=True))
    assert len(stored) == 2 * len(issued)
    assert not stored & {code for _case, qr, typed in issued for code in (qr, typed)}
    assert all(len(value) == 64 for value in stored)
    trail = " ".join(str(e.detail) for e in AuditEntry.objects.all())
    assert not any(qr in trail or typed in trail for _case, qr, typed in issued)


def test_a_reprint_replaces_the_code_and_the_old_one_says_so(issued, lead):
    case, old_qr, old_typed = issued[0]
    [(_case, new_qr, new_typed)] = issue_codes(cases=[case], batch=None, acting_user=lead)
    assert find_case_by_qr(new_qr) == case
    assert find_case_by_typed(new_typed, address="203.0.113.7") == case
    with pytest.raises(Problem) as refusal:
        find_case_by_qr(old_qr)
    assert code_of(refusal) == "contacts.code_replaced"
    with pytest.raises(Problem) as refusal:
        find_case_by_typed(old_typed, address="203.0.113.7")
    assert code_of(refusal) == "contacts.code_replaced"
    other = issued[1]
    assert find_case_by_qr(other[1]) == other[0]


@pytest.mark.parametrize("text", ["", "abc", "0" * 26, "0" * 12, "\x00" * 26, "🙂" * 26])
def test_a_code_that_nobody_has_is_unknown(issued, text):
    with pytest.raises(Problem) as refusal:
        find_case_by_qr(text)
    assert code_of(refusal) == "contacts.code_unknown"
    with pytest.raises(Problem) as refusal:
        find_case_by_typed(text, address="203.0.113.7")
    assert code_of(refusal) == "contacts.code_unknown"


@pytest.mark.parametrize(
    ("state", "refused"), [("closed", "contacts.closed"), ("draft", "contacts.not_open")]
)
def test_outside_the_field_period_the_code_says_why(issued, open_round, state, refused):
    Round.objects.filter(pk=open_round.pk).update(state=state)
    with pytest.raises(Problem) as refusal:
        find_case_by_qr(issued[0][1])
    assert code_of(refusal) == refused


def test_a_void_draw_has_no_codes(issued, open_round):
    issued[0][0].draw.__class__.objects.filter(pk=issued[0][0].draw_id).update(state="void")
    with pytest.raises(Problem) as refusal:
        find_case_by_qr(issued[0][1])
    assert code_of(refusal) == "contacts.code_unknown"


def test_an_address_that_guesses_is_stopped_even_with_the_right_code_and_others_are_not(issued):
    case, _qr, typed = issued[0]
    for _ in range(household_codes.ADDRESS_LIMIT):
        with pytest.raises(Problem) as refusal:
            find_case_by_typed(codes.new_typed_code(), address="203.0.113.7")
        assert code_of(refusal) == "contacts.code_unknown"
    with pytest.raises(Problem) as refusal:
        find_case_by_typed(typed, address="203.0.113.7")
    assert (code_of(refusal), refusal.value.status) == ("common.too_many", 429)
    assert find_case_by_typed(typed, address="203.0.113.8") == case


def test_an_ipv6_subscriber_cannot_hop_through_his_own_network(issued):
    for i in range(household_codes.ADDRESS_LIMIT):
        with pytest.raises(Problem):
            find_case_by_typed("nonsense", address=f"2001:db8:1:2::{i:x}")
    with pytest.raises(Problem) as refusal:
        find_case_by_typed(issued[0][2], address="2001:db8:1:2:ffff::1")
    assert code_of(refusal) == "common.too_many"
    assert find_case_by_typed(issued[0][2], address="2001:db8:1:3::1") == issued[0][0]


def test_codes_that_are_right_never_use_up_the_tries(issued):
    case, _qr, typed = issued[0]
    for _ in range(household_codes.ADDRESS_LIMIT + 5):
        assert find_case_by_typed(typed, address="203.0.113.7") == case


def test_a_round_that_is_guessed_at_from_everywhere_shuts_typed_codes_but_not_qr(issued, monkeypatch):
    monkeypatch.setattr(household_codes, "ROUND_LIMIT", 20)
    for i in range(25):
        with pytest.raises(Problem) as refusal:
            find_case_by_typed(codes.new_typed_code(), address=f"198.51.100.{i}")
        assert code_of(refusal) == "contacts.code_unknown"
    case, qr, typed = issued[0]
    with pytest.raises(Problem) as refusal:
        find_case_by_typed(typed, address="203.0.113.9")
    assert code_of(refusal) == "common.too_many"
    assert find_case_by_qr(qr) == case


def test_a_slip_of_the_finger_does_not_count_against_the_round(issued, monkeypatch):
    monkeypatch.setattr(household_codes, "ROUND_LIMIT", 3)
    case, _qr, typed = issued[0]
    wrong = ("1" if typed[0] != "1" else "2") + typed[1:]
    for i in range(6):
        with pytest.raises(Problem):
            find_case_by_typed(wrong, address=f"198.51.100.{i}")
    assert find_case_by_typed(typed, address="203.0.113.9") == case


def test_codes_never_reach_the_log(issued, client, caplog):
    from survey.common.logs import RedactCodes

    caplog.handler.addFilter(RedactCodes())
    _case, qr, typed = issued[0]
    with caplog.at_level(logging.DEBUG):
        client.get(f"/s/{qr}")
        client.post(f"/s/{qr}")
        client.post("/s/", {"code": typed})
        logging.getLogger("gunicorn.access").info('"GET /s/%s HTTP/1.1" 200', qr)
    assert qr not in caplog.text
    assert typed not in caplog.text
