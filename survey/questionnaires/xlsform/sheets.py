"""A sheet as written: which cell each name and field stands in, and which columns nobody reads.

pyxform gives the meaning of a form but not its cells; this module gives the cells. `files` opens the files.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from openpyxl.utils import get_column_letter

from survey.questionnaires.said import said as _

MAX_ROWS, MAX_COLUMNS = 5000, 200
BLANK_ROWS = 100  # in a row: the sheet has ended, whatever size Excel remembers

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
    lower-case header, with the language as `label::en` where one of ours is named. `repeated` holds
    (header, letter) of columns whose header is there already. `counted` lists the row numbers of the file
    that hold something, for texts, where pyxform counts rows of the sheet instead of lines.
    """

    name: str
    columns: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    counted: list[int] | None = None
    header_row: int = 1

    def cell(self, row: int, column: str) -> str:
        """`survey!H12`; without the column, `survey!12`."""
        return f"{self.name}!{self.columns.get(column, '')}{row}"

    def row_of(self, number: int) -> int:
        """The row of the file that pyxform calls `number`."""
        if self.counted is None or not 1 <= number <= len(self.counted):
            return number
        return self.counted[number - 1]


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


def sheet_of(title: str, rows: Iterable[tuple[int, Sequence[Any]]], *, text: bool = False) -> Sheet:
    """A sheet from (row number, values of the cells); the first row that is not blank is the header.

    Parameters
    ----------
    text : the rows are lines of a text, which pyxform counts without the blank ones.
    """
    sheet = Sheet(title, counted=[] if text else None)
    header: list[str] | None = None
    blank = 0
    for number, values in rows:
        texts = [_text(value) for value in values[:MAX_COLUMNS]]
        blank = 0 if any(texts) else blank + 1
        if blank >= BLANK_ROWS:
            break
        if blank:
            continue
        if len(sheet.rows) >= MAX_ROWS:
            raise BadWorkbook(_("“{title}”超过 {most} 行，不像一份问卷", title=title, most=MAX_ROWS))
        if sheet.counted is not None:
            sheet.counted.append(number)
        if header is None:
            header, sheet.header_row = [column_key(each) if each else "" for each in texts], number
            _note_headers(sheet, header, texts)
            continue
        row = {key: each for key, each in zip(header, texts, strict=False) if key and each}
        if row:
            sheet.rows.append((number, row))
    return sheet


def _note_headers(sheet: Sheet, header: list[str], texts: list[str]) -> None:
    for place, key in enumerate(header):
        if not key:
            continue
        letter = get_column_letter(place + 1)
        if key in sheet.columns:
            sheet.repeated.append((texts[place].strip(), letter))
        sheet.columns.setdefault(key, letter)
        sheet.headers.setdefault(key, texts[place].strip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
