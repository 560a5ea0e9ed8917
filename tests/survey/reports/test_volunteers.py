"""Volunteers beside the report: a part of their own, off by default, which nothing else reads."""

import copy
import io
import uuid

import numpy as np
import pytest
from django.urls import reverse
from openpyxl import load_workbook

from survey.common.clock import now
from survey.common.errors import Problem
from survey.indicators.models import IndicatorVersion
from survey.regions.models import Region
from survey.reports import snapshots
from survey.reports.files import figures_csv
from survey.reports.inputs import read_inputs
from survey.reports.method import method_rows
from survey.reports.models import WeightRecipe
from survey.reports.office.excel import figures_workbook
from survey.reports.pages import page_context
from survey.reports.reading import Reading, no_link
from survey.reports.services import create_run, publish_report
from survey.reports.tables_api import public_tables
from survey.reports.volunteer_page import volunteers_context
from survey.reports.volunteer_words import LABEL, REFUSALS, refusal_words, rows_of, verdict
from survey.responses.models import Flag, Response
from survey.responses.volunteers import SAME_DEVICE
from tests import factories
from tests.survey.reports.conftest import answers_of

pytestmark = [pytest.mark.django_db, pytest.mark.database]

PLACES, PER_PLACE = 12, 40


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def volunteer(round_, region, **answers):
    return Response(
        client_id=uuid.uuid4(),
        content_hash="x",
        round=round_,
        region=region,
        sample_kind="volunteer",
        mode="web",
        questionnaire_version=round_.questionnaire_version,
        language="zh-hans",
        answers=answers,
        submitted_at=now(),
        received_at=now(),
    )


