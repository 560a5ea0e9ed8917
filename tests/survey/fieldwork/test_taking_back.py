"""An interview that was taken back stays taken back, whatever comes to the door afterwards."""

from datetime import timedelta

import pytest

from survey.audit.services import RESIDENT
from survey.common.clock import now
from survey.contacts.dispositions import Contacted, final
from survey.contacts.services import final_disposition, record_contact
from survey.responses.models import Response
from survey.responses.outcomes import outcome_counts
from survey.responses.services import withdraw_response

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def answered(field, case):
    ready = field.ready(case)
    reply = field.client.post(
        ready["submit_url"], field.body(document=ready["document_hash"]), content_type="application/json"
    )
    assert reply.status_code == 201, reply.content
    return Response.objects.get(case=case)


def test_a_visit_after_a_withdrawal_does_not_make_the_household_completed_again(answered, case, interviewer):
    withdraw_response(response=answered, reason="不想参加了", acting_user=RESIDENT)
    case.refresh_from_db()
    assert case.status == "refused"
    record_contact(case=case, mode="door", at=now(), disposition="2.24", acting_user=interviewer)
    case.refresh_from_db()
    assert case.status == "refused" and final_disposition(case).outcome_class == "R"
    assert outcome_counts(case.round)["R"] == 1 and "I" not in outcome_counts(case.round)


def test_a_clock_that_runs_ahead_does_not_save_a_withdrawn_interview(answered, case, interviewer):
    case.contacts.filter(disposition="1.1").update(at=now() + timedelta(hours=5))
    withdraw_response(response=answered, reason="", acting_user=RESIDENT)
    assert final_disposition(case).outcome_class == "R"


def test_an_interview_after_one_that_was_taken_back_counts():
    at = now()
    rows = [
        Contacted("door", at, "1.1"),
        Contacted("door", at + timedelta(hours=1), "", voids=True),
        Contacted("web", at + timedelta(hours=2), "1.1"),
    ]
    assert final(rows[:2]).code == "3.11" and final(rows).code == "1.1"
