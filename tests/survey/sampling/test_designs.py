"""A design is checked against its frame and stored with strata and a plan, before anything is drawn."""

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.canonical import sha256_of
from survey.common.errors import Problem
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.sampling.models import PSU, Case, Design, FrameUnit
from survey.sampling.queries import strata_table
from survey.sampling.services import create_design
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def make_spec(take=5, **values):
    stages = [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": take},
    ]
    return {"algorithm": "two-stage-pps-1", "stages": stages, "n_psus": 4, **values}


@pytest.fixture
def round_(regions):
    return factories.make_round(factories.make_study(regions["370105000000"]))


@pytest.fixture
def frame(regions):
    return factories.make_frame(regions["370105000000"])


def design(round_, frame, **values):
    return create_design(round=round_, frame=frame, spec=make_spec(**values), acting_user=SYSTEM)


def resize(frame, code, keep):
    """Leave `keep` households in a community (for designs only: the frame's hash no longer fits)."""
    units = frame.units.filter(community__code=code).order_by("position").values_list("pk", flat=True)
    FrameUnit.objects.filter(pk__in=list(units[keep:])).delete()
    count(frame)


def count(frame):
    """Bring the counts of a frame's communities up to its changed households."""
    for tree in frame.trees.all():
        units = frame.units.filter(community=tree.community)
        family = units.filter(is_collective=False).count()
        frame.trees.filter(pk=tree.pk).update(n_family=family, n_collective=units.count() - family)
    frame.trees.filter(n_family=0, n_collective=0).delete()


def test_streets_are_strata_and_communities_are_psus(round_, frame):
    made = design(round_, frame)
    strata = list(
        made.strata.values_list("code", "kind", "n_psus_frame", "n_psus_take", "n_households_frame")
    )
    assert strata == [("370105001000", "streets", 3, 2, 90), ("370105003000", "streets", 3, 2, 90)]
    assert PSU.objects.filter(frame=frame).count() == 6
    assert made.plan["n_cases"] == 20
    assert made.plan["variance"]["is_approximate"] is True
    assert "Wolter" in made.plan["variance"]["source"]
    assert Case.objects.count() == 0
    assert made.locked_at is None
    assert AuditEntry.objects.filter(action="sampling.design.created").count() == 1


def test_a_questionnaire_with_quotas_is_not_drawn_for(round_, frame):
    version = QuestionnaireVersion.objects.create(
        questionnaire=Questionnaire.objects.create(code="quotas", title="有配额的问卷"),
        number=1,
        state=QuestionnaireVersion.State.PUBLISHED,
        document={"quotas": [{"name": "old", "limit": 10}]},
        document_hash="0" * 64,
    )
    type(round_).objects.filter(pk=round_.pk).update(questionnaire_version=version)
    with pytest.raises(Problem, match="配额"):
        design(round_, frame)
    assert not Design.objects.exists()


def test_the_stored_spec_has_every_default_written_out(round_, frame):
    made = design(round_, frame, reserve_replicates=2)
    assert made.spec["min_psus_per_stratum"] == 2
    assert made.spec["reserve_take"] == 1
    assert made.spec["stages"][0]["order"] == "random"
    assert made.spec_hash == sha256_of(made.spec)
    assert made.plan["n_cases_with_reserves"] == 4 * (5 + 2)


def test_small_communities_are_joined_into_one_psu(round_, frame):
    resize(frame, "370105001001", 2)
    made = design(round_, frame)
    assert made.plan["joined_psus"] == [["370105001001", "370105001002"]]
    psu = PSU.objects.get(frame=frame, code="370105001001")
    assert psu.n_households == 32
    assert psu.communities.count() == 2
    assert psu.name == "济洛路社区居委会、无影山中路社区居委会"


def test_streets_joined_before_the_draw_say_so(round_, frame):
    resize(frame, "370105001001", 1)
    resize(frame, "370105001002", 1)
    made = design(round_, frame, n_psus=2)
    stratum = made.strata.get()
    assert stratum.code == "370105001000+1"
    assert stratum.streets.count() == 2
    assert stratum.joining_rule == "next-street-of-district: few-psus"
    assert (stratum.n_psus_frame, stratum.n_psus_take, stratum.n_households_frame) == (4, 2, 122)


def test_a_large_community_is_a_certainty_stratum(round_, frame):
    for code in ("370105001002", "370105001003", "370105003001", "370105003002", "370105003003"):
        resize(frame, code, 10)
    made = design(round_, frame, n_psus=3)  # interval 80/3 = 26.7; 370105001001 has 30
    assert list(made.strata.values_list("code", "kind")) == [
        ("370105001000+1", "streets"),
        ("370105001001", "certainty"),
    ]


