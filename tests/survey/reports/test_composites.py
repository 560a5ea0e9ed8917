"""Composites of survey and inspection: what their interval covers, and scores that no resident gave."""

import math

import pytest

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.indicators.services import publish_indicator
from survey.reports.external import set_external_score
from survey.reports.models import ExternalScore
from survey.reports.notices import all_notices
from survey.reports.services import create_run
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def open_floor(measured):
    measured.small_cell_floor = 5
    measured.save()
    return measured


def test_a_composite_s_interval_covers_the_survey_only_unless_the_inspection_has_an_error(open_floor, lead):
    definition = {
        "components": [
            {"indicator": "score", "weight": 0.85},
            {"external": "inspection", "weight": 0.15},
        ]
    }
    version = publish_indicator(
        code="total", name="综合得分", kind="composite", definition=definition, acting_user=factories.SYSTEM
    )
    open_floor.indicator_versions.add(version)
    score = ExternalScore.objects.create(
        round=open_floor, code="inspection", domain="all", value=80, source="实地检查"
    )
    found = create_run(round=open_floor, acting_user=lead).document
    cell, part = found["estimates"]["total"]["all"], found["estimates"]["score"]["all"]
    assert cell["estimate"] == pytest.approx(0.85 * part["estimate"] + 0.15 * 80)
    assert cell["se"] == pytest.approx(0.85 * part["se"]) and cell["covers"] == "survey"
    assert found["estimates"]["total"]["370105001000"] == {"suppressed": "no_external"}
    assert any("缺 inspection" in text for text in all_notices(found))
    score.se = 4.0
    score.save()
    cell = create_run(round=open_floor, acting_user=lead).document["estimates"]["total"]["all"]
    assert cell["se"] == pytest.approx(math.hypot(0.85 * part["se"], 0.6)) and cell["covers"] == "all"


def test_groups_without_an_inspection_are_no_gap_but_a_place_is(open_floor, lead):
    parts = [{"indicator": "score", "weight": 85}, {"external": "inspection", "weight": 15, "name": "巡查"}]
    version = publish_indicator(
        code="total", name="综合得分", kind="composite", definition={"components": parts},
        acting_user=factories.SYSTEM,
    )  # fmt: skip
    open_floor.indicator_versions.add(version)
    for key in ("all", "370105000000", "370105001000", "370105003000"):
        ExternalScore.objects.create(
            round=open_floor, code="inspection", domain=key, value=80, source="实地检查"
        )
    found = create_run(round=open_floor, acting_user=lead).document
    assert found["estimates"]["total"]["sex:male"] == {"suppressed": "no_external"}
    assert not any("缺" in text for text in all_notices(found))
    ExternalScore.objects.filter(domain="370105003000").delete()
    found = create_run(round=open_floor, acting_user=lead).document
    assert any("缺 巡查 的分数" in text for text in all_notices(found))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"domain": "999999999999"}, "没有代码为"),
        ({"value": 101}, "0 到 100"),
        ({"se": -1.0}, "不能是负数"),
        ({"source": " "}, "从哪里来"),
    ],
)
def test_an_external_score_that_cannot_be_is_refused(measured, lead, values, reason):
    given = {"code": "inspection", "domain": "all", "value": 80.0, "source": "实地检查"} | values
    with pytest.raises(Problem) as refused:
        set_external_score(round=measured, acting_user=lead, **given)
    assert reason in refused.value.message


def test_an_external_score_is_replaced_and_leaves_a_trace(measured, lead, official):
    given = {"round": measured, "code": "inspection", "domain": "370105001000", "source": "实地检查"}
    set_external_score(value=80.0, acting_user=lead, **given)
    set_external_score(value=82.0, se=1.5, acting_user=lead, **given)
    assert ExternalScore.objects.get().value == 82.0
    assert AuditEntry.objects.filter(action="reports.external_score.set").count() == 2
    with pytest.raises(Problem):
        set_external_score(value=90.0, acting_user=official, **given)
