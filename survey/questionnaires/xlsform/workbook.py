"""Sheets as an .xlsx that people like to open: frozen headers, wide text columns, every cell a text."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from survey.questionnaires.document import Document
from survey.questionnaires.xlsform.exporting import Sheets, tables_of

HEADER = PatternFill("solid", fgColor="E8EEF4")
WIDE = ("label", "hint", "constraint_message", "required_message", "full_text", "form_title")
WIDTHS = {"type": 26, "name": 18, "list_name": 18, "relevant": 30, "constraint": 24, "minyi_parts": 40}


def export_xlsform(document: Document) -> bytes:
    """The document as an .xlsx XLSForm; `read_xlsform` of it gives the document again.

    ODK and Kobo open it. They ignore the columns `minyi_…` and the sheets `matrices` and `quotas`.
    """
    return workbook(tables_of(document))


def workbook(sheets: Sheets, notes: Mapping[str, list[tuple[str, ...]]] | None = None) -> bytes:
    """Bytes of an .xlsx; `notes` are sheets of plain rows that no program reads."""
    book = Workbook()
    book.remove(book.active)
    for name, (headers, rows) in sheets.items():
        _fill(book.create_sheet(name), [headers, *([row.get(each, "") for each in headers] for row in rows)])
    for name, lines in (notes or {}).items():
        _fill(book.create_sheet(name), [list(line) for line in lines])
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(sheet: Any, lines: list[list[str]]) -> None:
    for number, line in enumerate(lines, start=1):
        for place, text in enumerate(line, start=1):
            if text == "":
                continue
            cell = sheet.cell(row=number, column=place, value=text)
            cell.data_type = "s"  # a text that begins with = is no formula
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if number == 1:
                cell.font, cell.fill = Font(bold=True), HEADER
    for place, header in enumerate(lines[0] if lines else [], start=1):
        base = header.partition("::")[0]
        sheet.column_dimensions[get_column_letter(place)].width = 44 if base in WIDE else WIDTHS.get(base, 15)
    sheet.freeze_panes = "A2"
