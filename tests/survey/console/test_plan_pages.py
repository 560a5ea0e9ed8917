"""The wizard before the commitment: what is typed stays, what follows is shown, what cannot be is said."""

from datetime import timedelta

import pytest

from survey.console.draw_pages import wait_words
from survey.console.plan import Plan
from survey.console.plan_charts import round_step
from survey.jobs.models import Job
from survey.jobs.services import run_job
from survey.sampling.models import Design, PlanDraft
from survey.sampling.precision import groups_of
from survey.sampling.services import preview_design
from survey.stats.planning import COST, EQUAL, NEYMAN, POWER, PROPORTIONAL, TARGETS
from survey.studies.models import Round
from tests import factories
from tests.survey.console.wizard import answers_on, send, settle

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def page(team, round_, step):
    return team.get(f"/console/rounds/{round_.pk}/sampling/{step}/")


def text(answer):
    assert answer.status_code == 200
    found = answer.content.decode()
    assert "None" not in found
    assert " style=" not in found
    assert "<script>" not in found
    return found


def test_without_a_frame_the_wizard_leads_to_the_import(team, regions):
    round_ = factories.make_round(factories.make_study(regions["370105000000"]))
    assert "还没有住户名录" in text(page(team, round_, "population"))
    for step in ("precision", "design", "simulation"):
        answer = team.get(f"/console/rounds/{round_.pk}/sampling/{step}/", follow=True)
        assert "导入名录" in text(answer)


def test_the_population_says_who_is_in_and_who_is_not(team, round_):
    found = page(team, round_, "population")
    assert found.context["population"].households == 180
    assert [d["name"] for d in found.context["districts"]] == ["天桥区"]
    assert "无影山街道" in text(found)


def test_what_was_typed_is_there_after_leaving_also_when_it_was_wrong(team, round_):
    send(team, round_, "precision", margin_street="4", response_rate="haha")
    kept = page(team, round_, "precision")
    assert 'value="haha"' in text(kept)
    assert kept.context["form"].data["margin_street"] == "4"
    send(team, round_, "precision", response_rate="55")
    assert PlanDraft.objects.get().answers["precision"]["response_rate"] == ["55"]
    assert "55" in text(page(team, round_, "precision"))


def test_each_step_says_what_it_decided_and_the_next_one_opens(team, round_):
    def states():
        steps = page(team, round_, "population").context["wizard"]
        return [step.state for step in steps[:4]]

    assert states() == ["now", "now", "todo", "todo"]
    send(team, round_, "population")
    send(team, round_, "precision", margin_district="8", take="5")
    assert states() == ["done", "done", "now", "todo"]
    send(team, round_, "design")
    assert states() == ["done", "done", "done", "now"]
    team.post(f"/console/rounds/{round_.pk}/sampling/simulation/run/")
    assert states() == ["done", "done", "done", "done"]


def test_going_on_leads_from_step_to_step(team, round_):
    assert send(team, round_, "population", go="on").url.endswith("/precision/")
    assert send(team, round_, "precision", go="on", margin_district="8", take="5").url.endswith("/design/")
    assert send(team, round_, "design", go="on").url.endswith("/simulation/")


def test_precision_shows_households_cost_curve_and_formulas_with_their_numbers(team, round_):
    send(team, round_, "precision", margin_district="8", take="5")
    found = page(team, round_, "precision")
    body = text(found)
    assert found.context["n"] >= 2
    assert '<svg class="curve"' in body
    assert "怎么算的" in body
    assert "Kish (1965)" in body
    assert "deff = 1 + (5 × 0.3 − 1) × 0.05 = 1.02" in body
    margins = [row["margin"] for row in found.context["curve_table"]]
    assert margins == sorted(margins, reverse=True)


def test_a_tenth_of_a_point_and_a_margin_beyond_the_street_are_said_to_be_impossible(team, round_):
    send(team, round_, "precision", margin_street="1", wanted_change="0.1", take="5")
    body = text(page(team, round_, "precision"))
    assert "做不到：要分清一个街道 0.1 分的变化" in body
    assert "天桥区一共只有 180 户" in body
    assert "全抽也只能到" in body


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"margin_city": "", "margin_district": "", "margin_street": ""}, "至少写一个误差"),
        ({"own": "火星街道 2"}, "没有找到“火星街道”"),
        ({"own": "无影山街道 两分"}, "里的数看不懂"),
        ({"own": "无影山街道 0"}, "数要大于 0"),
        ({"response_rate": "0"}, "1"),
        ({"rho": "2"}, "0.99"),
    ],
)
def test_wrong_answers_are_named_where_they_stand(team, round_, values, words):
    answer = send(team, round_, "precision", go="on", **values)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert answer.context["form"].errors


