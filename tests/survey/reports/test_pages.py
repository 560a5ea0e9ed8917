"""Who sees which report, what a page says, and the trace it leaves."""

import csv
import io
import re
import subprocess

import pytest
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.reports.models import Report, SimulatedTruth
from survey.reports.reading import Reading
from survey.reports.services import create_run, publish_report, withdraw_report
from survey.reports.story import page_story
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREET = "370105001000"


def open_report(client, report, code=None, **query):
    url = reverse("reports:place", args=[report.number, code]) if code else None
    return client.get(url or reverse("reports:report", args=[report.number]), query)


@pytest.fixture
def as_official(client, official):
    client.force_login(official)
    return client


@pytest.fixture
def floorless(measured, lead):
    """The same round with a floor that lets its small streets through."""
    measured.small_cell_floor = 10
    measured.is_simulated = True
    measured.save()
    SimulatedTruth.objects.create(round=measured, values={"score": {"370105000000": 50.0, STREET: 50.0}})
    return publish_report(run=create_run(round=measured, acting_user=lead), title="报告", acting_user=lead)


def test_a_stranger_is_sent_to_the_log_in(client, report):
    assert open_report(client, report).status_code == 302


def test_an_official_reads_the_published_report(as_official, report):
    page = open_report(as_official, report)
    text = page.content.decode()
    assert page.status_code == 200
    figure = report.document["estimates"]["score"]["all"]
    assert f"{figure['estimate']:.1f}" in text and f"{figure['low']:.1f}" in text
    assert "我们有 95% 的把握" in text and f"{figure['n']:,}" in text
    assert "按 AAPOR 定义" in text and "AAPOR" in text and "15–19 岁取 2/5" in text


@pytest.mark.parametrize("role", ["interviewer"])
def test_a_role_without_reports_gets_none(client, regions, report, role):
    client.force_login(factories.make_user("nobody", role, regions["370105000000"]))
    assert client.get(reverse("reports:list")).status_code == 403


def test_an_official_of_another_district_does_not_find_it(client, regions, report):
    client.force_login(factories.make_user("other", "official", regions["370104000000"]))
    assert open_report(client, report).status_code == 404
    assert report.number not in client.get(reverse("reports:list")).content.decode()


def test_an_official_sees_no_run_before_it_is_published(as_official, run):
    assert as_official.get(reverse("reports:run", args=[run.pk])).status_code == 404
    assert "还没有发布的报告" in as_official.get(reverse("reports:list")).content.decode()


def test_the_team_previews_a_run(client, lead, run):
    client.force_login(lead)
    page = client.get(reverse("reports:run", args=[run.pk]))
    assert page.status_code == 200 and "还没有发布" in page.content.decode()


def test_a_street_official_opens_his_street_only(client, regions, floorless):
    client.force_login(factories.make_user("zhou", "official", regions[STREET]))
    page = open_report(client, floorless, STREET)
    assert page.status_code == 200 and "无影山街道" in page.content.decode()
    assert open_report(client, floorless, "370105003000").status_code == 404
    whole = open_report(client, floorless).content.decode()
    assert "天桥东街街道" in whole  # ranked beside his own
    assert reverse("reports:place", args=[floorless.number, "370105003000"]) not in whole
    assert 'class="row own"' in whole


def test_a_place_that_is_not_in_the_report_is_not_found(as_official, report):
    assert open_report(as_official, report, "370105001001").status_code == 404
    assert open_report(as_official, report, "sex:male").status_code == 404


def test_a_league_has_no_ordinals_and_names_its_method(as_official, floorless):
    text = open_report(as_official, floorless).content.decode()
    assert "所以不写名次" in text and not re.search(r"第 ?\d+ ?名", text)
    assert "Holm" in text and "名次范围同时成立" in text


def test_streets_with_pooled_variance_are_marked_and_listed(as_official, floorless):
    text = open_report(as_official, floorless).content.decode()
    assert "抽到的社区少于 6 个，方差由各街道合并估计" in text
    assert "有 2 个街道（镇）抽到的社区不足 6 个" in text


def test_a_simulated_round_shows_the_truth_and_says_that_it_is_simulated(as_official, floorless):
    text = open_report(as_official, floorless).content.decode()
    assert "模拟数据" in text and "模拟真值 50.0" in text
    assert re.search("在区间之[内外]", text)


def test_small_streets_are_named_without_figures(as_official, report):
    text = open_report(as_official, report).content.decode()
    hidden = [k for k, c in report.document["estimates"]["score"].items() if "suppressed" in c]
    assert hidden
    assert "不公布" in text


@pytest.mark.parametrize("code", ["score", "share", "empty", "no-such", ""])
def test_no_indicator_puts_a_nan_or_none_on_the_page(as_official, floorless, code):
    for place in (None, STREET):
        text = open_report(as_official, floorless, place, indicator=code).content.decode()
        body = re.sub(r"<[^>]*>", " ", text)
        assert not re.search(r"\b(nan|None|inf)\b", body, re.IGNORECASE)
        assert "nan" not in " ".join(re.findall(r'(?:x|cx|x1|x2|width)="([^"]*)"', text))


