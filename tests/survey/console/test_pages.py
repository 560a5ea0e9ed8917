"""The team's pages: each says where the round stands and what comes next."""

import pytest

from survey.console.next_step import next_step
from survey.console.steps import round_steps, standing
from survey.contacts.models import LetterBatch
from survey.responses.models import Response
from survey.sampling.models import Draw
from survey.studies.models import Round, Study
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STEP_PAGES = ("", "frame/", "questionnaire/", "sampling/", "letters/", "fieldwork/", "weighting/", "reports/")


def text(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def states(round_):
    return {step.key: step.state for step in round_steps(round_)}


def test_without_studies_the_first_page_says_how_to_begin(team):
    page = text(team.get("/console/"))
    assert "还没有调查项目" in page
    assert "/console/studies/new/" in page


def test_without_regions_it_says_to_import_them_first(client, db):
    user = factories.make_user("li")
    region = factories.Region.objects.create(code="370000000000", path="37", name="山东省", level="province")
    factories.Grant.objects.create(user=user, role="study_lead", region=region)
    region_free = factories.Region.objects.exclude(pk=region.pk)
    assert not region_free.exists()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert "新建项目" in text(client.get("/console/"))


def test_the_wizard_makes_a_study_and_its_first_round(team):
    body = {
        "title": "天桥区满意度调查",
        "region": "济南市",
        "scope": "天桥区，槐荫区",
        "sponsor": "调查组",
        "purpose": "看看哪些事该先办",
        "contact_phone": "0531-12345",
    }
    answer = team.post("/console/studies/new/", body)
    study = Study.objects.get()
    assert answer.url == f"/console/studies/{study.pk}/rounds/new/"
    assert {region.name for region in study.scope.all()} == {"天桥区", "槐荫区"}
    answer = team.post(answer.url, {"name": "2026 年下半年"})
    round_ = Round.objects.get()
    assert answer.url == f"/console/rounds/{round_.pk}/"
    page = text(team.get(answer.url))
    assert "导入住户名录" in page
    assert states(round_) == {
        "frame": "now",
        "questionnaire": "now",
        "sampling": "todo",
        "letters": "todo",
        "fieldwork": "todo",
        "weighting": "todo",
        "reports": "todo",
    }


def test_a_part_that_does_not_exist_or_lies_elsewhere_is_said_at_its_field(team):
    body = {"title": "甲", "region": "天桥区", "sponsor": "甲", "purpose": "甲", "contact_phone": "1"}
    page = text(team.post("/console/studies/new/", body | {"scope": "火星街道"}))
    assert "没有找到“火星街道”" in page
    page = text(team.post("/console/studies/new/", body | {"scope": "振兴街街道"}))
    assert "没有找到“振兴街街道”" in page
    assert not Study.objects.exists()


def test_a_round_that_ends_before_it_begins_is_refused_at_its_field(team, regions):
    study = factories.make_study(regions["370105000000"])
    body = {"name": "一", "opens_on": "2026-12-02", "closes_on": "2026-12-01"}
    assert "早于开始" in text(team.post(f"/console/studies/{study.pk}/rounds/new/", body))
    assert not Round.objects.exists()


@pytest.mark.parametrize("path", STEP_PAGES)
def test_every_step_of_an_empty_round_says_what_to_do(team, regions, path):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]), consent_text=None)
    page = text(team.get(f"/console/rounds/{round_.pk}/{path}"))
    assert "None" not in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize("path", STEP_PAGES)
def test_every_step_of_a_drawn_round_shows(team, drawn_round, path):
    page = text(team.get(f"/console/rounds/{drawn_round.pk}/{path}"))
    assert "None" not in page
    assert 'aria-current="page"' in page
    assert " style=" not in page
    assert "<script>" not in page


def test_steps_and_next_step_follow_the_round_to_its_end(drawn_round, lead):
    assert states(drawn_round)["sampling"] == "done"
    assert states(drawn_round)["letters"] == "now"
    assert next_step(standing(drawn_round), lead).title == "定下问卷和说明书"
    LetterBatch.objects.create(round=drawn_round, n_letters=12)
    drawn_round.state = Round.State.OPEN
    drawn_round.save()
    assert states(drawn_round)["fieldwork"] == "now"
    assert "12 户没有回音" in next_step(standing(drawn_round), lead).title
    drawn_round.state = Round.State.CLOSED
    drawn_round.save()
    assert (states(drawn_round)["letters"], states(drawn_round)["weighting"]) == ("done", "now")
    assert next_step(standing(drawn_round), lead).title == "计算权数和误差"


def test_who_may_not_do_the_next_step_is_told_who_does(drawn_round, regions):
    user = factories.make_user("sun", "supervisor", regions["370105000000"])
    step = next_step(standing(drawn_round), user)
    assert step.url == ""
    assert "由项目负责人来做" in step.text


def test_no_score_is_on_any_page_while_the_field_is_open(team, drawn_round):
    drawn_round.state = Round.State.OPEN
    drawn_round.save()
    page = text(team.get(f"/console/rounds/{drawn_round.pk}/"))
    assert "得分要等加权以后才显示" in page
    assert "RR1" in page