def test_a_place_with_its_own_margin_has_its_own_row(team, round_):
    send(team, round_, "precision", margin_district="8", own="无影山街道 ±9", take="5")
    rows = page(team, round_, "precision").context["needs"]
    assert [(row["name"], row["margin"]) for row in rows][-1] == ("无影山街道", 9.0)


@pytest.mark.parametrize("method", [PROPORTIONAL, EQUAL, POWER, NEYMAN, COST, TARGETS])
def test_every_allocation_can_be_stored_and_is_drawn_from_as_shown(team, round_, method):
    send(team, round_, "precision", margin_street="12", take="5")
    send(team, round_, "design", method=method, n_psus="5", take="5", spreads="无影山街道 30")
    shown = page(team, round_, "design").context
    assert shown["refusal"] == "" or shown["planned"] is None
    team.post(f"/console/rounds/{round_.pk}/sampling/settle/")
    assert Design.objects.get().plan == shown["planned"]


def test_a_simulation_stands_for_its_plan_only(team, round_):
    send(team, round_, "design", method="proportional", n_psus="4", take="5")
    team.post(f"/console/rounds/{round_.pk}/sampling/simulation/run/")
    found = page(team, round_, "simulation")
    rows = found.context["rows"]
    assert [row["name"] for row in rows] == ["无影山街道", "天桥东街街道"]
    assert sum(row["issued"] for row in rows) == 20
    assert "定下这个方案：20 户" in text(found)
    for sort in ("half", "households", "interviews", "nonsense"):
        text(team.get(f"/console/rounds/{round_.pk}/sampling/simulation/?sort={sort}"))
    send(team, round_, "design", method="proportional", n_psus="5", take="5")
    assert "方案改过了，再模拟一次" in text(page(team, round_, "simulation"))


def test_many_streets_are_simulated_as_a_job_with_progress(team, round_, monkeypatch):
    monkeypatch.setattr("survey.console.views.planning.AT_ONCE", 1)
    send(team, round_, "design", method="proportional", n_psus="4", take="5")
    answer = team.post(f"/console/rounds/{round_.pk}/sampling/simulation/run/")
    job = Job.objects.get(kind="sampling.forecast")
    assert answer.url == f"/console/jobs/{job.pk}/"
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.DONE, "")
    assert "去看结果" in text(team.get(answer.url))
    assert page(team, round_, "simulation").context["forecast"]["rows"]


def test_the_forecast_has_every_street_and_all_that_is_drawn(round_, lead):
    plan = Plan(round_, lead)
    spec = {
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": 5},
        ],
        "n_psus": 3,
    }
    planned = preview_design(round=round_, frame=plan.frame, spec=spec)
    groups = groups_of(planned)
    assert sorted(code for _group, streets in groups for code in streets) == ["370105001000", "370105003000"]
    assert sum(group.n for group, _streets in groups) == 3
    assert sum(sum(group.sizes) for group, _streets in groups) == 180


def test_a_closed_round_takes_no_more_answers(team, round_):
    Round.objects.filter(pk=round_.pk).update(state=Round.State.CLOSED)
    path = f"/console/rounds/{round_.pk}/sampling/precision/"
    assert team.post(path, answers_on(team, path)).status_code == 409
    assert not PlanDraft.objects.exists()


def test_one_street_alone_can_be_planned_and_stored(team, round_, regions):
    kept = [str(regions["370105001000"].pk)]
    send(team, round_, "population", streets=kept, exclude_reason="只做这一个")
    send(team, round_, "precision", margin_street="10", take="5")
    assert "无影山街道 0.1 分" in text(page(team, round_, "precision"))
    settle(team, round_, n_psus="2", take="5")
    assert Design.objects.get().plan["n_psus"] == 2


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "不到一分钟"),
        (59, "还有 59 分"),
        (61, "还有 1 小时 1 分"),
        (60 * 24 * 2 + 185, "还有 2 天 3 小时"),
    ],
)
def test_a_wait_is_said_in_words(minutes, words):
    assert wait_words(timedelta(minutes=minutes)) == words


@pytest.mark.parametrize(("span", "step"), [(5, 1), (12, 2.5), (100, 20), (0.4, 0.1), (120_000, 25_000)])
def test_axes_have_round_steps(span, step):
    assert round_step(span, 5) == pytest.approx(step)