def ask_volunteers(round_, street, *, per_place=PER_PLACE, places=PLACES, seed=3):
    """Volunteers of many communities: three of four are women, most are old, all rather content."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(places):
        path = f"{street.path}{100 + number}"
        region, _new = Region.objects.get_or_create(
            code=path,
            defaults={"path": path, "name": f"{number} 社区", "level": "community", "parent": street},
        )
        for _ in range(per_place):
            answers = {
                "S02": int(rng.choice([22, 35, 50, 65, 80], p=[0.08, 0.12, 0.2, 0.4, 0.2])),
                "D01": int(rng.choice([1, 2], p=[0.25, 0.75])),
                "Q20": int(rng.choice([1, 2, 3, 4, 5], p=[0.1, 0.1, 0.2, 0.3, 0.3])),
            }
            made.append(volunteer(round_, region, **answers))
    Response.objects.bulk_create(made)
    return made


@pytest.fixture
def measured(regions):
    """天桥区 with 120 answers: every household of the four drawn communities."""
    round_ = factories.make_measured_round(regions["370105000000"], take=30, state="open")
    factories.make_responses(round_, answers_of)
    return round_


@pytest.fixture
def crowd(measured, regions):
    return ask_volunteers(measured, regions["370105001000"])


@pytest.fixture
def blended(measured, crowd, lead):
    return create_run(round=measured, acting_user=lead, volunteers=True)


def test_without_being_asked_for_there_is_no_such_part(measured, crowd, lead):
    run = create_run(round=measured, acting_user=lead)
    assert "volunteers" not in run.document and "volunteers" not in run.recipe.spec
    assert not any(str(LABEL) in term for term, _words in method_rows(Reading(run.document)))
    with pytest.raises(Problem):
        volunteers_context(Reading(run.document))


def test_the_part_stands_beside_and_every_other_figure_stays(measured, crowd, lead, blended):
    plain = create_run(round=measured, acting_user=lead, volunteers=False)
    assert WeightRecipe.objects.filter(round=measured).count() == 2
    for name in set(plain.document) - {"weights"}:
        assert blended.document[name] == plain.document[name], name
    part = blended.document["volunteers"]
    assert part["refused"] is None
    assert (part["received"], part["accepted"], part["flagged"]) == (480, 480, 0)
    assert part["places"] == PLACES and part["overlap"]["n_volunteers"] == 480
    assert [row["name"] for row in part["covariates"]] == ["sex", "age"]
    assert part["absent"] == ["education"]
    score = part["figures"]["score"]
    cell = blended.document["estimates"]["score"]["all"]
    assert score["probability"] == {k: cell[k] for k in ("estimate", "se", "low", "high", "df", "n")}
    assert score["n"] == 480
    assert score["difference"]["estimate"] == pytest.approx(
        score["doubly_robust"]["estimate"] - cell["estimate"]
    )
    assert part["figures"]["empty"] == {"suppressed": "masked"}


def test_the_same_answers_give_the_same_part(measured, crowd, lead, blended):
    again = create_run(round=measured, acting_user=lead, recipe=blended.recipe)
    assert again.document_hash == blended.document_hash


def test_the_volunteers_mean_is_the_plain_mean_of_those_who_count(measured, crowd, lead):
    doubtful = Response.objects.filter(round=measured, sample_kind="volunteer").order_by("pk")[:60]
    for response in doubtful:
        Flag.objects.create(round=measured, response=response, kind=SAME_DEVICE)
    part = create_run(round=measured, acting_user=lead, volunteers=True).document["volunteers"]
    assert (part["received"], part["accepted"], part["flagged"]) == (480, 420, 60)
    out = {response.pk for response in doubtful}
    points = [
        25 * (r.answers["Q20"] - 1)
        for r in Response.objects.filter(round=measured, sample_kind="volunteer")
        if r.pk not in out
    ]
    assert part["figures"]["score"]["volunteers"] == pytest.approx(np.mean(points))


def test_the_snapshot_keeps_doubts_and_knows_a_volunteer_who_withdrew(measured, crowd, lead):
    first = Response.objects.filter(round=measured, sample_kind="volunteer").order_by("pk").first()
    before = read_inputs(measured).hash
    Flag.objects.create(round=measured, response=first, kind=SAME_DEVICE)
    inputs = read_inputs(measured)
    assert inputs.hash != before
    again = snapshots.read_snapshot(snapshots.take_snapshot(measured, inputs))
    assert again.volunteers.flagged.sum() == 1
    assert again.volunteers.response_ids == inputs.volunteers.response_ids
    assert snapshots.remove_stale_snapshots() == 0
    Response.objects.filter(pk=first.pk).update(state="withdrawn")
    assert snapshots.remove_stale_snapshots() == 1


def test_a_snapshot_of_the_first_release_counts_every_volunteer(measured, crowd):
    inputs = read_inputs(measured)
    table = snapshots.to_table(inputs)
    older = table.drop_columns([snapshots.FLAGGED])
    assert not snapshots.from_table(older).volunteers.flagged.any()


def test_few_volunteers_are_refused_in_words(measured, regions, lead):
    ask_volunteers(measured, regions["370105001000"], per_place=4)
    run = create_run(round=measured, acting_user=lead, volunteers=True)
    assert run.document["volunteers"]["refused"] == {"code": "few", "have": 48, "needed": 100}
    reading = Reading(run.document)
    assert "只有 48 份" in refusal_words(reading)
    context = volunteers_context(reading)
    assert context["indicators"] == [] and context["assumptions"] == []


def test_without_any_volunteer_the_part_says_so(measured, lead):
    run = create_run(round=measured, acting_user=lead, volunteers=True)
    assert run.document["volunteers"]["refused"]["code"] == "few"


def test_without_replicates_there_is_no_blend(measured, crowd, lead):
    run = create_run(round=measured, acting_user=lead, volunteers=True)
    spec = run.recipe.spec | {"variance": run.recipe.spec["variance"] | {"method": "taylor"}}
    recipe = WeightRecipe.objects.create(round=measured, number=9, spec=spec, spec_hash="t")
    document = create_run(round=measured, acting_user=lead, recipe=recipe).document
    assert document["volunteers"]["refused"] == {"code": "no_replicates"}


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_every_refusal_has_a_sentence(blended, code):
    facts = {
        "code": code, "have": 5, "needed": 100, "levels": ["sex:male"], "covariate": "sex",
        "who": "volunteers", "share": 0.2, "most": 0.1, "n_effective": 12.0, "largest_share": 0.2,
        "uncovered": 0.6,
    }  # fmt: skip
    document = copy.deepcopy(blended.document)
    document["volunteers"]["refused"] = facts
    said = refusal_words(Reading(document))
    assert said.endswith("。") and "%" not in said.replace("%，", "").replace("% ", "")


def test_few_valid_answers_or_all_alike_are_masked(measured, regions, lead):
    made = ask_volunteers(measured, regions["370105001000"])
    for response in made[measured.small_cell_floor - 1 :]:
        response.answers = {k: v for k, v in response.answers.items() if k != "Q20"}
    Response.objects.bulk_update(made, ["answers"])
    figures = create_run(round=measured, acting_user=lead, volunteers=True).document["volunteers"]["figures"]
    assert figures["score"] == figures["share"] == {"suppressed": "masked"}
    for response in made:
        response.answers["Q20"] = 5
    Response.objects.bulk_update(made, ["answers"])
    figures = create_run(round=measured, acting_user=lead, volunteers=True).document["volunteers"]["figures"]
    assert figures["score"] == {"suppressed": "masked"}
    reading = Reading({**create_run(round=measured, acting_user=lead).document})
    assert rows_of(reading, "score") == [] and "不公布" in verdict(reading, "score")


def test_the_page_prints_every_figure_its_interval_and_what_must_be_believed(client, blended, lead):
    report = publish_report(run=blended, title="报告", acting_user=lead)
    client.force_login(lead)
    page = client.get(reverse("reports:volunteers", args=[report.number]))
    text = page.content.decode()
    assert page.status_code == 200 and str(LABEL) in text
    for row in rows_of(Reading(report.document), "score"):
        assert row.label in text and row.value_text in text
        if row.low is not None:
            assert row.half_text in text
    assert "没有办法用数据检验" in text and "点数 480 份" in text and "自愿者像不像全体居民" in text
    assert client.get(reverse("reports:run_volunteers", args=[blended.pk])).status_code == 200
    shown = client.get(reverse("reports:report", args=[report.number])).content.decode()
    assert reverse("reports:volunteers", args=[report.number]) in shown


def test_a_report_without_the_part_has_no_such_page(client, report, lead):
    client.force_login(lead)
    assert client.get(reverse("reports:volunteers", args=[report.number])).status_code == 404
    shown = client.get(reverse("reports:report", args=[report.number])).content.decode()
    assert "volunteers/" not in shown


def test_no_other_page_or_table_reads_the_part(blended):
    with_part = blended.document
    without = {name: value for name, value in with_part.items() if name != "volunteers"}
    for code in ("score", "share"):
        contexts = [
            page_context(Reading(d), code, "all", own=None, allowed=[], link=no_link)
            for d in (with_part, without)
        ]
        for name in set(contexts[0]) - {"method", "document", "reading"}:
            assert contexts[0][name] == contexts[1][name], name
    assert figures_csv(Reading(with_part), "1", "h") == figures_csv(Reading(without), "1", "h")
    assert public_tables(with_part)["volunteers"] == with_part["volunteers"]


def test_the_methodology_says_it_in_one_entry(blended):
    reading = Reading(blended.document)
    entry = dict(method_rows(reading))[str(LABEL)]
    text = "".join(entry)
    assert "模型推算" in text and "前提：" in text and "满意度得分：随机抽户（正式结果）" in text
    assert all(figure.value_text in text for figure in rows_of(reading, "score"))
    first = dict(method_rows(reading))["什么调查"][0]
    assert "只进单独标明的" in first


def test_the_workbook_has_a_sheet_of_it_only_where_there_is_such_a_part(blended, lead):
    report = publish_report(run=blended, title="报告", acting_user=lead)
    sheets = load_workbook(io.BytesIO(figures_workbook(report))).sheetnames
    assert "自愿答卷（试验性）" in sheets
    sheet = load_workbook(io.BytesIO(figures_workbook(report)))["自愿答卷（试验性）"]
    lines = list(sheet.values)
    assert lines[0][0] == str(LABEL)
    row = rows_of(Reading(report.document), "score")[-1]
    assert ["满意度得分", row.label, pytest.approx(row.value)] in [list(line[:3]) for line in lines]
    report.document = {name: part for name, part in report.document.items() if name != "volunteers"}
    assert "自愿答卷（试验性）" not in load_workbook(io.BytesIO(figures_workbook(report))).sheetnames


def test_the_verdict_follows_the_test_and_names_the_share(blended):
    document = copy.deepcopy(blended.document)
    row = document["volunteers"]["figures"]["score"]
    row["blend"] = {"estimate": 60.0, "se": 1.0, "low": 58.0, "high": 62.0, "df": 11.0, "share": 0.4}
    reading = Reading(document)
    row["difference"]["differs"] = True
    assert "不像是同一个数" in verdict(reading, "score")
    row["difference"]["differs"] = False
    assert "查不出不同" in verdict(reading, "score") and "占 40%" in verdict(reading, "score")
    last = rows_of(reading, "score")[-1]
    assert (last.value_text, last.half_text, last.interval_text) == ("60.0", "± 2.0", "58.0–62.0")


def test_a_composite_indicator_has_no_such_figure(measured, crowd, lead):
    version = measured.indicator_versions.get(indicator__code="score")
    composite = IndicatorVersion.objects.create(
        indicator=version.indicator.__class__.objects.create(code="both", name="合成", position=9),
        number=1,
        kind="composite",
        definition={"components": [{"indicator": "score", "weight": 1}, {"indicator": "share", "weight": 1}]},
        definition_hash="c",
    )
    measured.indicator_versions.add(composite)
    part = create_run(round=measured, acting_user=lead, volunteers=True).document["volunteers"]
    assert "both" not in part["figures"] and "score" in part["figures"]