def test_an_empty_indicator_says_why(as_official, floorless):
    text = open_report(as_official, floorless, indicator="empty").content.decode()
    assert "答卷不足 10 份" in text and "没有一份有效的回答" in text


def test_the_page_obeys_the_content_security_policy(as_official, floorless):
    text = open_report(as_official, floorless).content.decode()
    assert " style=" not in text and "<style" not in text and "<script" not in text


def test_each_view_and_download_leaves_a_trace(as_official, report):
    open_report(as_official, report)
    as_official.get(reverse("reports:csv", args=[report.number]))
    as_official.get(reverse("reports:pdf", args=[report.number]))
    entries = AuditEntry.objects.filter(action="reports.report.viewed").order_by("sequence")
    assert [e.detail["part"] for e in entries] == ["page", "csv", "pdf"]
    assert {e.actor_name for e in entries} == {"wang"}


def test_the_csv_holds_every_figure_and_no_suppressed_one(as_official, report):
    response = as_official.get(reverse("reports:csv", args=[report.number]))
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert response.content.startswith(b"\xef\xbb\xbf")
    found = {(r[0], r[2]): r for r in rows[2:]}
    cell = report.document["estimates"]["share"]["all"]
    assert float(found["share", "all"][5]) == pytest.approx(cell["estimate"] * 100, abs=1e-4)
    for code, cells in report.document["estimates"].items():
        for key, cell in cells.items():
            if "suppressed" in cell:
                assert found[code, key][5:8] == ["", "", ""] and found[code, key][13]


def test_the_pdf_has_the_figures_in_chinese(as_official, floorless, tmp_path):
    response = as_official.get(reverse("reports:pdf", args=[floorless.number]), {"indicator": "share"})
    assert response["Content-Type"] == "application/pdf" and response.content.startswith(b"%PDF")
    (tmp_path / "r.pdf").write_bytes(response.content)
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "r.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    cover, text = text.split("\f", 1)
    for words in ("目录", "数字表", floorless.number, floorless.document["study"]["sponsor"]):
        assert words in cover
    figure = floorless.document["estimates"]["share"]["all"]
    assert f"{figure['estimate'] * 100:.1f}" in text
    for words in ("满意率", "无影山街道", "模拟数据", "这些数是怎么来的", "问卷原话", floorless.number):
        assert words in text
    told = "".join(text.split("一段话说完")[1].split("各项指标")[0].split())
    for sentence in page_story(Reading(floorless.document), "share", "all"):
        assert "".join(sentence.text.split()) in told
    assert "没有一份有效的回答" in text.split("一段话说完")[0]  # the notices come first
    again = as_official.get(reverse("reports:pdf", args=[floorless.number]), {"indicator": "share"})
    assert again.content == response.content


def test_a_new_report_replaces_the_old_one(report, run, lead, as_official):
    newer = publish_report(run=run, title="更正版", acting_user=lead)
    report.refresh_from_db()
    assert report.state == Report.State.WITHDRAWN and report.replaced_by == newer
    assert newer.number != report.number
    assert open_report(as_official, report).status_code == 404
    assert open_report(as_official, newer).status_code == 200


def test_a_withdrawn_report_is_gone_for_officials_and_marked_for_the_team(report, lead, client, official):
    withdraw_report(report=report, reason="名录有误", acting_user=lead)
    client.force_login(official)
    assert open_report(client, report).status_code == 404
    client.force_login(lead)
    assert "这份报告已经撤回：名录有误" in open_report(client, report).content.decode()


@pytest.mark.parametrize("reason", ["", "   "])
def test_withdrawing_needs_a_reason(report, lead, reason):
    with pytest.raises(Problem, match="原因"):
        withdraw_report(report=report, reason=reason, acting_user=lead)


def test_nothing_is_withdrawn_twice(report, lead):
    withdraw_report(report=report, reason="名录有误", acting_user=lead)
    with pytest.raises(Problem) as refused:
        withdraw_report(report=report, reason="再撤", acting_user=lead)
    assert refused.value.code == "reports.wrong_state"


def test_an_analyst_computes_but_does_not_publish(measured, regions):
    analyst = factories.make_user("qian", "analyst", regions["370105000000"])
    run = create_run(round=measured, acting_user=analyst)
    with pytest.raises(Problem) as refused:
        publish_report(run=run, title="报告", acting_user=analyst)
    assert refused.value.code == "common.forbidden"


def test_a_published_report_keeps_its_own_copy(report, run):
    run.document = {"changed": True}
    run.save()
    report.refresh_from_db()
    assert report.document["format"] == "minyi-report-1"


def test_a_result_of_an_open_round_says_that_it_will_change(as_official, report, measured, lead):
    assert "阶段结果" in open_report(as_official, report).content.decode()
    measured.state = "closed"
    measured.save()
    final = publish_report(run=create_run(round=measured, acting_user=lead), title="终稿", acting_user=lead)
    assert "阶段结果" not in open_report(as_official, final).content.decode()
