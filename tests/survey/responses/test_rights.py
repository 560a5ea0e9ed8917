"""Seeing, withdrawing, asking: what the device proves is done at once; a code alone proves nothing."""

import datetime
import uuid

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM, verify_chain
from survey.responses.deadlines import add_working_days
from survey.responses.models import Attachment, Consent, DataRequest, Response
from survey.responses.queries import snapshot
from survey.responses.receipts import id_range, receipt_of
from survey.responses.services import withdraw_response
from tests import factories
from tests.residents import Phone

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def answered(phone):
    """A phone that has handed in."""
    phone.token_before = phone.settings_of_form()["csrf"]
    phone.sent = phone.body()
    phone.send(phone.sent, phone.token_before)
    return phone


def test_the_phone_that_answered_sees_its_answers_in_words(answered):
    page = answered.http.get(answered.home + "mine").content.decode()
    for words in ("比较满意", "停车；绿化", "楼下的路灯坏了", "43", "女"):
        assert words in page


def test_the_code_alone_shows_no_answer_on_another_phone(answered, letter):
    stranger = Phone()
    page = stranger.scan(letter[0]).content.decode()
    assert "您家已经答过了" in page
    for path in ("", "mine", "thanks", "form", "plain", "answered"):
        html = stranger.land(stranger.http.get(stranger.home + path)).content.decode()
        assert (
            "路灯" not in html and "比较满意" not in html and "回执号" not in html.replace("核对回执号", "")
        )


def test_withdrawing_takes_two_taps_and_is_immediate(answered, case):
    asking = answered.http.get(answered.home + "mine?withdraw=1").content.decode()
    assert "真的要撤回吗" in asking
    page = answered.land(
        answered.tap("mine", {"kind": "deletion"}, token_from="mine?withdraw=1")
    ).content.decode()
    assert "已经撤回" in page and "路灯" not in page
    response = Response.objects.get()
    assert response.state == "withdrawn" and response.withdrawn_at and response.withdrawal_reason
    assert response.answers == {} and response.path == [] and response.paradata == {}
    assert response.open_text_cipher is None and response.content_hash == ""
    assert response.selected_person is None and response.person_probability is None
    assert Consent.objects.get().withdrawn_at
    case.refresh_from_db()
    assert case.status == "refused"


def test_what_was_withdrawn_is_in_no_estimate(answered, open_round):
    assert len(snapshot(open_round)["response_id"]) == 1
    withdraw_response(response=Response.objects.get(), reason="电话要求", acting_user=SYSTEM)
    assert snapshot(open_round)["response_id"] == []


def test_a_late_copy_of_a_withdrawn_answer_does_not_bring_it_back(answered):
    answered.tap("mine", {"kind": "deletion"}, token_from="mine?withdraw=1")
    assert answered.send(answered.sent, answered.token_before).status_code == 200
    response = Response.objects.get()
    assert response.state == "withdrawn" and response.answers == {}


def test_withdrawing_destroys_earlier_revisions_and_attachments(answered):
    newer = Response.objects.get()
    older = Response.objects.get()
    older.pk, older.client_id, older.state = uuid.uuid4(), uuid.uuid4(), "rejected"
    older.superseded_by = newer
    older.save(force_insert=True)
    Attachment.objects.create(
        response=older, item="photo", content_cipher=b"x", content_type="image/jpeg", content_hash="0" * 64
    )
    withdraw_response(response=newer, reason="电话要求", acting_user=SYSTEM)
    older.refresh_from_db()
    assert older.answers == {} and older.state == "withdrawn" and not Attachment.objects.exists()


def test_the_request_is_kept_with_its_date(answered):
    answered.tap("mine", {"kind": "access"}, token_from="mine?withdraw=1")
    request = DataRequest.objects.get()
    assert request.kind == "access" and request.done_at
    assert request.due_on == add_working_days(datetime.date.today(), 15)


def test_a_phone_that_proves_nothing_leaves_a_request_and_changes_nothing(answered, letter):
    other = Phone()
    other.scan(letter[0])
    page = other.land(other.tap("mine", {"kind": "deletion"}, token_from="mine")).content.decode()
    assert "申请收到了" in page
    request = DataRequest.objects.get()
    assert request.done_at is None and request.due_on
    assert Response.objects.get().state == "accepted"


def test_each_deed_is_in_the_audit_chain_without_answers(answered):
    answered.tap("mine", {"kind": "deletion"}, token_from="mine?withdraw=1")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {
        "responses.respondent.entered",
        "responses.consent.given",
        "responses.response.accepted",
        "responses.response.withdrawn",
        "responses.deletion.requested",
    } <= actions
    assert verify_chain()[1] == ""
    assert "路灯" not in str(list(AuditEntry.objects.values()))


def test_fifteen_working_days_skip_weekends():
    assert add_working_days(datetime.date(2026, 11, 23), 15) == datetime.date(2026, 12, 14)
    assert add_working_days(datetime.date(2026, 11, 27), 1) == datetime.date(2026, 11, 30)
    assert add_working_days(datetime.date(2026, 11, 28), 1) == datetime.date(2026, 11, 30)


def test_a_misread_receipt_is_noticed():
    receipt = receipt_of(uuid.UUID("0123456789abcdef0123456789abcdef"))
    first, last = id_range(receipt)
    assert first <= uuid.UUID("0123456789abcdef0123456789abcdef") <= last
    body = receipt.replace("-", "")
    for place in range(len(body)):
        wrong = "2" if body[place] != "2" else "3"
        assert id_range(body[:place] + wrong + body[place + 1 :]) is None
    assert id_range("XYZ") is None and id_range("") is None


@pytest.mark.parametrize("role", ["official", "interviewer"])
def test_officials_and_interviewers_see_no_single_response(answered, regions, role):
    user = factories.make_user("someone", role, regions["370100000000"])
    assert not Response.objects.visible_to(user).exists()


@pytest.mark.parametrize("role", ["administrator", "study_lead", "supervisor", "analyst"])
def test_the_team_sees_responses_of_its_own_subtree_only(answered, regions, role):
    here = factories.make_user("here", role, regions["370105000000"])
    there = factories.make_user("there", role, regions["370104000000"])
    assert Response.objects.visible_to(here).count() == 1
    assert not Response.objects.visible_to(there).exists()
