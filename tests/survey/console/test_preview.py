"""Trying a questionnaire: the resident's rules, and nothing stays."""

import json
import uuid

import pytest

from survey.questionnaires.services import store_draft
from survey.responses.models import Consent, Respondent, Response
from tests import factories
from tests.residents import ANSWERS, small_document

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def place(regions, lead):
    """A round and a draft version."""
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    version = store_draft(document=small_document(), acting_user=lead)
    return f"/console/rounds/{round_.pk}/questionnaire/{version.pk}/"


def hand_in(team, place, answers, mode="web"):
    body = {"id": str(uuid.uuid4()), "document": "", "language": "zh-hans", "answers": answers}
    return team.post(
        f"{place}try/?mode={mode}",
        json.dumps(body),
        content_type="application/json",
        headers={"Accept": "application/json"},
    )


def test_a_draft_is_shown_with_the_residents_renderer(team, place):
    page = team.get(f"{place}preview/").content.decode()
    assert "questionnaires/form.js" in page
    assert 'data-mode="web"' in page
    assert "试填，不保存" in page
    assert 'data-mode="door"' in team.get(f"{place}preview/?mode=door").content.decode()
    assert 'data-mode="web"' in team.get(f"{place}preview/?mode=<x>").content.decode()


def test_wrong_answers_are_told_like_a_residents(team, place):
    answer = hand_in(team, place, {"Q01": 99})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["item"] == "Q01"


def test_right_answers_lead_back_and_nothing_is_kept(team, place):
    answer = hand_in(team, place, ANSWERS)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["thanks_url"] == place
    assert "什么也没有保存" in team.get(place).content.decode()
    assert not Response.objects.exists()
    assert not Respondent.objects.exists()
    assert not Consent.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"answers": 3}', b"\xff\xfe"])
def test_nonsense_is_refused_in_words(team, place, body):
    answer = team.post(
        f"{place}try/", body, content_type="application/json", headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["detail"]
