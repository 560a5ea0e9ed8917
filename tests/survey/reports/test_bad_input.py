"""Rounds that something went wrong with: the page says what, and what was done. No blank, NaN or 500."""

import copy
import io
import re
import subprocess

import pytest
from django.urls import reverse
from docx import Document
from openpyxl import load_workbook

from survey.indicators.services import publish_indicator
from survey.questionnaires.models import QuestionnaireVersion
from survey.regions.models import Region
from survey.reports.models import Report
from survey.reports.services import create_run, publish_report
from survey.responses.models import Response
from tests import factories
from tests.survey.reports.test_results import second_round

pytestmark = [pytest.mark.django_db, pytest.mark.database]

STREET, OTHER = "370105001000", "370105003000"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def first(measured):
    measured.small_cell_floor = 5
    measured.save()
    return measured


@pytest.fixture
def read(client, official):
    """The words of a page as an official of the district reads them."""
    client.force_login(official)

    def page(report, code=None, **query):
        args = [report.number, code] if code else [report.number]
        answer = client.get(reverse("reports:place" if code else "reports:report", args=args), query)
        assert answer.status_code == 200
        return words_of(answer.content.decode())

    return page


@pytest.fixture
def files(client, official, tmp_path):
    """The words of every file of a report."""

    def take(report, indicator):
        client.force_login(official)
        found = {}
        for name in ("csv", "xlsx", "docx", "pdf", "briefs"):
            answer = client.get(reverse(f"reports:{name}", args=[report.number]), {"indicator": indicator})
            assert answer.status_code == 200, name
            found[name] = text_of(name, answer.content, tmp_path)
        return found

    return take


def text_of(name, content, folder):
    if name == "csv":
        return content.decode("utf-8-sig")
    if name == "xlsx":
        book = load_workbook(io.BytesIO(content))
        return "\n".join(str(c.value) for sheet in book for row in sheet.iter_rows() for c in row if c.value)
    if name == "docx":
        word = Document(io.BytesIO(content))
        cells = [cell.text for table in word.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(p.text for p in word.paragraphs), *cells])
    (folder / "x.pdf").write_bytes(content)
    done = subprocess.run(["pdftotext", str(folder / "x.pdf"), "-"], capture_output=True, check=True)
    return done.stdout.decode().replace("\n", "")


def words_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def published(round_, lead, title="报告"):
    return publish_report(run=create_run(round=round_, acting_user=lead), title=title, acting_user=lead)


def is_clean(text):
    """No number that is none, and no name of Python's nothing."""
    return not re.search(r"\b(nan|None|inf|NaN)\b", text)


def worded_otherwise(round_):
    """The questionnaire with another wording of Q20, as its second version."""
    document = copy.deepcopy(round_.questionnaire_version.document)
    document["blocks"][0]["items"][2]["label"]["zh-hans"] = "您对社区满意吗？"
    return QuestionnaireVersion.objects.create(
        questionnaire=round_.questionnaire_version.questionnaire,
        number=2,
        state="published",
        document=document,
        document_hash="other",
    )


def test_an_item_that_was_worded_otherwise_is_named_and_not_compared(first, lead, read, files):
    published(first, lead)
    report = published(second_round(first, lead, version=worded_otherwise(first)), lead)
    for code in (None, STREET):
        text = read(report, code, indicator="score")
        assert "“满意度得分”用到的题 Q20 和上一轮问法不同，两轮不能比，没有作变化的检验" in text
        assert "问法变了，不能比" in text and f"和{first.name}不能比：问法变了" in text
        assert "换了问法，前后不能直接比" in text and is_clean(text)
        assert "不能比" in text.split("比上一轮")[1][:30]
    found = files(report, "score")
    for name in ("xlsx", "docx", "briefs"):
        assert "问法不同" in found[name] or "问法变了" in found[name], name
    assert all(is_clean(text) for text in found.values())


def test_a_rule_that_changed_is_named_and_not_compared(first, lead, read):
    published(first, lead)
    second = second_round(first, lead)
    rule = {"items": [{"name": "Q20", "points": {"5": 100, "4": 100, "3": 0, "2": 0, "1": 0}}]}
    version = publish_indicator(
        code="score", name="满意度得分", kind="mean_score", definition=rule, acting_user=factories.SYSTEM
    )
    second.indicator_versions.set([*first.indicator_versions.exclude(indicator__code="score"), version])
    text = read(published(second, lead), indicator="score")
    assert "换了算法（新版本），和上一轮不能比，没有作变化的检验" in text
    assert "算法变了，不能比" in text and is_clean(text)


def test_a_region_that_was_split_is_named_with_what_it_came_from(first, lead, read, files):
    earlier = published(first, lead)
    document = copy.deepcopy(earlier.document)
    document["domains"] = [d for d in document["domains"] if d["key"] != STREET]
    for cells in document["estimates"].values():
        cells.pop(STREET, None)
    Report.objects.filter(pk=earlier.pk).update(document=document)
    new, old = Region.objects.get(code=STREET), Region.objects.get(code=OTHER)
    old.successor = new
    old.save()
    report = published(second_round(first, lead), lead)
    for code in (None, STREET):
        text = read(report, code)
        assert f"{new.name}由{old.name}调整而来，边界不同，不和上一轮比" in text and is_clean(text)
    own = read(report, STREET)
    assert "有一轮没有公布数字，不能比" in own and "升了" not in own.split("各项")[0]
    assert "调整而来" in files(report, "score")["xlsx"]


def test_a_category_that_nobody_answered_is_named_with_what_was_done(first, lead, read, files):
    for response in Response.objects.filter(round=first):
        if response.answers["S02"] >= 75:
            response.answers["S02"] = 70
            response.save()
    report = published(first, lead)
    text = read(report)
    assert "75 岁及以上没有一份答卷，和相邻年龄合并后再对齐人口" in text and is_clean(text)
    assert "没有一份答卷，和相邻年龄合并" in files(report, "score")["docx"]


def test_weights_of_a_margin_that_nobody_answered_are_shown(first, lead, client, official):
    for response in Response.objects.filter(round=first):
        if response.answers["S02"] >= 75:
            response.answers["S02"] = 70
            response.save()
    report = published(first, lead)
    client.force_login(official)
    text = words_of(client.get(reverse("reports:weights", args=[report.number])).content.decode())
    assert "75 岁及以上" in text and "— → 0.0%" in text and is_clean(text)


@pytest.mark.parametrize("code", [None, "370105000000", STREET])
def test_an_indicator_with_no_valid_base_says_so_and_prints_no_number(first, lead, read, code):
    text = read(published(first, lead), code, indicator="empty")
    assert "没有一份有效的回答，没有数字" in text and "不公布" in text and is_clean(text)
    assert not re.search(r"± \d", text.split("看数以前")[0])


def test_files_about_an_indicator_with_no_valid_base_are_made_and_say_why(first, lead, files):
    found = files(published(first, lead), "empty")
    for name, text in found.items():
        assert is_clean(text), name
        assert "没有一份有效的回答" in text or "不公布" in text, name


def test_a_round_without_one_finished_street_still_has_its_pages(measured, lead, read):
    measured.small_cell_floor = 10_000
    measured.save()
    report = published(measured, lead)
    for code in (None, STREET):
        for indicator in ("score", "share"):
            text = read(report, code, indicator=indicator)
            assert "答卷不足 10000 份" in text and is_clean(text)
    assert "没有一个街道（镇）的答卷够数" in read(report)
