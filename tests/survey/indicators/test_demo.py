"""The demo's catalogue: targets, and a composite whose inspection is made up and says so."""

import pytest

from survey.audit.services import COMMAND
from survey.demo.indicators import INSPECTION, TARGETS, enter_inspections, publish_demo_indicators
from survey.indicators.services import load_default_indicators
from survey.reports.models import ExternalScore
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_the_catalogue_is_the_shipped_one_with_targets_and_a_composite_at_the_end(lead):
    *own, composite = publish_demo_indicators(lead)
    shipped = load_default_indicators(acting_user=COMMAND)
    assert [v.indicator.code for v in own] == [v.indicator.code for v in shipped]
    assert [v.definition for v in own] == [v.definition for v in shipped]
    assert {v.indicator.code: v.target for v in own if v.target is not None} == TARGETS
    weights = [part["weight"] for part in composite.definition["components"]]
    assert composite.kind == "composite" and weights == [85, 15]
    assert "模拟" in composite.definition["components"][1]["name"]
    assert composite.indicator.position > max(v.indicator.position for v in own)


def test_every_place_of_the_study_gets_an_inspection_that_is_named_as_made_up(regions, lead):
    round_ = factories.make_measured_round(regions["370105000000"], take=2)
    round_.study.scope.set([regions["370105000000"]])
    enter_inspections(round_, lead, seed=1)
    scores = {score.domain: score for score in ExternalScore.objects.filter(round=round_, code=INSPECTION)}
    assert set(scores) == {"all", "370105000000", "370105001000", "370105003000"}
    assert all(60 <= s.value <= 98 and s.se is None and "模拟" in s.source for s in scores.values())
    again = {key: score.value for key, score in scores.items()}
    enter_inspections(round_, lead, seed=1)
    assert again == dict(ExternalScore.objects.filter(round=round_).values_list("domain", "value"))
