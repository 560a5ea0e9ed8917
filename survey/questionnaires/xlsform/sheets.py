"""The workbook as written: which cell each name and field stands in, and which columns nobody reads.

pyxform gives the meaning of a form but not its cells; this module gives the cells.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

MAX_ROWS, MAX_COLUMNS = 5000, 200
MAX_UNPACKED = 100_000_000  # bytes; a workbook that unpacks to more is not a questionnaire

LANGUAGE_COLUMN = re.compile(r"^(.*?)\s*::?\s*([^:]*?)\s*\(\s*(zh-hans|zh-hant|en)\s*\)$", re.IGNORECASE)
ALIASES = {
    "relevance": "relevant",
    "bind::relevant": "relevant",
    "bind:relevant": "relevant",
    "bind::constraint": "constraint",
    "bind::required": "required",
    "bind::calculate": "calculation",
    "calculate": "calculation",
    "constraint message": "constraint_message",
    "bind::jr:constraintmsg": "constraint_message",
    "required message": "required_message",
    "list name": "list_name",
    "caption": "label",
    "value": "name",
}


class BadWorkbook(ValueError):
    """The file cannot be read as a workbook; the message is Chinese."""


@dataclass
class Sheet:
    """Rows of a sheet with their cells.

    `rows` holds (row number, {column key: text}); `columns` maps a column key to its letter. A key is the
    lower-case header, with the language as `label::en` where one of ours is named.
    """

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)

    def cell(self, row: int, column: str) -> str:
        """`survey!H12`; without the column, `survey!12`."""
        return f"{self.name}!{self.columns.get(column, '')}{row}"


def column_key(header: str) -> str:
    """`label::简体中文 (zh-hans)` → `label::zh-hans`; `Relevance` → `relevant`."""
    text = header.strip()
    match = LANGUAGE_COLUMN.match(text)
    if match:
        base = match[1].strip().lower()
        return f"{ALIASES.get(base, base)}::{match[3].lower()}"
    lowered = text.lower()
    return ALIASES.get(lowered, lowered)


def read_sheets(content: bytes) -> dict[str, Sheet]:
    """Sheets by lower-case name. Raises BadWorkbook."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MAX_UNPACKED:
                raise BadWorkbook("文件解开以后太大，不像一份问卷")
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
    except BadWorkbook:
        raise
    except Exception as error:  # openpyxl raises many kinds for a damaged file
        raise BadWorkbook("这不是能打开的 .xlsx 文件，请在 Excel 里另存一次再传") from error
    sheets = {}
    for worksheet in book.worksheets:
        sheets[worksheet.title.strip().lower()] = _read(
            worksheet.title, worksheet.iter_rows(values_only=True)
        )
    book.close()
    return sheets


def _read(title: str, rows: Iterator[tuple[Any, ...]]) -> Sheet:
    sheet = Sheet(title)
    header: list[str] | None = None
    for number, values in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise BadWorkbook(f"“{title}”超过 {MAX_ROWS} 行，不像一份问卷")
        texts = [_text(value) for value in values[:MAX_COLUMNS]]
        if not any(texts):
            continue
        if header is None:
            header = [column_key(text) if text else "" for text in texts]
            for place, key in enumerate(header):
                if key:
                    sheet.columns.setdefault(key, get_column_letter(place + 1))
                    sheet.headers.setdefault(key, texts[place].strip())
            continue
        row = {key: text for key, text in zip(header, texts, strict=False) if key and text}
        if row:
            sheet.rows.append((number, row))
    return sheet


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
