"""Indicators: rules are checked, versions never change, the same rule is one version."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey.audit.models import AuditEntry
from survey.audit.services import COMMAND
from survey.common.errors import Problem
from survey.indicators.models import IndicatorVersion
from survey.indicators.services import check_definition, load_default_indicators, publish_indicator
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

SCORE = {"items": [{"name": "S01", "points": {"1": 0, "5": 100}}], "excluded_codes": ["-1"], "min_valid": 1}


def publish(definition=SCORE, **values):
    defaults = {"code": "score", "name": "满意度得分", "kind": "mean_score", "acting_user": COMMAND}
    return publish_indicator(definition=definition, **{**defaults, **values})


def test_the_same_rule_is_one_version_and_another_is_the_next(db):
    first = publish()
    assert publish() == first
    second = publish({**SCORE, "items": [{"name": "S01", "points": {"1": 20, "5": 100}}]})
    assert (first.number, second.number) == (1, 2)
    first.refresh_from_db()
    assert first.definition == SCORE
    assert AuditEntry.objects.filter(action="indicators.version.published").count() == 2


def test_going_back_to_an_earlier_rule_gives_its_version(db):
    first = publish()
    publish(target=80.0)
    assert publish() == first
    assert IndicatorVersion.objects.count() == 2


def test_a_new_name_is_not_a_new_rule(db):
    version = publish()
    assert publish(name="总体满意度得分") == version
    version.indicator.refresh_from_db()
    assert version.indicator.name == "总体满意度得分"


@pytest.mark.parametrize(
    ("kind", "definition", "reason"),
    [
        ("median", SCORE, "得分、比例或合成"),
        ("mean_score", {"items": []}, "哪几道题"),
        ("mean_score", {"items": [{"name": ""}]}, "题名"),
        ("mean_score", {"items": [{"name": "A", "points": {"1": 1}}] * 2}, "重复"),
        ("mean_score", {"items": [{"name": "A"}]}, "折算几分"),
        ("mean_score", {"items": [{"name": "A", "points": {"1": 101}}]}, "0 到 100"),
        ("share", {"items": [{"name": "A"}]}, "哪些选项算数"),
        ("share", {"items": [{"name": "A"}], "top_codes": ["1"], "excluded_codes": [1]}, "又算数又剔除"),
        ("share", {"items": [{"name": "A"}], "top_codes": ["1"], "min_valid": 2}, "最少有效题数"),
    ],
)
def test_a_rule_that_cannot_be_computed_is_refused_with_the_reason(kind, definition, reason):
    with pytest.raises(Problem) as refusal:
        publish(definition, kind=kind)
    assert reason in refusal.value.message
    assert "score" in refusal.value.message
    assert not IndicatorVersion.objects.exists()


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(max_size=3),
        st.one_of(st.integers(), st.floats(allow_nan=True), st.none(), st.text(max_size=3)),
        max_size=4,
    )
)
def test_points_are_accepted_exactly_when_all_lie_between_0_and_100(points):
    fits = bool(points) and all(
        isinstance(p, int | float) and not isinstance(p, bool) and 0 <= p <= 100 for p in points.values()
    )
    try:
        check_definition("x", "mean_score", {"items": [{"name": "A", "points": points}]})
    except Problem:
        assert not fits
    else:
        assert fits


def test_officials_publish_no_rule(regions, official):
    with pytest.raises(Problem) as refusal:
        publish(acting_user=official)
    assert refusal.value.code == "common.forbidden"


def test_a_lead_publishes_a_rule_in_her_name(regions):
    publish(acting_user=factories.make_user("li", "study_lead", regions["370100000000"]))
    assert AuditEntry.objects.get(action="indicators.version.published").actor_name == "li"


def test_a_catalogue_with_one_bad_rule_loads_nothing(tmp_path):
    path = tmp_path / "indicators.json"
    good = {
        "code": "a",
        "name": "甲",
        "kind": "share",
        "definition": {"items": [{"name": "A"}], "top_codes": ["1"]},
    }
    path.write_text(json.dumps([good, {**good, "code": "b", "kind": "mean_score"}]), encoding="utf-8")
    with pytest.raises(Problem):
        load_default_indicators(acting_user=COMMAND, path=path)
    assert not IndicatorVersion.objects.exists()


def test_the_shipped_catalogue_loads_twice_to_the_same_versions(db):
    first = load_default_indicators(acting_user=COMMAND)
    assert len(first) >= 6
    assert load_default_indicators(acting_user=COMMAND) == first


@pytest.mark.parametrize(
    ("components", "reason"),
    [
        ([], "至少要有两个"),
        ([{"indicator": "score", "weight": 0.85}, {"external": "inspection", "weight": 0}], "大于 0"),
        ([{"indicator": "score", "weight": 1}, {"indicator": "a", "external": "b", "weight": 1}], "要么"),
        ([{"external": "a", "weight": 1}, {"external": "b", "weight": 1}], "来自问卷"),
        ([{"indicator": "nothing", "weight": 1}, {"external": "b", "weight": 1}], "没有叫 nothing"),
    ],
)
def test_a_composite_of_parts_that_cannot_be_added_is_refused(components, reason):
    with pytest.raises(Problem) as refusal:
        publish_indicator(
            code="total",
            name="综合",
            kind="composite",
            definition={"components": components},
            acting_user=COMMAND,
        )
    assert reason in refusal.value.message