def answer(case, n=1):
    now = factories.now()
    return Response.objects.create(
        client_id=factories.uuid.uuid4(),
        content_hash="0" * 64,
        round=case.round,
        case=case,
        region=case.community,
        sample_kind="probability",
        mode="web",
        questionnaire_version=factories_version(),
        language="zh-hans",
        submitted_at=now,
        received_at=now,
    )


def factories_version():
    from survey.questionnaires.models import Questionnaire, QuestionnaireVersion

    questionnaire, _made = Questionnaire.objects.get_or_create(code="q", defaults={"title": "问卷"})
    version = questionnaire.versions.first()
    return version or QuestionnaireVersion.objects.create(
        questionnaire=questionnaire, number=1, document={}, document_hash="0" * 64
    )


def test_the_field_page_counts_by_street(team, drawn_round):
    drawn_round.state = Round.State.OPEN
    drawn_round.save()
    cases = list(drawn_round.cases.order_by("number"))
    for case in cases[:3]:
        answer(case)
    (district,) = team.get(f"/console/rounds/{drawn_round.pk}/fieldwork/").context["districts"]
    tiles = [row["tile"] for row in district["streets"]]
    assert [(tile.community.name, tile.n_cases, tile.n_done) for tile in tiles] == [
        ("无影山街道", 6, 3),
        ("天桥东街街道", 6, 0),
    ]
    figures = team.get(f"/console/rounds/{drawn_round.pk}/").context["figures"]
    assert figures["counts"]["I"] == 3
    assert figures["total"] == 12
    assert figures["rates"]["RR1"] == pytest.approx(3 / 12)


def test_a_void_draw_is_kept_in_sight_and_out_of_the_counts(team, drawn_round):
    Draw.objects.update(state=Draw.State.VOID)
    assert standing(drawn_round).draw is None
    assert standing(drawn_round).n_cases == 0
    assert "作废" in text(team.get(f"/console/rounds/{drawn_round.pk}/sampling/"))
    assert "districts" not in team.get(f"/console/rounds/{drawn_round.pk}/fieldwork/").context


def test_opening_lists_what_is_missing(team, regions):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    page = text(team.get(f"/console/rounds/{round_.pk}/open/"))
    assert "还没有抽样" in page
    assert "还没有选定指标" in page
    refused = team.post(f"/console/rounds/{round_.pk}/open/", {"sure": "on"})
    assert refused.status_code == 409
    assert "还不能开始" in refused.content.decode()


def test_a_deed_that_cannot_be_undone_is_confirmed_first(team, drawn_round):
    drawn_round.state = Round.State.OPEN
    drawn_round.save()
    team.post(f"/console/rounds/{drawn_round.pk}/close/", {})
    drawn_round.refresh_from_db()
    assert drawn_round.state == "open"
    team.post(f"/console/rounds/{drawn_round.pk}/close/", {"sure": "on"})
    drawn_round.refresh_from_db()
    assert drawn_round.state == "closed"


def test_five_thousand_rows_come_fifty_at_a_time(team, drawn_round):
    LetterBatch.objects.bulk_create(LetterBatch(round=drawn_round, n_letters=1) for _n in range(5000))
    page = text(team.get(f"/console/rounds/{drawn_round.pk}/letters/?page=100"))
    assert "第 100 / 100 页，共 5,000 条" in page
    assert page.count("1 封") == 50
    for wrong in ("abc", "-3", "999999"):
        assert team.get(f"/console/rounds/{drawn_round.pk}/letters/?page={wrong}").status_code == 200


def test_long_names_and_marks_are_shown_as_they_are(team, regions):
    title = "<script>alert(1)</script>" + "很长的名字" * 30
    study = factories.make_study(regions["370105000000"], title=title[:200])
    round_ = factories.make_round(study, name="名" * 100)
    page = text(team.get(f"/console/rounds/{round_.pk}/"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_the_badge_marks_simulated_rounds_only(team, regions):
    study = factories.make_study(regions["370105000000"])
    real = factories.make_round(study)
    made = Round.objects.create(study=study, number=2, name="模型", is_simulated=True)
    assert "模拟数据" not in text(team.get(f"/console/rounds/{real.pk}/"))
    assert "模拟数据" in text(team.get(f"/console/rounds/{made.pk}/"))


def test_the_column_remembers_the_round_that_was_looked_at(team, drawn_round):
    team.get(f"/console/rounds/{drawn_round.pk}/")
    assert drawn_round.name in text(team.get("/console/jobs/"))


def test_a_round_of_another_district_is_not_found(client, regions, drawn_round):
    user = factories.make_user("he", "study_lead", regions["370104000000"])
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    for path in STEP_PAGES:
        assert client.get(f"/console/rounds/{drawn_round.pk}/{path}").status_code == 404


def test_being_an_official_there_opens_nothing_to_an_analyst_of_elsewhere(client, regions, drawn_round):
    user = factories.make_user("ma", "analyst", regions["370104000000"])
    factories.Grant.objects.create(user=user, role="official", region=regions["370105000000"])
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(f"/console/rounds/{drawn_round.pk}/").status_code == 404
    assert drawn_round.study.title not in text(client.get("/console/"))
