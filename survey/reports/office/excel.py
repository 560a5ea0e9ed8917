"""Every published figure of a report as a workbook: one sheet to read, one for each kind of place, one long
table to compute with, and how the figures came about."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from survey.reports.distribution import in_language
from survey.reports.domains import ALL
from survey.reports.method import method_rows
from survey.reports.models import Report
from survey.reports.notices import all_notices
from survey.reports.reading import Reading, Scope
from survey.reports.story import report_story
from survey.reports.volunteer_words import ASSUMPTIONS, LABEL, part_of, refusal_words, rows_of
from survey.reports.words import Figure, suppressed_words

HEAD = PatternFill("solid", fgColor="E3EFEF")
BOLD, GREY = Font(bold=True), Font(color="707070")
WRAP = Alignment(wrap_text=True, vertical="top")
NUMBER = "0.0"
WIDEST = 60  # characters of a column


def figures_workbook(report: Report, scope: Scope | None = None) -> bytes:
    """The workbook as bytes. Figures that are not published have their reason and no number.

    scope : whose answers in detail are listed; None for everybody's
    """
    reading = Reading(report.document)
    book = Workbook()
    _front(book.active, report, reading)
    kinds = (("district", _("区县")), ("street", _("街道（镇）")), ("group", _("人群")))
    for kind, title in kinds:
        places = _places(reading, kind)
        if places:
            _wide(book.create_sheet(title), reading, places)
    _long(book.create_sheet(_("全部数字")), reading)
    _claims(book.create_sheet(_("说得准的差别")), reading)
    _ranks(book.create_sheet(_("名次范围")), reading)
    _answers(book.create_sheet(_("大家怎么答")), reading, scope)
    if part_of(reading):
        _volunteers(book.create_sheet(_("自愿答卷（试验性）")), reading)
    _texts(book.create_sheet(_("方法")), [(term, "\n".join(words)) for term, words in method_rows(reading)])
    _texts(book.create_sheet(_("问卷原话")), _wording(reading))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _front(sheet: Worksheet, report: Report, reading: Reading) -> None:
    sheet.title = _("先看这里")
    document = report.document
    rows = [
        (report.title, BOLD),
        (f"{document['study']['title']} · {document['round']['name']}", GREY),
        (_("报告编号 %s") % report.number + " · " + _("数据指纹 %s") % report.document_hash[:16], GREY),
    ]
    if document["simulated"]:
        rows.append((_("模拟数据，不是真实调查结果"), BOLD))
    rows += [(sentence.text, None) for sentence in report_story(reading)]
    rows += [(text, None) for text in all_notices(document)]
    rows += [
        ("", None),
        (_("每个数都有 95% 区间（下限、上限）和答卷数；区间是调查误差，不含回答不实等别的误差。"), None),
        (_("没有公布的写着原因。请不要用别的格子去倒推：会认出人，也算不准。"), None),
        (
            _(
                "差别以“说得准的差别”一页为准；那里没有的，要么没有超过误差，"
                "要么单看超过了、但全报告一起判断时还不够稳，都不下结论。"
            ),
            None,
        ),
    ]
    for number, (text, font) in enumerate(rows, start=1):
        cell = sheet.cell(number, 1, text)
        cell.alignment = WRAP
        if font is not None:
            cell.font = font
    sheet.column_dimensions["A"].width = 100
    _table(
        sheet,
        [_("指标"), _("估计值"), _("区间下限"), _("区间上限"), _("单位"), _("答卷"), _("说明")],
        [[row["name"], *_numbers(reading.figure(code, ALL))] for code, row in reading.indicators.items()],
        first=len(rows) + 2,
        freeze=False,
    )


def _numbers(figure: Figure) -> list[Any]:
    if not figure.shown:
        return [None, None, None, figure.unit, None, figure.reason]
    return [figure.value, figure.low, figure.high, figure.unit, figure.n, ""]


def _places(reading: Reading, kind: str) -> list[dict[str, Any]]:
    if kind == "group":
        groups = ("sex", "age", "education", "area")
        return [domain for name in groups for domain in reading.of_kind(name)]
    return reading.of_kind(kind)


def _wide(sheet: Worksheet, reading: Reading, places: Sequence[dict[str, Any]]) -> None:
    """A row for each place; each indicator has its figure, its interval and its base."""
    head = [_("范围")] + [
        text
        for indicator in reading.indicators.values()
        for text in (indicator["name"], _("下限"), _("上限"), _("答卷"))
    ]
    rows = []
    for place in places:
        row: list[Any] = [_within(reading, place)]
        for code in reading.indicators:
            figure = reading.figure(code, place["key"])
            row += (
                [figure.value, figure.low, figure.high, figure.n]
                if figure.shown
                else [figure.short, "", "", ""]
            )
        rows.append(row)
    _table(sheet, head, rows)
    for place in range(len(reading.indicators)):
        code = list(reading.indicators)[place]
        unit = reading.figure(code, ALL).unit
        note = _("%(name)s，%(unit)s；下限和上限是 95%% 区间") % {
            "name": reading.indicators[code]["name"],
            "unit": unit,
        }
        sheet.cell(1, 2 + 4 * place).comment = Comment(note, "Minyi")


def _within(reading: Reading, place: dict[str, Any]) -> str:
    parent = reading.domains.get(place["parent"] or "")
    return f"{parent['label']} {place['label']}" if place["kind"] == "street" and parent else place["label"]


def _long(sheet: Worksheet, reading: Reading) -> None:
    head = [_("指标代码"), _("指标"), _("范围代码"), _("范围"), _("单位"), _("估计值"), _("区间下限")]
    head += [_("区间上限"), _("答卷"), _("有效样本量"), _("设计效应"), _("自由度"), _("说明")]
    rows = []
    for code, indicator in reading.indicators.items():
        for key, domain in reading.domains.items():
            figure = reading.figure(code, key)
            row = [code, indicator["name"], key, domain["label"], figure.unit]
            if figure.shown:
                row += [
                    figure.value,
                    figure.low,
                    figure.high,
                    figure.n,
                    figure.n_effective,
                    figure.deff,
                    figure.df,
                    "",
                ]
            else:
                row += [None] * 7 + [figure.reason]
            rows.append(row)
    _table(sheet, head, rows)


def _claims(sheet: Worksheet, reading: Reading) -> None:
    """Differences that the report's family of tests supports; the first release stored none."""
    kinds = {"against_all": _("和整体比"), "change": _("和上一轮比"), "target": _("和目标比")}
    verdicts = {"above": _("高"), "below": _("低")}
    rows = []
    for claim in reading.document.get("claims", {}).get("list", []):
        scale = 100 if reading.indicators[claim["indicator"]]["kind"] == "share" else 1
        rows.append(
            [
                kinds.get(claim["kind"], claim["kind"]),
                reading.indicators[claim["indicator"]]["name"],
                reading.domains[claim["domain"]]["label"],
                verdicts.get(claim["verdict"], claim["verdict"]),
                *(claim[name] * scale for name in ("difference", "low", "high")),
            ]
        )
    head = [_("和谁比"), _("指标"), _("范围"), _("高还是低"), _("差"), _("区间下限"), _("区间上限")]
    _table(sheet, head, rows or [[_("没有一处差别说得准。")]])


