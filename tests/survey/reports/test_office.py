"""Excel, Word and one-page briefs: they open, say what the page says, and hold nothing that is suppressed."""

import io
import subprocess
from zipfile import ZipFile

import pytest
from docx import Document
from openpyxl import load_workbook

from survey.audit.models import AuditEntry
from survey.reports.briefs import briefs_pdf
from survey.reports.office.excel import figures_workbook
from survey.reports.office.word import report_docx
from survey.reports.reading import Reading
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def cells(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def text_of_pdf(content, tmp_path):
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_workbook_has_every_figure_once(report):
    book = load_workbook(io.BytesIO(figures_workbook(report)))
    reading = Reading(report.document)
    long = cells(book["全部数字"])
    assert len(long) == 1 + len(reading.indicators) * len(reading.domains)
    row = next(r for r in long if r[0] == "score" and r[2] == "all")
    figure = reading.figure("score", "all")
    assert row[5:9] == pytest.approx([figure.value, figure.low, figure.high, figure.n])
    suppressed = next(r for r in long if r[0] == "empty" and r[2] == "all")
    assert suppressed[5:12] == [None] * 7 and suppressed[12]
    front = [c[0] for c in cells(book["先看这里"]) if c[0]]
    assert report.title in front and any(report.number in text for text in front)


def test_the_workbook_explains_itself(report):
    book = load_workbook(io.BytesIO(figures_workbook(report)))
    assert {
        "先看这里",
        "街道（镇）",
        "人群",
        "全部数字",
        "说得准的差别",
        "名次范围",
        "方法",
        "问卷原话",
    } <= set(book.sheetnames)
    street = book["街道（镇）"]
    assert street.freeze_panes == "B2" and street.auto_filter.ref
    assert "95% 区间" in street.cell(1, 2).comment.text
    assert any("总来说" in str(r) or "总的来说" in str(r) for r in cells(book["问卷原话"]))


def test_a_name_like_a_formula_stays_a_name(report):
    report.document["domains"][1]["label"] = '=HYPERLINK("http://x")'
    book = load_workbook(io.BytesIO(figures_workbook(report)))
    for sheet in book:
        for row in sheet.iter_rows():
            assert all(cell.data_type != "f" for cell in row)


def test_word_can_be_edited_and_has_a_chinese_font(report):
    content = report_docx(report, "score")
    word = Document(io.BytesIO(content))
    text = "\n".join(p.text for p in word.paragraphs)
    figure = Reading(report.document).figure("score", "all")
    assert report.title in text and figure.value_text in text
    assert word.tables[0].rows[1].cells[0].text == "满意度得分"
    assert f"{figure.value_text} ± {figure.half_text}" in word.tables[0].rows[1].cells[1].text
    with ZipFile(io.BytesIO(content)) as archive:
        assert 'w:eastAsia="微软雅黑"' in archive.read("word/styles.xml").decode()
        assert "tblHeader" in archive.read("word/document.xml").decode()


def test_each_street_has_one_page(report, tmp_path):
    reading = Reading(report.document)
    streets = [d["key"] for d in reading.of_kind("street")]
    text = text_of_pdf(briefs_pdf(report, "score", streets), tmp_path)
    pages = [page for page in text.split("\f") if page.strip()]
    assert len(pages) == len(streets)
    for page, key in zip(pages, streets, strict=True):
        assert reading.domains[key]["label"] in page and report.number in page
        assert "满意率" in page


def test_a_page_stays_one_page_with_many_indicators_and_long_names(report, tmp_path):
    document = report.document
    for n in range(30):
        code = f"more{n}"
        document["indicators"].append(
            {
                **document["indicators"][0],
                "code": code,
                "name": "对社区里垃圾分类和清运时间安排的满意度得分"[: 10 + n],
            }
        )
        document["estimates"][code] = document["estimates"]["score"]
    key = Reading(document).of_kind("street")[0]["key"]
    pages = [p for p in text_of_pdf(briefs_pdf(report, "score", [key]), tmp_path).split("\f") if p.strip()]
    assert len(pages) == 1 and "另有 11 项见报告" in pages[0]


@pytest.mark.parametrize("suffix", [".xlsx", ".docx", "-briefs.pdf"])
def test_files_are_for_readers_and_on_record(client, report, official, interviewer, suffix):
    client.force_login(interviewer)
    assert client.get(f"/reports/{report.number}{suffix}").status_code in (403, 404)
    client.force_login(official)
    answer = client.get(f"/reports/{report.number}{suffix}")
    assert answer.status_code == 200 and answer["Content-Disposition"].startswith("attachment")
    assert AuditEntry.objects.filter(action="reports.report.viewed").last().detail["number"] == report.number


def test_a_street_s_official_gets_his_street_s_page_only(client, report, regions, tmp_path):
    reading = Reading(report.document)
    own, other = [d["key"] for d in reading.of_kind("street")]
    client.force_login(factories.make_user("street", "official", regions[own]))
    text = text_of_pdf(client.get(f"/reports/{report.number}-briefs.pdf").content, tmp_path)
    assert reading.domains[own]["label"] in text
    assert len([p for p in text.split("\f") if p.strip()]) == 1
    assert client.get(f"/reports/{report.number}-briefs.pdf?place={other}").status_code == 404
