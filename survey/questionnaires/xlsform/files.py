"""Open what an author brings: .xlsx, .xls, or the sheets written as a CSV or Markdown text.

What a file is, its content says; endings are often wrong. A text holds the name of the sheet in its first
column, as pyxform reads it:

    survey,,,
    ,type,name,label
    ,text,Q1,怎么称呼？
"""

import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import Any

import xlrd
from openpyxl import load_workbook
from pyxform.xls2json_backends import (
    MD_CELL,
    MD_COMMENT,
    MD_COMMENT_INLINE,
    MD_PIPE_OR_ESCAPE,
    xls_value_to_unicode,
)
from xlrd.biffh import XL_CELL_EMPTY, XL_CELL_ERROR

from survey.questionnaires.said import said as _
from survey.questionnaires.xlsform.sheets import MAX_ROWS, BadWorkbook, Sheet, sheet_of

OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")  # OLE compound file, of .xls
ZIP = b"PK\x03\x04"  # of .xlsx
MAX_UNPACKED = 100_000_000  # bytes; a workbook that unpacks to more is not a questionnaire
# `| --- | :---: |` below a header: Markdown wants it, pyxform would read it as a sheet.
MD_RULE = re.compile(r"^\s*\|[\s|:-]*-[\s|:-]*$")
KINDS = (".xlsx", ".xls", ".csv", ".md")


@dataclass(frozen=True)
class FormFile:
    """A form as opened: `kind` and `content` as pyxform wants them, and the sheets by lower-case name."""

    kind: str
    content: bytes
    sheets: dict[str, Sheet]

    def named(self) -> "FormFile":
        """With a single sheet of any name taken as the survey, as pyxform does."""
        if "survey" in self.sheets or len(self.sheets) != 1:
            return self
        return FormFile(self.kind, self.content, {"survey": next(iter(self.sheets.values()))})


def open_form(content: bytes) -> FormFile:
    """The sheets of a file. Raises BadWorkbook."""
    if not content.strip():
        raise BadWorkbook(_("文件是空的"))
    if content.startswith(OLD_EXCEL):
        return FormFile(".xls", content, _old_excel(content)).named()
    if content.startswith(ZIP):
        return FormFile(".xlsx", content, _excel(content)).named()
    text = _decoded(content)
    lines = [line for line in text.splitlines() if line.strip() and not MD_COMMENT.match(line)]
    if lines and lines[0].lstrip().startswith("|"):
        kept = "\n".join("" if MD_RULE.match(line) else line for line in text.split("\n"))
        return FormFile(".md", kept.encode(), _gathered(_markdown(kept))).named()
    if text.count(",") < 4:
        raise BadWorkbook(_("这不是能打开的问卷文件。请传 .xlsx、.xls、.csv 或 Markdown 表格"))
    lines = list(_comma(text))
    return FormFile(".csv", _unpadded(lines), _gathered(iter(lines))).named()


def _decoded(content: bytes) -> str:
    """UTF-8, else what Excel in Chinese writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BadWorkbook(_("这不是能打开的问卷文件。请传 .xlsx、.xls、.csv 或 Markdown 表格"))


# ---- Excel ---------------------------------------------------------------------------------------------


def _excel(content: bytes) -> dict[str, Sheet]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise BadWorkbook(_("文件解开以后太大，不像一份问卷"))
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
    except BadWorkbook:
        raise
    except Exception as error:  # openpyxl raises many kinds for a damaged file
        raise BadWorkbook(_("这不是能打开的 .xlsx 文件，请在 Excel 里另存一次再传")) from error
    try:
        return {
            sheet.title.strip().lower(): sheet_of(
                sheet.title, enumerate(sheet.iter_rows(values_only=True), start=1)
            )
            for sheet in book.worksheets
        }
    except BadWorkbook:
        raise
    except Exception as error:  # a sheet that breaks half way
        raise BadWorkbook(_("这份 .xlsx 文件坏了，请在 Excel 里另存一次再传")) from error
    finally:
        book.close()


def _old_excel(content: bytes) -> dict[str, Sheet]:
    try:
        book = xlrd.open_workbook(file_contents=content, logfile=StringIO())
        return {
            sheet.name.strip().lower(): sheet_of(sheet.name, _old_rows(sheet, book.datemode))
            for sheet in book.sheets()
        }
    except BadWorkbook:
        raise
    except Exception as error:  # xlrd raises many kinds for a damaged file
        raise BadWorkbook(_("这不是能打开的 .xls 文件，请在 Excel 里另存为 .xlsx 再传")) from error


def _old_rows(sheet: Any, datemode: int) -> Iterator[tuple[int, list[str]]]:
    for number in range(sheet.nrows):
        yield (
            number + 1,
            [
                ""
                if cell.ctype in (XL_CELL_EMPTY, XL_CELL_ERROR)
                else xls_value_to_unicode(cell.value, cell.ctype, datemode)
                for cell in sheet.row(number)
            ],
        )


# ---- texts ---------------------------------------------------------------------------------------------

Line = tuple[int, Sequence[str]]


def _gathered(lines: Iterator[Line]) -> dict[str, Sheet]:
    """Lines by the sheet whose name stands in the first column; letters count this column as A."""
    found: dict[str, list[Line]] = {}
    name = ""
    for number, values in lines:
        if not any(value.strip() for value in values):
            continue
        name = values[0].strip() or name
        if not name:
            raise BadWorkbook(
                _(
                    "第 {number} 行之前没有写工作表的名字：第一列要写 survey、choices 或 settings",
                    number=number,
                )
            )
        rows = found.setdefault(name, [])
        rest = ["", *(value.strip() for value in values[1:])]
        if any(rest):
            rows.append((number, rest))
        if len(rows) > MAX_ROWS + 1:
            raise BadWorkbook(_("“{name}”超过 {most} 行，不像一份问卷", name=name, most=MAX_ROWS))
    return {name.lower(): sheet_of(name, rows, text=True) for name, rows in found.items()}


def _comma(text: str) -> Iterator[Line]:
    reader = csv.reader(StringIO(text, newline=""))
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise BadWorkbook(
            _("CSV 第 {line} 行读不了：{error}", line=reader.line_num, error=str(error))
        ) from error


def _unpadded(lines: list[Line]) -> bytes:
    """The lines without the commas that Excel puts behind short ones: pyxform takes them for columns."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    for _number, values in lines:
        kept = list(values)
        while kept and not kept[-1].strip():
            kept.pop()
        writer.writerow(kept)
    return out.getvalue().encode()


def _markdown(text: str) -> Iterator[Line]:
    """As pyxform splits a table: comments after #, cells between pipes, `\\|` for a pipe in a text."""
    for number, line in enumerate(text.split("\n"), start=1):
        if MD_COMMENT.match(line):
            continue
        if commented := MD_COMMENT_INLINE.match(line):
            line = commented[1]
        if row := MD_CELL.match(line):
            yield number, [cell.strip().replace(r"\|", "|") for cell in MD_PIPE_OR_ESCAPE.split(row[1])]