def _ranks(sheet: Worksheet, reading: Reading) -> None:
    rows = []
    for code, kinds in reading.document.get("ranks", {}).items():
        for found in kinds.values():
            for key, best in found["low"].items():
                domain = reading.domains[key]
                rows.append(
                    [
                        reading.indicators[code]["name"],
                        _within(reading, domain),
                        int(best),
                        int(found["high"][key]),
                    ]
                )
    head = [_("指标"), _("范围"), _("最好排第"), _("最差排第")]
    _table(sheet, head, rows or [[_("这份报告没有名次。")]])


def _answers(sheet: Worksheet, reading: Reading, scope: Scope | None) -> None:
    """Every item with its answers: a head for each item, a line for each place that the reader may see."""
    at = 1
    places = [key for key in reading.domains if scope is None or not key.isdigit() or key in scope.allowed]
    for name, data in reading.document["distributions"].items():
        item = reading.document["items"][name]
        labels = {choice["code"]: in_language(choice["label"]) for choice in item["choices"]}
        sheet.cell(at, 1, _safe(f"{name} {in_language(item['label'])}")).font = BOLD
        head = [_("范围"), *(labels[code] for code in data["levels"]), _("不了解"), _("答卷")]
        rows = [
            [_within(reading, reading.domains[key]), *_shares(reading, data["domains"][key])]
            for key in places
            if key in data["domains"]
        ]
        _table(sheet, head, rows, first=at + 1, freeze=False)
        at += len(rows) + 3
    sheet.column_dimensions["A"].width = 30


