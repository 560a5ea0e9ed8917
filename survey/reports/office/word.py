"""A report as a Word document that an office can edit: headline, story, tables, method, wording."""

import io
from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from docx import Document
from docx.document import Document as WordDocument
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import Table

from survey.reports.distribution import in_language, item_charts
from survey.reports.domains import ALL
from survey.reports.method import indicator_rule, method_rows
from survey.reports.models import Report
from survey.reports.notices import all_notices
from survey.reports.reading import Reading, Scope, group_rows, league
from survey.reports.story import place_story, report_story
from survey.reports.words import Figure

# Fonts that Office brings along on Windows and Mac, and that WPS knows.
FONTS = {"zh-hans": "微软雅黑", "zh-hant": "微軟正黑體"}
LATIN = "Arial"
QUIET = RGBColor(0x60, 0x60, 0x60)


def report_docx(report: Report, code: str, scope: Scope | None = None) -> bytes:
    """The document as bytes, with one indicator in front. Same report, scope and language, same words.

    scope : whose answers in detail are told; None for the whole and its districts
    """
    reading = Reading(report.document)
    word = Document()
    _prepare(word)
    word.core_properties.title = report.title
    word.core_properties.author = report.document["study"]["sponsor"]
    word.core_properties.created = (report.published_at or report.created_at).replace(tzinfo=None)
    _cover(word, report, reading, code)
    _summary(word, reading, code)
    _indicators(word, reading)
    for kind in ("district", "street"):
        if len(reading.of_kind(kind)) > 1:
            _league(word, league(reading, code, kind), with_parent=kind == "street")
    _league(word, group_rows(reading, code), with_parent=False)
    _items(word, reading, code, scope)
    _method(word, reading, code)
    _wording(word, report.document)
    written = io.BytesIO()
    word.save(written)
    return written.getvalue()


def _prepare(word: WordDocument) -> None:
    """A4, and a Chinese font for every style: python-docx sets the Latin one only."""
    section = word.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    east_asian = FONTS.get(get_language() or "zh-hans", FONTS["zh-hans"])
    for name, size in (("Normal", 10.5), ("Title", 24), ("Heading 1", 16), ("Heading 2", 13)):
        style = word.styles[name]
        style.font.name, style.font.size = LATIN, Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), east_asian)
    _page_numbers(section.footer.paragraphs[0])


def _page_numbers(paragraph: Any) -> None:
    """A field that Word counts by itself."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run()
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        if kind:
            element = OxmlElement("w:fldChar")
            element.set(qn("w:fldCharType"), kind)
        else:
            element = OxmlElement("w:instrText")
            element.text = text
        run._r.append(element)


def _cover(word: WordDocument, report: Report, reading: Reading, code: str) -> None:
    document = report.document
    word.add_paragraph(f"{document['study']['title']} · {document['round']['name']}").runs[
        0
    ].font.color.rgb = QUIET
    word.add_paragraph(report.title, style="Title")
    _quiet(word, f"{reading.whole} · {reading.indicators[code]['name']}")
    _quiet(word, document["study"]["sponsor"])
    _quiet(word, _("报告编号 %s") % report.number + " · " + _("数据指纹 %s") % report.document_hash[:16])
    if document["simulated"]:
        word.add_paragraph().add_run(_("模拟数据，不是真实调查结果")).bold = True
    if document["round"].get("collecting"):
        word.add_paragraph().add_run(_("阶段结果：算的时候还在收卷，以后会变")).bold = True


def _quiet(word: WordDocument, text: str) -> None:
    word.add_paragraph().add_run(text).font.color.rgb = QUIET


def _summary(word: WordDocument, reading: Reading, code: str) -> None:
    word.add_heading(_("一页看完"), level=1)
    told = [s.text for s in place_story(reading, code, ALL)]
    told += [s.text for s in report_story(reading) if s.text not in told]
    for text in [*told, *all_notices(reading.document)]:
        word.add_paragraph(text, style="List Bullet")


def _value(figure: Figure) -> list[str]:
    if not figure.shown:
        return [figure.short, "", ""]
    return [f"{figure.value_text} ± {figure.half_text} {figure.unit}", figure.interval_text, figure.n_text]


def _indicators(word: WordDocument, reading: Reading) -> None:
    word.add_heading(_("各项指标"), level=1)
    rows = [[row["name"], *_value(reading.figure(code, ALL))] for code, row in reading.indicators.items()]
    _table(word, [_("指标"), _("估计值"), _("95% 区间"), _("答卷")], rows)


def _league(word: WordDocument, entry: Any, *, with_parent: bool) -> None:
    word.add_heading(entry.title, level=1)
    _quiet(word, entry.note)
    head = [_("范围"), *([_("区县")] if with_parent else []), _("估计值"), _("95% 区间"), _("答卷")]
    rows = [[r.label, *([r.within] if with_parent else []), *_value(r.figure)] for r in entry.rows]
    _table(word, head, rows)
    for short, hidden in entry.hidden_by_reason:
        _quiet(word, f"{short}：" + "、".join(row.label for row in hidden))


def _items(word: WordDocument, reading: Reading, code: str, scope: Scope | None) -> None:
    """How people answered the indicator's items: the reader's own places and the whole."""
    place, allowed = (scope.place, scope.allowed) if scope else (ALL, None)
    for item in item_charts(reading, code, place, allowed=allowed):
        word.add_heading(_("大家怎么答：%s") % item.text, level=2)
        _quiet(word, _("加权百分比；“不了解”不算在左边的 100% 里，另列。"))
        head = [_("范围"), *item.answers, _("不了解"), _("答卷")]
        empty = [""] * (len(item.answers) - 1)
        rows = [
            [bar.label, *(bar.shares_text or [bar.reason, *empty]), bar.unsure_text, bar.n_text]
            for bar in item.bars
        ]
        _table(word, head, rows)


def _method(word: WordDocument, reading: Reading, code: str) -> None:
    word.add_heading(_("这些数是怎么来的"), level=1)
    rule = (reading.indicators[code]["name"], indicator_rule(reading, code))
    for term, paragraphs in [*method_rows(reading), rule]:
        word.add_heading(term, level=2)
        for text in paragraphs:
            word.add_paragraph(text)


def _wording(word: WordDocument, document: dict[str, Any]) -> None:
    word.add_heading(_("问卷原话"), level=1)
    rows = [
        [name, in_language(item["label"]), " / ".join(in_language(c["label"]) for c in item["choices"])]
        for name, item in document["items"].items()
    ]
    _table(word, [_("题号"), _("问题"), _("选项")], rows)


def _table(word: WordDocument, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose head is repeated on each page."""
    table = word.add_table(rows=1, cols=len(head), style="Light Grid Accent 1")
    for cell, text in zip(table.rows[0].cells, head, strict=True):
        cell.text = text
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    table.rows[0]._tr.get_or_add_trPr().append(mark)
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    return table
