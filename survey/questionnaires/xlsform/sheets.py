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
BLANK_ROWS = 100  # in a row: the sheet has ended, whatever size Excel remembers
OLD_EXCEL = bytes.fromhex("d0cf11e0a1b11ae1")  # OLE compound file
MAX_UNPACKED = 100_000_000  # bytes; a workbook that unpacks to more is not a questionnaire

LANGUAGE_COLUMN = re.compile(r"^(.*?)\s*::?\s*([^:]*?)\s*(?:\(\s*([A-Za-z-]+)\s*\))?$")
LANGUAGE_WORDS = {
    **dict.fromkeys(("zh-hans", "zh-cn", "zh", "简体中文", "简体", "中文", "chinese"), "zh-hans"),
    **dict.fromkeys(("zh-hant", "zh-tw", "zh-hk", "繁體中文", "繁体中文", "繁體"), "zh-hant"),
    **dict.fromkeys(("en", "english"), "en"),
}
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


def language_of(text: str) -> str:
    """Our code of a language named by its code or in words; "" for others."""
    return LANGUAGE_WORDS.get(text.strip().lower(), "")


def column_key(header: str) -> str:
    """`label::简体中文 (zh-hans)` → `label::zh-hans`; `Relevance` → `relevant`."""
    text = header.strip()
    match = LANGUAGE_COLUMN.match(text)
    if match and ":" in text:
        base, language = match[1].strip().lower(), language_of(match[3] or match[2])
        if language:
            return f"{ALIASES.get(base, base)}::{language}"
    lowered = text.lower()
    return ALIASES.get(lowered, lowered)


def read_sheets(content: bytes) -> dict[str, Sheet]:
    """Sheets by lower-case name. Raises BadWorkbook."""
    if content.startswith(OLD_EXCEL):
        raise BadWorkbook("这是旧的 .xls 格式，请在 Excel 里另存为 .xlsx 再传")
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
    blank = 0
    for number, values in enumerate(rows, start=1):
        texts = [_text(value) for value in values[:MAX_COLUMNS]]
        blank = 0 if any(texts) else blank + 1
        if blank >= BLANK_ROWS:
            break
        if blank:
            continue
        if len(sheet.rows) >= MAX_ROWS:
            raise BadWorkbook(f"“{title}”超过 {MAX_ROWS} 行，不像一份问卷")
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
