"""What leaves for estimation, and what never does."""

import uuid

import pytest

from survey.common.clock import now
from survey.common.crypto import encrypt
from survey.contacts.models import SelectedPerson
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.responses.models import Response
from survey.responses.queries import case_columns, snapshot
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def drawn_round(regions):
    return factories.make_drawn_round(regions["370105000000"])


@pytest.fixture
def version(db):
    questionnaire = Questionnaire.objects.create(code="life", title="生活")
    return QuestionnaireVersion.objects.create(
        questionnaire=questionnaire, number=1, document={}, document_hash="0" * 64
    )


def make_response(round_, version, case=None, **values):
    person = None
    if case is not None:
        person = SelectedPerson.objects.create(
            case=case,
            method="next_birthday",
            n_eligible=3,
            probability=1 / 3,
            is_quasi_random=True,
            selected_at=now(),
        )
    defaults = {
        "client_id": uuid.uuid4(),
        "content_hash": "0" * 64,
        "region": case.community if case else round_.study.region,
        "sample_kind": "probability" if case else "volunteer",
        "mode": "web",
        "questionnaire_version": version,
        "language": "zh-hans",
        "answers": {"Q01": "1"},
        "selected_person": person,
        "person_probability": 1 / 3 if case else None,
        "submitted_at": now(),
        "received_at": now(),
    }
    return Response.objects.create(round=round_, case=case, **{**defaults, **values})


def test_every_column_has_one_value_per_response(drawn_round, version):
    cases = list(drawn_round.cases.all())
    make_response(drawn_round, version, cases[0], answers={"Q01": "1", "sex": "2"})
    make_response(drawn_round, version, cases[1], answers={"Q02": ["a", "b"]})
    make_response(drawn_round, version, cases[2], answers={"Q01": "5", "Q02": ["c"]})
    columns = snapshot(drawn_round)
    answers = columns.pop("answers")
    assert {len(values) for values in (*columns.values(), *answers.values())} == {3}
    by_case = {case: i for i, case in enumerate(columns["case_id"])}
    second = by_case[str(cases[1].opaque_id)]
    assert answers["Q01"][second] is None and answers["Q02"][second] == ["a", "b"]
    assert answers["Q01"][by_case[str(cases[2].opaque_id)]] == "5"


def test_a_response_carries_the_probability_of_each_stage_of_its_case(drawn_round, version):
    case = drawn_round.cases.get(number="1-00001")
    make_response(drawn_round, version, case)
    columns = snapshot(drawn_round)
    assert columns["stage1_probability"] == [case.stage1_probability] == [pytest.approx(2 / 3)]
    assert columns["stage2_probability"] == [pytest.approx(3 / 30)]
    assert columns["person_probability"] == [pytest.approx(1 / 3)] and columns["n_eligible"] == [3]
    assert columns["variance_stratum"] == [case.variance_stratum]
    assert columns["variance_psu"] == [case.variance_psu]
    assert columns["region_path"] == [case.community.path]


def test_withdrawn_rejected_and_corrected_responses_are_not_counted(drawn_round, version):
    cases = list(drawn_round.cases.all())
    make_response(drawn_round, version, cases[0], state="withdrawn", answers={})
    make_response(drawn_round, version, cases[1], state="rejected")
    old = make_response(drawn_round, version, cases[2], state="rejected")
    new = make_response(drawn_round, version, cases[2], revision=2)
    old.superseded_by, old.state = new, "accepted"
    old.save()
    assert snapshot(drawn_round)["response_id"] == [str(new.id)]


def test_a_volunteer_has_no_probability_and_is_named_as_such(drawn_round, version):
    make_response(drawn_round, version)
    columns = snapshot(drawn_round)
    assert columns["sample_kind"] == ["volunteer"]
    assert columns["case_id"] == columns["stage1_probability"] == columns["person_probability"] == [None]


def test_open_text_never_leaves_with_the_columns(drawn_round, version):
    case = drawn_round.cases.first()
    make_response(
        drawn_round, version, case, open_text_cipher=encrypt('{"Q90": "楼下太吵"}', "responses.open_text")
    )
    columns = snapshot(drawn_round)
    assert "Q90" not in columns["answers"] and "楼下太吵" not in str(columns)


def test_the_case_columns_tell_every_released_household_and_whether_it_answered(drawn_round, version):
    answered = drawn_round.cases.first()
    make_response(drawn_round, version, answered)
    columns = case_columns(drawn_round)
    assert len(columns["case_id"]) == drawn_round.cases.count()
    assert {c for c, yes in zip(columns["case_id"], columns["responded"], strict=True) if yes} == {
        str(answered.opaque_id)
    }