def _shares(reading: Reading, cell: dict[str, Any]) -> list[Any]:
    """Per cent of those with an opinion, of those asked who had none, and the base."""
    if "suppressed" in cell:
        return [suppressed_words(cell["suppressed"], reading.floor)]
    unsure = cell["dont_know"]["estimate"]
    return [
        *(share * 100 for share in cell["shares"]),
        None if unsure is None else unsure * 100,
        cell["n"],
    ]


def _volunteers(sheet: Worksheet, reading: Reading) -> None:
    """Modelled figures with volunteers, with what must be believed above them."""
    notes = [str(LABEL), refusal_words(reading), *(str(text) for text in ASSUMPTIONS)]
    notes = [text for text in notes if text]
    for number, text in enumerate(notes, start=1):
        sheet.cell(number, 1, text).font = BOLD if number == 1 else GREY
    rows = []
    for code, indicator in reading.indicators.items():
        for row in rows_of(reading, code):
            rows.append([indicator["name"], row.label, row.value, row.low, row.high, row.n])
    head = [_("指标"), _("怎么算的"), _("估计值"), _("区间下限"), _("区间上限"), _("答卷")]
    _table(sheet, head, rows, first=len(notes) + 2, freeze=False)
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 28, 32


def _wording(reading: Reading) -> list[tuple[str, str]]:
    return [
        (
            name,
            in_language(item["label"]) + "\n" + " / ".join(in_language(c["label"]) for c in item["choices"]),
        )
        for name, item in reading.document["items"].items()
    ]


def _texts(sheet: Worksheet, rows: Iterable[tuple[str, str]]) -> None:
    for number, (term, words) in enumerate(rows, start=1):
        sheet.cell(number, 1, term).font = BOLD
        sheet.cell(number, 1).alignment = WRAP
        sheet.cell(number, 2, words).alignment = WRAP
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 110


def _table(
    sheet: Worksheet,
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    first: int = 1,
    freeze: bool = True,
) -> None:
    """A head and rows from line `first` on; numbers with one decimal, widths that fit."""
    for column, text in enumerate(head, start=1):
        cell = sheet.cell(first, column, text)
        cell.font, cell.fill, cell.alignment = BOLD, HEAD, WRAP
    for number, row in enumerate(rows, start=first + 1):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column, _safe(value))
            if isinstance(value, float):
                cell.number_format = NUMBER
    if freeze:
        sheet.freeze_panes = sheet.cell(first + 1, 2)
        sheet.auto_filter.ref = f"A{first}:{get_column_letter(len(head))}{first + len(rows)}"
        for column in range(1, len(head) + 1):
            longest = max((_width(row[column - 1]) for row in rows if len(row) >= column), default=4)
            sheet.column_dimensions[get_column_letter(column)].width = min(max(longest, 9) + 2, WIDEST)


def _safe(value: Any) -> Any:
    """A text that begins like a formula stays a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _width(value: Any) -> int:
    """Chinese characters are two wide."""
    if isinstance(value, float):
        return 6
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in str(value or ""))