def test_collective_and_empty_and_excluded_parts_are_named_with_a_reason(round_, frame):
    frame.units.filter(community__code="370105001001", position__lte=4).update(is_collective=True)
    count(frame)
    resize(frame, "370105003003", 0)
    exclude = [{"code": "370105003002", "reason": "正在拆迁"}]
    with pytest.raises(Problem):  # one community is left in the second street, and 天桥区 has two streets
        design(round_, frame, n_psus=6, exclude=exclude)
    made = design(round_, frame, n_psus=3, exclude=exclude)
    assert made.plan["collective_households"] == {"n": 4, "reason": "outside_population"}
    assert made.plan["excluded"] == [{"code": "370105003002", "reason": "正在拆迁", "n_households": 30}]
    assert made.plan["n_households"] == 26 + 30 + 30 + 30
    assert made.plan["empty_communities"] == []


def test_only_the_scope_of_the_study_is_in_the_population(regions):
    study = factories.make_study(regions["370100000000"])
    study.scope.set([regions["370105003000"]])
    frame = factories.make_frame(regions["370100000000"])
    made = design(factories.make_round(study), frame, n_psus=2)
    assert made.plan["n_households"] == 90
    assert [s["code"] for s in made.plan["strata"]] == ["370105003000"]


def test_designs_of_one_frame_share_psus_only_when_their_rule_is_the_same(round_, frame):
    resize(frame, "370105001001", 8)
    first, second = design(round_, frame, take=5), design(round_, frame, take=4)
    third = design(round_, frame, take=5)
    rules = [d.plan["rules"]["psu_set"] for d in (first, second, third)]
    assert rules == ["next-in-street>=5", "next-in-street>=4", "next-in-street>=5"]
    assert PSU.objects.filter(frame=frame, joining_rule="next-in-street>=5").count() == 6
    fourth = design(round_, frame, take=9)
    assert fourth.plan["joined_psus"] == [["370105001001", "370105001002"]]


@pytest.mark.parametrize(
    ("values", "reason", "possible"),
    [
        ({"n_psus": 7}, "只有 6 个", "最多抽 6 个"),
        ({"n_psus": 6, "take": 40}, "只有 2 个", "最多抽 2 个社区，或每个抽样单位（连同备用）最多抽 30 户"),
        ({"n_psus": 1}, "不够让每层至少有 2 个", "增加到 2 个"),
        ({"take": 100}, "无影山街道只有 90 户", "最多抽 90 户"),
        ({"n_psus": {"370105001000": 2}}, "天桥东街街道等 1 个街道没有分配", "2 个街道"),
        (
            {"n_psus": {"370105001000": 2, "370105003000": 2, "370104000000": 2}},
            "槐荫区分到了社区，可是名录里没有",
            "只给名录里有家庭户的 2 个街道分配",
        ),
        ({"n_psus": {"370105001000": 2, "370105003000": 9}}, "只有 3 个", "最多分配 3 个"),
    ],
)
def test_a_design_that_cannot_be_met_is_refused_with_what_could(round_, frame, values, reason, possible):
    with pytest.raises(Problem) as caught:
        design(round_, frame, **values)
    assert caught.value.code == "sampling.impossible"
    assert reason in caught.value.message
    assert possible in caught.value.message
    assert Design.objects.count() == 0
    assert PSU.objects.count() == 0


@pytest.mark.parametrize(
    "values",
    [
        {"stages": []},
        {"stages": [{"unit": "psu", "method": "cube"}, {"unit": "household", "method": "srs", "take": 5}]},
        {"take": 0},
        {"take": "22"},
        {"n_psus": True},
        {"n_psus": None},
        {"algorithm": "other"},
        {"reserve_replicates": -1},
        {"min_psus_per_stratum": 1},
        {"exclude": [{"code": "370105003002"}]},
        {"exclude": [{"code": "999999999999", "reason": "x"}]},
        {"strata": "district"},
        {"colour": "blue"},
    ],
)
def test_a_specification_that_cannot_be_read_is_refused_in_words(round_, frame, values):
    with pytest.raises(Problem) as caught:
        design(round_, frame, **values)
    assert caught.value.code == "common.invalid"
    assert Design.objects.count() == 0


def test_a_frame_that_is_still_being_imported_and_a_closed_round_are_refused(round_, frame):
    frame.state = "importing"
    with pytest.raises(Problem, match="处理"):
        design(round_, frame)
    frame.state, round_.state = "ready", "closed"
    with pytest.raises(Problem, match="锁定"):
        design(round_, frame)


def test_an_empty_scope_is_refused(regions, frame):
    elsewhere = factories.make_round(factories.make_study(regions["370104000000"]))
    with pytest.raises(Problem, match="没有家庭户"):
        design(elsewhere, frame)


def test_the_strata_table_is_the_teams_alone(round_, frame, lead, official, interviewer):
    made = design(round_, frame)
    rows = strata_table(lead, made)
    assert [(row["name"], row["n_cases"], row["weight"]) for row in rows] == [
        ("无影山街道", 10, 9.0),
        ("天桥东街街道", 10, 9.0),
    ]
    assert strata_table(official, made) == []
    assert strata_table(interviewer, made) == []
